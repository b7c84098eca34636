//! Tests of `/v1/setup-links`.

use serde_json::json;
use trustplane_domain::ids::TenantId;
use trustplane_end_to_end::world;

use super::{LINKS, Link, link, shown};
use crate::domains::Domains;
use crate::identity_center::{TEST, connected, post};
use crate::table::{audit_records, table};

/// The id of no SSO configuration.
const NOBODY: &str = "3fa85f64-5717-4562-b3fc-2c963f66afa6";

#[tokio::test]
async fn a_link_is_shown_once_and_recorded_without_its_secret() {
    let domains = Domains::new().await;
    let customer = domains.customer();
    let configuration = domains.path().split('/').nth(6).unwrap().to_owned();
    let body = json!({
        "sections": ["domains", "aws-identity-center", "domains"], "label": "Ada at Acme",
        "sso_configuration_id": configuration, "expires_in_seconds": 300, "max_sessions": 10, "allow_changes": true,
        "enable": "platform", "return_url": "https://platform.example.com/done",
    });
    let request = || customer.request("POST", LINKS).header("idempotency-key", "one").json(&body);
    let made = customer.send(request()).await.expect(201);
    let url = made.body["url"].as_str().unwrap();
    assert!(url.starts_with(&format!("{}/setup#tpl_", world().stack().url())), "{url}");
    assert_eq!(made.body["sections"], json!(["aws-identity-center", "domains"]));
    for (field, value) in body.as_object().unwrap() {
        if !["sections", "expires_in_seconds"].contains(&field.as_str()) {
            assert_eq!(&made.body[field], value, "{field}");
        }
    }
    let progress = json!([
        {"section": "aws-identity-center", "completed_at": null}, {"section": "domains", "completed_at": null},
    ]);
    assert_eq!((&made.body["progress"], &made.body["sessions"]), (&progress, &json!([])));
    let again = customer.send(request()).await.expect(201);
    assert_eq!((&again.body["id"], &again.body["url"]), (&made.body["id"], &json!(null)));

    let path = format!("{LINKS}/{}", made.body["id"].as_str().unwrap());
    let read = customer.get(&path).await.expect(200);
    assert_eq!(read.header("etag"), Some("\"1\""));
    let listed = customer.get(LINKS).await.expect(200);
    assert_eq!(listed.body["data"], json!([read.body]));
    let mut without = made.body.clone();
    without.as_object_mut().unwrap().remove("url");
    assert_eq!(read.body, without);

    let records = audit_records(&table(world()), TenantId::parse(&customer.tenant).unwrap(), "create-setup-link").await;
    assert_eq!((records.len(), &records[0]["after"]["label"]), (1, &json!("Ada at Acme")));
    let secret = url.rsplit_once('_').unwrap().1;
    for text in [read.text, listed.text, again.text, records[0].to_string()] {
        assert!(!text.contains(&secret[..12]), "{text}");
    }
}

#[tokio::test]
async fn links_are_listed_page_by_page_and_belong_to_one_tenant() {
    let (customer, other) = (world().customer().await, world().customer().await);
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(link(&customer, &["aws-identity-center"], json!({})).await.id);
    }
    ids.sort();
    let first = customer.get(&format!("{LINKS}?limit=2")).await.expect(200);
    let cursor = first.body["next_cursor"].as_str().unwrap();
    let second = customer.get(&format!("{LINKS}?limit=2&cursor={cursor}")).await.expect(200);
    let pages = [&first.body["data"], &second.body["data"]];
    let rows = pages.into_iter().flat_map(|page| page.as_array().unwrap());
    let mut found: Vec<String> = rows.map(|row| row["id"].as_str().unwrap().to_owned()).collect();
    found.sort();
    assert_eq!(found, ids);
    assert_eq!(other.get(LINKS).await.expect(200).body["data"], json!([]));
    for id in [ids[0].as_str(), "nonsense"] {
        let path = format!("{LINKS}/{id}");
        let _ = other.get(&path).await.refused(404, "not_found");
        let _ = other.delete(&path).await.refused(404, "not_found");
    }
}

#[tokio::test]
async fn all_faults_of_a_link_are_reported_together() {
    let customer = world().customer().await;
    let body = json!({
        "sections": ["keys"], "label": "", "expires_in_seconds": 299, "max_sessions": 11, "allow_changes": "yes",
        "enable": "me", "return_url": "http://platform.example.com/", "sso_configuration_id": "x", "colour": "red",
    });
    let reply = customer.post(LINKS, &body).await.refused(400, "invalid_request");
    let faults: Vec<&String> = reply.body["details"].as_object().unwrap().keys().collect();
    let expected = [
        "allow_changes",
        "colour",
        "enable",
        "expires_in_seconds",
        "label",
        "max_sessions",
        "return_url",
        "sections[0]",
        "sso_configuration_id",
    ];
    assert_eq!(faults, expected, "{}", reply.text);
    for (body, field) in [
        (json!({"label": "Ada"}), "sections"),
        (json!({"label": "Ada", "sections": []}), "sections"),
        (json!({"label": "Ada", "sections": ["domains"]}), "sso_configuration_id"),
        (json!({"label": "Ada", "sections": ["domains"], "sso_configuration_id": NOBODY}), "sso_configuration_id"),
        (
            json!({"label": "A", "sections": ["aws-identity-center"], "sso_configuration_id": NOBODY}),
            "sso_configuration_id",
        ),
    ] {
        let reply = customer.post(LINKS, &body).await.refused(400, "invalid_request");
        let said = reply.body["details"][field].as_str().unwrap();
        let is_unknown = body["sections"] == json!(["domains"]) && body["sso_configuration_id"] == NOBODY;
        assert!(!is_unknown || said == "there is no such SSO configuration", "{}", reply.text);
    }
}

#[tokio::test]
async fn an_identity_provider_takes_a_connection_in_the_link_or_a_tested_one() {
    let (customer, _) = connected().await;
    let body = json!({"sections": ["identity-provider"], "label": "Ada"});
    let _ = customer.post(LINKS, &body).await.refused(409, "not_configured");
    let both = json!({"sections": ["identity-provider", "aws-identity-center"], "label": "Ada"});
    let _ = customer.post(LINKS, &both).await.expect(201);
    assert_eq!(post(&customer, TEST).await.expect(200).body["success"], true);
    let _ = customer.post(LINKS, &body).await.expect(201);
}

/// Tests the warning of a link that has nothing to do, and links that have.
#[tokio::test]
async fn a_link_whose_sections_are_complete_is_made_with_a_warning() {
    let (customer, _) = connected().await;
    let warnings = async |sections: &[&str], allow_changes: bool| {
        let body = json!({"sections": sections, "label": "Ada", "allow_changes": allow_changes});
        let made = customer.send(customer.request("POST", LINKS).json(&body)).await.expect(201);
        let cost = customer.cost(&made).await;
        assert_eq!((cost.dynamodb_calls, cost.dynamodb_round_trips), (2, 2), "{cost:?}");
        made.body.get("warnings").cloned()
    };
    assert_eq!(warnings(&["aws-identity-center"], false).await, None);
    assert_eq!(post(&customer, TEST).await.expect(200).body["success"], true);
    let told = warnings(&["aws-identity-center"], false).await.unwrap();
    assert_eq!(told.as_array().map(Vec::len), Some(2), "{told}");
    assert!(told[1].as_str().is_some_and(|told| told.starts_with("`allow_changes`")), "{told}");
    assert_eq!(warnings(&["aws-identity-center"], true).await, None);
    assert_eq!(warnings(&["aws-identity-center", "identity-provider"], false).await, None);
    // The warning is in the response to a retry too, and not in the link.
    let body = json!({"sections": ["aws-identity-center"], "label": "Ada"});
    let request = || customer.request("POST", LINKS).header("idempotency-key", "again").json(&body);
    let (made, again) = (customer.send(request()).await.expect(201), customer.send(request()).await.expect(201));
    assert_eq!((&again.body["warnings"], &again.body["url"]), (&made.body["warnings"], &json!(null)));
    let path = format!("{LINKS}/{}", made.body["id"].as_str().unwrap());
    assert_eq!(customer.get(&path).await.expect(200).body.get("warnings"), None);
}

#[tokio::test]
async fn a_revoked_link_stays_as_it_was_revoked_first() {
    let customer = world().customer().await;
    let made: Link = link(&customer, &["aws-identity-center"], json!({})).await;
    let path = format!("{LINKS}/{}", made.id);
    let _ = customer.delete(&path).await.expect(204);
    let revoked = shown(&customer, &made).await;
    assert!(revoked["revoked_at"].is_string(), "{revoked}");
    let _ = customer.delete(&path).await.expect(204);
    assert_eq!(shown(&customer, &made).await, revoked);
    let tenant = TenantId::parse(&customer.tenant).unwrap();
    assert_eq!(audit_records(&table(world()), tenant, "delete-setup-link").await.len(), 1);
}
