//! Tests of `/organisations/{OrganisationId}/authorisationservers/{AuthorisationServerId}/sso-configuration`.

use serde_json::json;

use crate::directory::{Directory, configuration, errors, fields};
use futures_util::future::join_all;

const UNKNOWN: &str = "3fa85f64-5717-4562-b3fc-2c963f66afa6";

#[tokio::test]
async fn totals_are_right_while_others_write() {
    let directory = Directory::new().await;
    let customer = &directory.customer;
    let path = directory.configurations();
    let body = configuration();
    let writes = async {
        for _ in 0..3 {
            let made = join_all((0..3).map(|_| customer.post(&path, &body))).await;
            assert!(made.iter().all(|reply| reply.status == 201), "{made:?}");
        }
    };
    let reads = async {
        let mut last = 0;
        for _ in 0..12 {
            let page = customer.get(&format!("{path}?size=2")).await.expect(200).body;
            let total = page["totalSize"].as_u64().unwrap();
            assert!((last..=9).contains(&total), "{total} after {last}");
            assert_eq!(page["totalPages"].as_u64().unwrap(), total.div_ceil(2));
            assert_eq!(page["numberOfElements"].as_u64().unwrap(), total.min(2));
            last = total;
        }
    };
    tokio::join!(writes, reads);
    assert_eq!(customer.get(&path).await.body["totalSize"], 9);
}

#[tokio::test]
async fn one_is_made_shown_listed_and_deleted() {
    let directory = Directory::new().await;
    let customer = &directory.customer;
    let mut new = configuration();
    new["TextRecord"] = json!("mine");
    let made = customer.post(&directory.configurations(), &new).await.expect(201);
    let id = made.body["ID"].as_str().unwrap();
    assert_eq!(made.body["ServerID"], directory.server_id.as_str());
    assert!(made.body["RedirectUri"].as_str().unwrap().ends_with(&format!("/{id}")), "{}", made.text);
    assert_ne!(made.body["TextRecord"], "mine");
    assert_eq!(made.body["Status"], "Active");
    let path = format!("{}/{id}", directory.configurations());
    let shown = customer.get(&path).await.expect(200);
    assert_eq!((&shown.body, shown.header("etag")), (&made.body, Some("\"1\"")));
    let listed = customer.get(&directory.configurations()).await.expect(200);
    assert_eq!((&listed.body["totalSize"], &listed.body["content"][0]), (&json!(1), &made.body));

    let gone = customer.delete(&path).await.expect(204);
    assert_eq!(gone.text, "");
    let _ = customer.get(&path).await.expect(404);
    let _ = customer.delete(&path).await.expect(404);
    assert_eq!(customer.get(&directory.configurations()).await.expect(200).body["totalSize"], 0);
}

#[tokio::test]
async fn the_documented_update() {
    let directory = Directory::new().await;
    let customer = &directory.customer;
    let path = directory.configuration().await;
    let before = customer.get(&path).await.expect(200);
    let update = json!({
        "DisplayName": "string",
        "Contacts": ["user@example.com"],
        "Status": "Inactive",
        "TextRecord": "string",
    });
    let put = customer.put(&path, &update).await.expect(200);
    assert_eq!((&put.body["DisplayName"], &put.body["Status"]), (&json!("string"), &json!("Inactive")));
    assert_eq!(put.body["Contacts"], json!(["user@example.com"]));
    for kept in ["ID", "ServerID", "RedirectUri", "TextRecord", "CreatedAt"] {
        assert_eq!(put.body[kept], before.body[kept], "{kept}");
    }
    assert_eq!(put.header("etag"), Some("\"2\""));
    // Without a status, it gets the documented default.
    let suffix = json!({"DisplayName": "string", "Contacts": ["user@example.com"], "RedirectUriSuffix": "/acme/staff"});
    let put = customer.put(&path, &suffix).await.expect(200);
    assert_eq!(put.body["Status"], "Active");
    assert_eq!(put.body["RedirectUri"], "https://auth.example.com/sso/callback/acme/staff");
    let same = customer.put(&path, &configuration()).await.expect(200);
    assert_eq!(same.body["RedirectUri"], put.body["RedirectUri"]);
}

#[tokio::test]
async fn every_wrong_field_is_named_and_nothing_is_written() {
    let directory = Directory::new().await;
    let customer = &directory.customer;
    let path = directory.configuration().await;
    let wrong = json!({
        "DisplayName": "x".repeat(65),
        "Contacts": ["it@acme.example", "nobody"],
        "Status": "Pending",
        "RedirectUriSuffix": "../x",
    });
    let refused = customer.put(&path, &wrong).await.expect(400);
    assert_eq!(fields(&refused), ["Contacts[1]", "DisplayName", "RedirectUriSuffix", "Status"]);
    let refused = customer.post(&directory.configurations(), &json!({"Contacts": []})).await.expect(400);
    assert_eq!(fields(&refused), ["Contacts", "DisplayName"]);
    assert_eq!(customer.get(&path).await.header("etag"), Some("\"1\""));
    let bad_path = "/organisations/a%3Cb/authorisationservers/1/sso-configuration/2";
    let refused = customer.get(bad_path).await.expect(400);
    assert_eq!(fields(&refused), ["AuthorisationServerId", "OrganisationId", "ssoConfigurationId"]);
}

/// Tests names of which an approver would see nothing, or something else.
#[tokio::test]
async fn a_name_is_what_it_looks_like() {
    let directory = Directory::new().await;
    let customer = &directory.customer;
    for (name, fault) in [
        ("\u{200b}", "must contain a visible character"),
        ("\u{a0}\u{feff}\u{2060}", "must contain a visible character"),
        ("Acme \u{202e}elpmaxe", "must not contain characters that change the direction of writing"),
        ("Acme\u{2066}x", "must not contain characters that change the direction of writing"),
        ("Acme\u{7}", "must not contain control characters"),
    ] {
        let mut wanted = configuration();
        wanted["DisplayName"] = json!(name);
        let refused = customer.post(&directory.configurations(), &wanted).await.expect(400);
        assert_eq!(fields(&refused), ["DisplayName"], "{name:?}");
        assert!(refused.text.contains(fault), "{name:?}: {}", refused.text);
        let organisation = json!({"OrganisationId": "odd", "OrganisationName": name});
        let refused = customer.post("/organisations", &organisation).await.expect(400);
        assert_eq!(fields(&refused), ["OrganisationName"], "{name:?}");
        let key = json!({"name": name, "roles": ["viewer"]});
        let refused = customer.post("/v1/api-keys", &key).await.refused(400, "invalid_request");
        assert!(refused.body["details"]["name"].is_string(), "{name:?}: {}", refused.text);
    }
    // Scripts that are written from right to left need no such marks.
    let mut wanted = configuration();
    wanted["DisplayName"] = json!("\u{5e9}\u{5dc}\u{5d5}\u{5dd}");
    let _ = customer.post(&directory.configurations(), &wanted).await.expect(201);
}

#[tokio::test]
async fn what_is_not_there_is_named() {
    let directory = Directory::new().await;
    let customer = &directory.customer;
    let below = |organisation: &str, server: &str| {
        format!("/organisations/{organisation}/authorisationservers/{server}/sso-configuration/{UNKNOWN}")
    };
    for (path, what) in [
        (below("nobody", &directory.server_id), "there is no such organisation"),
        (below("acme", UNKNOWN), "there is no such authorisation server"),
        (below("acme", &directory.server_id), "there is no such SSO configuration"),
    ] {
        assert_eq!(errors(&customer.get(&path).await.expect(404)), [what]);
        assert_eq!(errors(&customer.put(&path, &configuration()).await.expect(404)), [what]);
        assert_eq!(errors(&customer.delete(&path).await.expect(404)), [what]);
    }
}

#[tokio::test]
async fn costs() {
    let directory = Directory::new().await;
    let customer = &directory.customer;
    // The first one also counts the level.
    let first = customer.post(&directory.configurations(), &configuration()).await.expect(201);
    assert_eq!(customer.cost(&first).await.dynamodb_round_trips, 3);
    let made = customer.post(&directory.configurations(), &configuration()).await.expect(201);
    let path = format!("{}/{}", directory.configurations(), made.body["ID"].as_str().unwrap());
    let mut update = configuration();
    update["DisplayName"] = json!("Another");
    let put = customer.put(&path, &update).await.expect(200);
    let shown = customer.get(&path).await.expect(200);
    let listed = customer.get(&directory.configurations()).await.expect(200);
    let gone = customer.delete(&path).await.expect(204);
    for (reply, calls, round_trips) in [(made, 2, 2), (put, 2, 2), (shown, 1, 1), (listed, 2, 1), (gone, 3, 2)] {
        let cost = customer.cost(&reply).await;
        assert_eq!((cost.dynamodb_calls, cost.dynamodb_round_trips, cost.aws_calls), (calls, round_trips, 0));
    }
}

#[tokio::test]
async fn of_writers_that_name_the_same_version_one_wins() {
    let directory = Directory::new().await;
    let customer = &directory.customer;
    let path = directory.configuration().await;
    let writes = (0..4).map(|n| {
        let mut update = configuration();
        update["DisplayName"] = json!(format!("writer {n}"));
        customer.send(customer.request("PUT", &path).json(&update).header("if-match", "\"1\""))
    });
    let statuses: Vec<u16> = join_all(writes).await.iter().map(|reply| reply.status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| matches!(status, 200 | 412)), "{statuses:?}");
    let stale = customer.send(customer.request("DELETE", &path).header("if-match", "\"1\"")).await;
    assert_eq!(stale.status, 412);
}

#[tokio::test]
async fn a_retry_with_its_key_makes_no_second_one() {
    let directory = Directory::new().await;
    let customer = &directory.customer;
    let post = || {
        customer.request("POST", &directory.configurations()).json(&configuration()).header("idempotency-key", "once")
    };
    let first = customer.send(post()).await.expect(201);
    let again = customer.send(post()).await.expect(201);
    assert_eq!(first.body, again.body);
    assert_eq!(customer.get(&directory.configurations()).await.body["totalSize"], 1);
}
