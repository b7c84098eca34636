//! Tests of the progress of a link: its events, its audit records, and its end.

use serde_json::{Value, json};
use trustplane_domain::ids::TenantId;
use trustplane_end_to_end::{Customer, Reply, world};

use super::{browser, link, open, shown, start};
use crate::domains::Domains;
use crate::identity_center::{CONFIG, TEST, config, own_role};
use crate::identity_source::{IDP, certificate, new_idp};
use crate::table::{audit_records, table};

async fn send(customer: &Customer, token: &str, method: &str, path: &str, body: Value) -> Reply {
    customer.send(customer.request_as(token, method, path).json(&body)).await
}

/// The events of a tenant about setup links: the name, and what happened.
fn events(customer: &Customer) -> Vec<(String, Value)> {
    let of_links = world().stack().events().into_iter().filter(|event| {
        event["detail"]["tenant_id"] == customer.tenant && event["detail"]["resource_type"] == "setup-link"
    });
    of_links.map(|event| (event["detail-type"].as_str().unwrap().to_owned(), event["detail"].clone())).collect()
}

#[tokio::test]
async fn sections_complete_one_by_one_and_the_last_completes_the_link() {
    let customer = world().customer().await;
    let role = own_role(&customer);
    let link = link(&customer, &["aws-identity-center", "identity-provider"], json!({"max_sessions": 3})).await;
    let token = open(&link, 'a').await;
    let _ = send(&customer, &token, "PUT", CONFIG, config("arn:aws:iam::123456789012:role/Nobody")).await.expect(200);
    assert_eq!(send(&customer, &token, "POST", TEST, json!({})).await.expect(200).body["success"], false);
    assert_eq!(shown(&customer, &link).await["progress"][0]["completed_at"], json!(null));
    let _ = send(&customer, &token, "PUT", CONFIG, config(&role)).await.expect(200);
    for _ in 0..2 {
        assert_eq!(send(&customer, &token, "POST", TEST, json!({})).await.expect(200).body["success"], true);
    }
    let after_test = shown(&customer, &link).await;
    assert!(after_test["progress"][0]["completed_at"].is_string(), "{after_test}");
    assert_eq!((&after_test["progress"][1]["completed_at"], &after_test["completed_at"]), (&json!(null), &json!(null)));

    // Another person goes on.
    let second = open(&link, 'b').await;
    let _ = customer.send(customer.request_as(&second, "GET", "/v1/instances")).await.expect(200);
    let made = send(&customer, &second, "POST", IDP, new_idp(&certificate(-1, 100))).await.expect(201);
    let enable = format!("{IDP}/{}/enable", made.body["idp_id"].as_str().unwrap());
    for _ in 0..2 {
        let _ = customer.send(customer.request_as(&second, "POST", &enable)).await.expect(200);
    }
    let completed = shown(&customer, &link).await;
    assert_eq!(completed["completed_at"], completed["progress"][1]["completed_at"]);
    assert!(completed["completed_at"].is_string(), "{completed}");
    let refused = start(&link.secret, &browser('c')).await.refused(410, "setup_link_ended");
    assert_eq!(refused.body["details"]["reason"], "completed");
    let _ = customer.send(customer.request_as(&second, "GET", CONFIG)).await.expect(200);

    world().stack().settle_streams().await;
    let events = events(&customer);
    let names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
    let expected = [
        "setup-link.created",
        "setup-link.opened",
        "setup-link.section_completed",
        "setup-link.opened",
        "setup-link.section_completed",
        "setup-link.completed",
    ];
    assert_eq!(names, expected);
    for (name, detail) in &events {
        assert_eq!(
            (&detail["resource_id"], &detail["after"]["label"]),
            (&json!(link.id), &json!("Ada at Acme")),
            "{name}"
        );
        let actor = json!({"id": link.id, "name": "Ada at Acme", "type": "setup-link", "roles": []});
        assert!(name == "setup-link.created" || detail["actor"] == actor, "{detail}");
        assert!(detail["source_ip"].is_string(), "{detail}");
    }
    let sessions = &completed["sessions"];
    assert_eq!(
        (&events[1].1["after"]["session_id"], &events[3].1["after"]["session_id"]),
        (&sessions[0]["id"], &sessions[1]["id"])
    );
    assert_eq!(events[1].1["user_agent"], "Browser/1");
    assert_eq!(events[2].1["after"]["section"], "aws-identity-center");
    assert_eq!(events[4].1["after"]["section"], "identity-provider");
    assert!(events[5].1["after"]["completed_at"].is_string());

    // What a session does is recorded under its link.
    let tenant = TenantId::parse(&customer.tenant).unwrap();
    let table = table(world());
    for (action, count) in [("put-identity-center-config", 2), ("create-external-idp", 1)] {
        let records = audit_records(&table, tenant, action).await;
        assert_eq!(records.len(), count, "{action}");
        for record in records {
            assert_eq!((&record["actor"]["id"], &record["actor"]["name"]), (&json!(link.id), &json!("Ada at Acme")));
        }
    }
    let listed = customer.get(&format!("/v1/audit-log?limit=250&actor_id={}", link.id)).await.expect(200);
    assert!(listed.body["data"].as_array().unwrap().len() >= 10, "{}", listed.text);
    let whole = listed.text + &events.iter().map(|(_, detail)| detail.to_string()).collect::<String>();
    for secret in [&link.secret, &token, &second] {
        assert!(!whole.contains(&secret[43..60]), "a secret is recorded");
    }
}

#[tokio::test]
async fn the_last_proven_domain_completes_the_section() {
    let domains = Domains::new().await;
    let customer = domains.customer();
    let names = ["one", "two"].map(|label| crate::domains::own(customer, label));
    let body = crate::domains::naming(&[], &[&names[0], &names[1]]);
    let _ = customer.post(&domains.versions.path, &body).await.expect(201);
    let id = domains.path().split('/').nth(6).unwrap().to_owned();
    let link = link(customer, &["domains"], json!({"sso_configuration_id": id})).await;
    let token = open(&link, 'a').await;
    for (name, is_last) in [(&names[0], false), (&names[1], true)] {
        let domain = domains.shown(name).await;
        let text = |field: &str| domain[field].as_str().unwrap().to_owned();
        world().stack().dns().set_text(&text("RecordName"), &text("RecordValue"));
        let path = format!("{}/{name}/verify", domains.path());
        assert_eq!(send(customer, &token, "POST", &path, json!({})).await.expect(200).body["Status"], "Proven");
        assert_eq!(shown(customer, &link).await["completed_at"].is_string(), is_last, "{name}");
    }
    // Nothing is left to do for the next link.
    let body = json!({"label": "Ada", "sections": ["domains"], "sso_configuration_id": id, "allow_changes": true});
    let made = customer.post(super::LINKS, &body).await.expect(201);
    let warnings = made.body["warnings"].as_array().unwrap();
    assert!(warnings[0].as_str().is_some_and(|told| told.contains("complete already")), "{}", made.text);
    assert_eq!(warnings.len(), 1, "the link may change things already: {}", made.text);
    let next = super::link(customer, &["domains"], json!({"sso_configuration_id": id})).await;
    let _ = open(&next, 'a').await;
    assert!(shown(customer, &next).await["completed_at"].is_string());
}

#[tokio::test]
async fn what_works_already_is_complete_when_a_session_begins() {
    let (customer, _) = crate::identity_center::connected().await;
    let sections = &["aws-identity-center", "identity-provider"];
    let fresh = link(&customer, sections, json!({})).await;
    let _ = open(&fresh, 'a').await;
    assert_eq!(shown(&customer, &fresh).await["progress"][0]["completed_at"], json!(null));
    let _ = crate::identity_center::post(&customer, TEST).await.expect(200);
    let tested = link(&customer, sections, json!({})).await;
    let _ = open(&tested, 'a').await;
    let progress = shown(&customer, &tested).await["progress"].clone();
    assert!(progress[0]["completed_at"].is_string() && progress[1]["completed_at"].is_null(), "{progress}");
    // It may be changed, so it is not complete.
    let renewal = link(&customer, sections, json!({"allow_changes": true})).await;
    let _ = open(&renewal, 'a').await;
    assert_eq!(shown(&customer, &renewal).await["progress"][0]["completed_at"], json!(null));
    world().stack().settle_streams().await;
    let completed = events(&customer).into_iter().filter(|(name, _)| name == "setup-link.section_completed");
    assert_eq!(completed.map(|(_, detail)| detail["resource_id"].clone()).collect::<Vec<_>>(), [json!(tested.id)]);
}
