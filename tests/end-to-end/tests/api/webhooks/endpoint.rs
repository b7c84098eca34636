//! Tests of `/v1/webhooks/{id}/test`.

use serde_json::{Value, json};
use trustplane_domain::Timestamp;
use trustplane_domain::ids::TenantId;
use trustplane_end_to_end::world;
use trustplane_store::{Count, Writes};

use super::{Answer, Receiver, create, deliveries, path};
use crate::table::{part, table, write};

#[tokio::test]
async fn a_test_shows_the_response_as_far_as_it_is_a_text() {
    let world = world();
    let customer = world.customer().await;
    let receiver = Receiver::start(world).await;
    let made = create(&customer, &receiver.url("/"), &["tenant.suspended"]).await;
    let test = format!("{}/test", path(&made));
    let send = async |status: u16, kind: &str, body: Vec<u8>| {
        receiver.respond(Answer::Status(status, vec![("content-type", kind.to_owned())], body));
        customer.post(&test, &json!({})).await.expect(200).body
    };
    let good = send(200, "text/plain; charset=utf-8", b"ok".to_vec()).await;
    assert_eq!((&good["status"], &good["event_type"]), (&json!("succeeded"), &json!("webhook.test")));
    let response = &good["response"];
    assert_eq!(
        (&response["status_code"], &response["body"], &response["length"]),
        (&json!(200), &json!("ok"), &json!(2))
    );
    let body = receiver.got().remove(0).verified(made.body["secret"].as_str().unwrap());
    assert_eq!((&body["type"], &body["data"]["webhook_id"]), (&json!("webhook.test"), &made.body["id"]));
    assert_eq!(body["data"]["tenant_id"], customer.tenant);
    let long = send(404, "application/json", vec![b'x'; 5_000]).await;
    assert_eq!((&long["status"], &long["response"]["length"]), (&json!("failed"), &json!(1_024)));
    assert_eq!(
        (&long["response"]["truncated"], long["response"]["body"].as_str().unwrap().len()),
        (&json!(true), 1_024)
    );
    assert_eq!(long["attempts"][0]["error"], "the response has the status 404");
    let binary = send(200, "application/octet-stream", vec![0, 255]).await;
    assert_eq!((&binary["response"]["body"], &binary["response"]["length"]), (&Value::Null, &json!(2)));
    assert_eq!(deliveries(&customer, &path(&made)).await, [] as [Value; 0]);
}

#[tokio::test]
async fn a_test_names_what_failed_without_an_address_and_has_a_budget() {
    let world = world();
    let customer = world.customer().await;
    let receiver = Receiver::named(world, "other.localhost").await;
    let wrong = receiver.url("/").replace("other.localhost", "hooks.localhost");
    let made = create(&customer, &wrong, &["tenant.suspended"]).await;
    let test = format!("{}/test", path(&made));
    let failed = customer.post(&test, &json!({})).await.expect(200).body;
    assert_eq!((&failed["status"], &failed["response"]), (&json!("failed"), &Value::Null));
    let error = failed["attempts"][0]["error"].as_str().unwrap();
    assert!(error.contains("certificate is for another host"), "{error}");
    assert!(!failed.to_string().contains("127.0.0.1"), "{failed}");
    // The budget of this minute and of the next ones is spent.
    let part = part(TenantId::parse(&customer.tenant).unwrap());
    let minute = Timestamp::now().as_millis().div_euclid(60_000);
    let spent = (minute..minute + 10)
        .fold(Writes::new(), |writes, minute| writes.put(&part.budget("OUTGOING", minute), &Count { children: 60 }));
    write(&table(world), part.id(), spent).await;
    let refused = customer.post(&test, &json!({})).await.refused(429, "rate_limited");
    assert!(refused.header("retry-after").is_some());
    assert!(refused.body["message"].as_str().unwrap().contains("60 requests per minute"), "{}", refused.text);
}
