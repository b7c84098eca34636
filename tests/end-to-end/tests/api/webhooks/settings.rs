//! Tests of `/v1/webhooks`: create, read, update, delete, rotate the secret.

use serde_json::{Value, json};
use trustplane_domain::ids::TenantId;
use trustplane_end_to_end::world;

use super::{Receiver, WEBHOOKS, create, path, save_policy};
use crate::table::{audit_records, table};

const URL: &str = "https://hooks.example.com/T0KEN/path?key=QU3RY";

#[tokio::test]
async fn the_secret_is_shown_once_and_path_and_query_to_admins_alone() {
    let customer = world().customer().await;
    let made = create(&customer, URL, &["policy.*"]).await;
    let secret = made.body["secret"].as_str().unwrap();
    assert!(secret.starts_with("whsec_"), "{secret}");
    let webhook = path(&made);
    let mut shown = made.body.clone();
    shown.as_object_mut().unwrap().remove("secret");
    assert_eq!((&shown["url"], &shown["enabled"]), (&json!(URL), &json!(true)));
    let got = customer.get(&webhook).await.expect(200);
    assert_eq!((&got.body, got.header("etag")), (&shown, Some("\"1\"")));
    assert_eq!(customer.get(WEBHOOKS).await.expect(200).body["data"], json!([shown]));
    let deleted = customer.delete(&webhook).await.expect(204);
    assert_eq!(deleted.text, "");
    let _ = customer.get(&webhook).await.refused(404, "not_found");
    assert_eq!(customer.get(WEBHOOKS).await.expect(200).body["data"], json!([]));

    world().stack().settle_streams().await;
    let tenant = TenantId::parse(&customer.tenant).unwrap();
    let records = audit_records(&table(world()), tenant, "create-webhook").await;
    assert_eq!(
        records[0]["after"],
        json!({"origin": "https://hooks.example.com", "events": ["policy.*"], "status": "enabled"})
    );
    let events = world().stack().events();
    let own = events.iter().filter(|event| event["detail"]["tenant_id"] == customer.tenant);
    let told: String =
        own.map(Value::to_string).chain(world().stack().logs().into_iter().map(|line| line.text)).collect();
    for secret in ["T0KEN", "QU3RY", secret] {
        assert!(!told.contains(secret), "{secret} is in an event or a log");
    }
}

#[tokio::test]
async fn faults_of_a_webhook_are_reported_together() {
    let customer = world().customer().await;
    let refused = async |body: Value, fields: &[&str]| {
        let reply = customer.post(WEBHOOKS, &body).await.refused(400, "invalid_request");
        let details = reply.body["details"].as_object().unwrap();
        let found: Vec<&str> = details.keys().map(String::as_str).collect();
        assert_eq!(found, fields, "{}", reply.text);
        reply.text
    };
    refused(json!({}), &["events", "url"]).await;
    refused(json!({"url": "http://hooks.example.com/", "events": []}), &["events", "url"]).await;
    for url in ["https://10.0.0.1/", "https://167772161/", "https://hooks.example.com:22/", "https://api.localhost/"] {
        refused(json!({"url": url, "events": ["*"]}), &["url"]).await;
    }
    let text =
        refused(json!({"url": URL, "events": ["*", "policy.safed"], "secret": "x"}), &["events[1]", "secret"]).await;
    assert!(text.contains("policy.saved"), "{text}");
    assert!(!text.contains("T0KEN"), "{text}");
    for bad in ["", "policy", "policy.sa*"] {
        refused(json!({"url": URL, "events": [bad]}), &["events[0]"]).await;
    }
    let made = create(&customer, URL, &["*"]).await;
    let missing =
        customer.put(&path(&made), &json!({"url": URL, "events": ["*"]})).await.refused(400, "invalid_request");
    assert!(missing.text.contains("enabled"), "{}", missing.text);
    let _ = customer
        .post(&format!("{}/rotate-secret", path(&made)), &json!({"overlap_seconds": 604_801}))
        .await
        .expect(400);
    let _ = customer.get(&format!("{}/deliveries?status=lost", path(&made))).await.refused(400, "invalid_request");
}

#[tokio::test]
async fn a_tenant_has_ten_webhooks_at_most_and_none_of_another() {
    let (customer, other) = (world().customer().await, world().customer().await);
    let mut made = Vec::new();
    for number in 0..10 {
        made.push(create(&customer, &format!("https://hooks.example.com/{number}"), &["*"]).await);
    }
    let body = json!({"url": URL, "events": ["*"]});
    let _ = customer.post(WEBHOOKS, &body).await.refused(409, "conflict");
    let _ = customer.delete(&path(&made[0])).await.expect(204);
    let _ = customer.post(WEBHOOKS, &body).await.expect(201);
    let theirs = path(&made[1]);
    for (method, suffix) in
        [("GET", ""), ("DELETE", ""), ("GET", "/deliveries"), ("POST", "/test"), ("POST", "/rotate-secret")]
    {
        let _ = other.send(other.request(method, &format!("{theirs}{suffix}"))).await.refused(404, "not_found");
    }
    let update = json!({"url": URL, "events": ["*"], "enabled": true});
    let _ = other.put(&theirs, &update).await.refused(404, "not_found");
    let stale = customer.request("PUT", &theirs).header("if-match", "\"7\"").json(&update);
    let _ = customer.send(stale).await.refused(412, "precondition_failed");
}

#[tokio::test]
async fn another_origin_makes_a_new_secret_and_another_path_does_not() {
    let customer = world().customer().await;
    let made = create(&customer, URL, &["*"]).await;
    let webhook = path(&made);
    let update = |url: &str| json!({"url": url, "events": ["policy.saved"], "description": "Alerts", "enabled": true});
    let same = customer.put(&webhook, &update("https://hooks.example.com/other")).await.expect(200);
    assert_eq!((same.body.get("secret"), same.header("etag")), (None, Some("\"2\"")));
    assert_eq!((&same.body["description"], &same.body["events"]), (&json!("Alerts"), &json!(["policy.saved"])));
    let again = customer.put(&webhook, &update("https://hooks.example.com/other")).await.expect(200);
    assert_eq!(again.header("etag"), Some("\"2\""));
    let moved = customer.put(&webhook, &update("https://hooks.example.com:8443/other")).await.expect(200);
    assert_ne!(moved.body["secret"], made.body["secret"]);
    assert!(moved.body["secret"].is_string());
    assert_eq!(customer.get(&webhook).await.expect(200).body["url"], "https://hooks.example.com:8443/other");
}

#[tokio::test]
async fn during_the_overlap_both_secrets_verify_a_message() {
    let world = world();
    let customer = world.customer().await;
    let receiver = Receiver::start(world).await;
    let made = create(&customer, &receiver.url("/"), &["policy.saved"]).await;
    let rotate = format!("{}/rotate-secret", path(&made));
    let second = customer.post(&rotate, &json!({"overlap_seconds": 3_600})).await.expect(200);
    save_policy(&customer, "one").await;
    let got = receiver.wait(1).await.remove(0);
    let (old, new) = (made.body["secret"].as_str().unwrap(), second.body["secret"].as_str().unwrap());
    assert_ne!(old, new);
    assert_eq!(got.verified(old), got.verified(new));
    let third = customer.post(&rotate, &json!({})).await.expect(200);
    save_policy(&customer, "two").await;
    let got = receiver.wait(2).await.remove(1);
    let _ = got.verified(third.body["secret"].as_str().unwrap());
    assert_eq!(got.header("webhook-signature").split(' ').count(), 1);
}
