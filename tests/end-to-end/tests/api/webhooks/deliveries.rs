//! Tests of deliveries: what is sent, when it is sent again, and when it ends.

use serde_json::{Value, json};
use trustplane_domain::Timestamp;
use trustplane_end_to_end::world;
use trustplane_local::Options;

use super::{Answer, Receiver, create, deliveries, delivery, path, save_policy, sweep};
use crate::table::own_world;

const DAY: i64 = 86_400;

#[tokio::test]
async fn an_event_is_sent_once_to_each_webhook_that_wants_it_as_it_is_on_the_bus() {
    let world = world();
    let customer = world.customer().await;
    let (one, other) = (Receiver::start(world).await, Receiver::start(world).await);
    let made = create(&customer, &one.url("/a?b=c"), &["policy.*"]).await;
    let _ = create(&customer, &other.url("/"), &["api-key.revoked"]).await;
    save_policy(&customer, "mine").await;
    let got = one.wait(1).await.remove(0);
    let body = got.verified(made.body["secret"].as_str().unwrap());
    world.stack().settle_streams().await;
    let events = world.stack().events();
    let event = events
        .iter()
        .find(|event| event["detail"]["tenant_id"] == customer.tenant && event["detail-type"] == "policy.saved")
        .unwrap();
    assert_eq!((&body["type"], &body["data"]), (&json!("policy.saved"), &event["detail"]));
    assert_eq!(body["timestamp"], event["detail"]["occurred_at"]);
    assert_eq!((got.header("webhook-id"), got.path.as_str()), (event["detail"]["id"].as_str().unwrap(), "/a?b=c"));
    let done = delivery(&customer, &path(&made), "succeeded", 1).await;
    assert_eq!((&done["event_id"], &done["event_type"]), (&event["detail"]["id"], &json!("policy.saved")));
    assert_eq!((&done["attempts"][0]["status_code"], &done["attempts"][0]["error"]), (&json!(204), &Value::Null));
    // The same event again, late, and beside itself.
    let again = || world.invoke("deliver-webhooks", event);
    for outcome in [again().await, again().await] {
        assert_eq!(outcome.unwrap(), json!({"deliveries": 0}));
    }
    assert_eq!((one.got().len(), other.got().len()), (1, 0));
}

#[tokio::test]
async fn a_failed_attempt_is_made_again_with_the_same_id_until_it_succeeds() {
    let world = own_world(Options::default());
    let customer = world.customer().await;
    let receiver = Receiver::start(world).await;
    let made = create(&customer, &receiver.url("/"), &["policy.saved"]).await;
    receiver.answer(500);
    save_policy(&customer, "mine").await;
    // The first two attempts are of the same invocation.
    receiver.wait(2).await;
    let failing = delivery(&customer, &path(&made), "pending", 2).await;
    assert_eq!(failing["attempts"][1]["error"], "the response has the status 500");
    assert!(failing["next_attempt_at"].is_string());
    assert!(customer.get(&path(&made)).await.expect(200).body["failing_since"].is_string());
    assert_eq!(sweep(world, 30).await["failed"], 0);
    assert_eq!(sweep(world, 120).await["failed"], 1);
    receiver.answer(200);
    assert_eq!(sweep(world, DAY).await["succeeded"], 1);
    let got = receiver.wait(4).await;
    let secret = made.body["secret"].as_str().unwrap();
    let ids: Vec<&str> = got.iter().map(|got| got.header("webhook-id")).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert!(got.iter().all(|one| one.verified(secret) == got[0].verified(secret)));
    delivery(&customer, &path(&made), "succeeded", 4).await;
    assert_eq!(customer.get(&path(&made)).await.expect(200).body["failing_since"], Value::Null);
    assert_eq!(sweep(world, 2 * DAY).await, json!({"succeeded": 0, "failed": 0, "cancelled": 0, "left": 0}));
}

#[tokio::test]
async fn a_webhook_is_sent_nothing_older_than_itself() {
    let world = own_world(Options::default());
    let customer = world.customer().await;
    save_policy(&customer, "before").await;
    world.stack().settle_streams().await;
    let receiver = Receiver::start(world).await;
    let made = create(&customer, &receiver.url("/"), &["policy.saved"]).await;
    let events = || {
        let events = world.stack().events().into_iter();
        let own = events.filter(|event| event["detail-type"] == "policy.saved");
        own.filter(|event| event["detail"]["tenant_id"] == customer.tenant).collect::<Vec<_>>()
    };
    // The bus delivers an event late, or a second time.
    assert_eq!(world.invoke("deliver-webhooks", &events()[0]).await, Ok(json!({"deliveries": 0})));
    let update = |enabled: bool| json!({"url": receiver.url("/"), "events": ["policy.saved"], "enabled": enabled});
    let _ = customer.put(&path(&made), &update(false)).await.expect(200);
    save_policy(&customer, "meanwhile").await;
    world.stack().settle_streams().await;
    let _ = customer.put(&path(&made), &update(true)).await.expect(200);
    for event in events() {
        assert_eq!(world.invoke("deliver-webhooks", &event).await, Ok(json!({"deliveries": 0})));
    }
    save_policy(&customer, "after").await;
    let got = receiver.wait(1).await.remove(0);
    let body = got.verified(made.body["secret"].as_str().unwrap());
    assert_eq!(body["data"]["resource_id"], "after");
    // A replay sends what is asked for.
    let range = json!({"from": Timestamp::now().plus_millis(-DAY * 1_000), "to": Timestamp::now()});
    assert_eq!(customer.post(&format!("{}/replay", path(&made)), &range).await.expect(202).body["count"], 3);
}

#[tokio::test]
async fn an_endpoint_may_ask_for_a_later_attempt() {
    let world = own_world(Options::default());
    let customer = world.customer().await;
    let receiver = Receiver::start(world).await;
    let made = create(&customer, &receiver.url("/"), &["policy.saved"]).await;
    receiver.respond(Answer::Status(503, vec![("retry-after", "3600".to_owned())], Vec::new()));
    save_policy(&customer, "mine").await;
    delivery(&customer, &path(&made), "pending", 1).await;
    assert_eq!(sweep(world, 1_800).await["failed"], 0);
    receiver.answer(200);
    assert_eq!(sweep(world, 3_700).await["succeeded"], 1);
    receiver.wait(2).await;
}

#[tokio::test]
async fn an_endpoint_that_is_gone_is_disabled_and_other_webhooks_learn_of_it() {
    let world = world();
    let customer = world.customer().await;
    let (gone, other) = (Receiver::start(world).await, Receiver::start(world).await);
    let made = create(&customer, &gone.url("/S3CRET"), &["policy.saved"]).await;
    let told = create(&customer, &other.url("/"), &["webhook.disabled"]).await;
    gone.answer(410);
    save_policy(&customer, "mine").await;
    let body = other.wait(1).await.remove(0).verified(told.body["secret"].as_str().unwrap());
    assert_eq!((&body["type"], &body["data"]["after"]["reason"]), (&json!("webhook.disabled"), &json!("gone")));
    assert_eq!(body["data"]["resource_id"], made.body["id"]);
    assert!(!body.to_string().contains("S3CRET"));
    let shown = customer.get(&path(&made)).await.expect(200).body;
    assert_eq!((&shown["enabled"], &shown["disabled_reason"]), (&json!(false), &json!("gone")));
    delivery(&customer, &path(&made), "failed", 1).await;
    save_policy(&customer, "another").await;
    world.stack().settle_streams().await;
    let retry = format!(
        "{}/deliveries/{}/retry",
        path(&made),
        deliveries(&customer, &path(&made)).await[0]["id"].as_str().unwrap()
    );
    let _ = customer.post(&retry, &json!({})).await.refused(409, "conflict");
    assert_eq!(gone.got().len(), 1);
}

#[tokio::test]
async fn five_days_without_a_success_disable_a_webhook_and_enabling_it_sends_nothing_old() {
    let world = own_world(Options::default());
    let customer = world.customer().await;
    let receiver = Receiver::start(world).await;
    let made = create(&customer, &receiver.url("/"), &["policy.saved"]).await;
    receiver.answer(500);
    for id in ["one", "two"] {
        save_policy(&customer, id).await;
        // Of each of them: one that is not there yet is not mistaken for the other.
        receiver.wait(if id == "one" { 2 } else { 4 }).await;
        delivery(&customer, &path(&made), "pending", 2).await;
    }
    assert_eq!(sweep(world, 4 * DAY).await["failed"], 2);
    assert!(customer.get(&path(&made)).await.expect(200).body["enabled"].as_bool().unwrap());
    assert_eq!(sweep(world, 6 * DAY).await["failed"], 2);
    let shown = customer.get(&path(&made)).await.expect(200).body;
    assert_eq!((&shown["enabled"], &shown["disabled_reason"]), (&json!(false), &json!("failing")));
    world.stack().settle_streams().await;
    let disabled =
        world.stack().events().into_iter().filter(|event| event["detail-type"] == "webhook.disabled").count();
    assert_eq!(disabled, 1);
    let before = receiver.got().len();
    receiver.answer(200);
    let update = json!({"url": receiver.url("/"), "events": ["policy.saved"], "enabled": true});
    let _ = customer.put(&path(&made), &update).await.expect(200);
    assert!(deliveries(&customer, &path(&made)).await.iter().all(|one| one["status"] == "cancelled"));
    assert_eq!(sweep(world, 9 * DAY).await["cancelled"], 2);
    assert_eq!(receiver.got().len(), before);
    save_policy(&customer, "three").await;
    receiver.wait(before + 1).await;
}

#[tokio::test]
async fn a_retry_sends_an_event_again_and_deliveries_are_found_by_status() {
    let world = own_world(Options::default());
    let customer = world.customer().await;
    let receiver = Receiver::start(world).await;
    let made = create(&customer, &receiver.url("/"), &["policy.saved"]).await;
    for id in ["one", "two"] {
        save_policy(&customer, id).await;
        delivery(&customer, &path(&made), "succeeded", 1).await;
    }
    until_all(&customer, &path(&made), 2).await;
    let newest = deliveries(&customer, &path(&made)).await.remove(0);
    let retry = format!("{}/deliveries/{}/retry", path(&made), newest["id"].as_str().unwrap());
    let asked = customer.post(&retry, &json!({})).await.expect(202);
    assert_eq!((&asked.body["status"], &asked.body["id"]), (&json!("pending"), &newest["id"]));
    assert_eq!(sweep(world, 1).await["succeeded"], 1);
    let got = receiver.wait(3).await;
    assert_eq!(got[2].header("webhook-id"), newest["event_id"].as_str().unwrap());
    let page = async |query: &str| customer.get(&format!("{}/deliveries?{query}", path(&made))).await.expect(200).body;
    assert_eq!(page("status=succeeded").await["data"].as_array().unwrap().len(), 2);
    assert_eq!(page("status=failed").await["data"], json!([]));
    let first = page("limit=1").await;
    let next = page(&format!("limit=1&cursor={}", first["next_cursor"].as_str().unwrap())).await;
    assert_eq!(first["data"][0]["id"], newest["id"]);
    assert_ne!(next["data"][0]["id"], newest["id"]);
    let _ = customer
        .post(&format!("{}/deliveries/01KDYAK3SEZ7Y8V6W5T4S3R2Q1/retry", path(&made)), &json!({}))
        .await
        .refused(404, "not_found");
    let _ = customer.post(&format!("{}/deliveries/x/retry", path(&made)), &json!({})).await.refused(404, "not_found");
}

/// Waits until a webhook has this number of deliveries.
async fn until_all(customer: &trustplane_end_to_end::Customer, webhook: &str, count: usize) {
    for _ in 0..600 {
        if deliveries(customer, webhook).await.len() == count {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("not {count} deliveries: {:?}", deliveries(customer, webhook).await);
}

#[tokio::test]
async fn a_replay_sends_events_of_the_past_again_once() {
    let world = own_world(Options::default());
    let customer = world.customer().await;
    let receiver = Receiver::start(world).await;
    let begun = Timestamp::now();
    for number in 0..25 {
        save_policy(&customer, &format!("policy-{number}")).await;
    }
    world.stack().settle_streams().await;
    let made = create(&customer, &receiver.url("/"), &["policy.saved"]).await;
    let replay = format!("{}/replay", path(&made));
    let range = json!({"from": begun, "to": Timestamp::now().plus_millis(86_400_000)});
    let asked = customer.post(&replay, &range).await.expect(202);
    assert_eq!(asked.body, json!({"count": 25}));
    let _ = customer.post(&replay, &range).await.refused(409, "conflict");
    assert_eq!(sweep(world, 1).await["succeeded"], 25);
    let got = receiver.wait(25).await;
    let ids: std::collections::BTreeSet<&str> = got.iter().map(|got| got.header("webhook-id")).collect();
    assert_eq!(ids.len(), 25);
    let secret = made.body["secret"].as_str().unwrap();
    assert!(got.iter().all(|one| one.verified(secret)["type"] == "policy.saved"));
    assert_eq!(sweep(world, 3_600).await["succeeded"], 0);
    // Another one, of other events, which fail at first.
    receiver.answer(500);
    let narrow = json!({"from": begun, "to": Timestamp::now(), "events": ["webhook.created"]});
    assert_eq!(customer.post(&replay, &narrow).await.expect(202).body["count"], 1);
    assert_eq!(sweep(world, 1).await["failed"], 1);
    receiver.answer(200);
    assert_eq!(sweep(world, 120).await["succeeded"], 1);
    let got = receiver.wait(27).await;
    assert_eq!(got[25].header("webhook-id"), got[26].header("webhook-id"));
    assert_eq!(got[26].verified(secret)["type"], "webhook.created");
    let none = json!({"from": begun, "to": begun});
    assert_eq!(customer.post(&replay, &none).await.expect(202).body["count"], 0);
    for (from, to) in [(begun, begun.plus_millis(-1)), (begun.plus_millis(-31 * 86_400_000), begun)] {
        let _ = customer.post(&replay, &json!({"from": from, "to": to})).await.refused(400, "invalid_request");
    }
}
