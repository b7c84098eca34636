//! Tests of what goes wrong: killed processes, slow endpoints, events that are none.

use serde_json::{Value, json};
use trustplane_domain::Timestamp;
use trustplane_domain::audit::AuditRecord;
use trustplane_domain::audit_chain::ids_at;
use trustplane_domain::ids::TenantId;
use trustplane_domain::timestamp::DAY;
use trustplane_domain::webhook::{Delivery, DeliveryId, WebhookId};
use trustplane_end_to_end::world;
use trustplane_local::Options;
use trustplane_local::wait::until;
use trustplane_store::keys::DUE_SHARDS;
use trustplane_store::{AuditItem, Writes};

use super::{Answer, Receiver, create, delivery, path, save_policy, sweep};
use crate::table::{own_world, part, table, write};

#[tokio::test]
async fn a_killed_process_loses_nothing() {
    let world = own_world(Options::default());
    let customer = world.customer().await;
    let receiver = Receiver::start(world).await;
    let made = create(&customer, &receiver.url("/"), &["policy.saved"]).await;
    receiver.respond(Answer::Nothing);
    save_policy(&customer, "mine").await;
    receiver.wait(1).await;
    for process in world.stack().processes("deliver-webhooks") {
        assert!(world.stack().crash(process));
    }
    receiver.answer(200);
    // The event comes again, and its delivery is not made twice. It is due when the killed attempt has ended.
    assert_eq!(sweep(world, 0).await["succeeded"], 0);
    assert_eq!(sweep(world, 120).await["succeeded"], 1);
    let got = receiver.wait(2).await;
    assert_eq!(got[0].header("webhook-id"), got[1].header("webhook-id"));
    let _ = got[1].verified(made.body["secret"].as_str().unwrap());
    delivery(&customer, &path(&made), "succeeded", 1).await;
}

#[tokio::test]
async fn endpoints_that_hang_or_refuse_delay_nobody_else() {
    const TENANTS: usize = 20;
    let world = own_world(Options::default());
    let (good, slow) = (Receiver::start(world).await, Receiver::named(world, "slow.localhost").await);
    slow.respond(Answer::Nothing);
    let mut customers = Vec::new();
    for _ in 0..TENANTS {
        let customer = world.customer().await;
        let _ = create(&customer, &slow.url("/"), &["policy.saved"]).await;
        let _ = create(&customer, "https://refusing.localhost:1/", &["policy.saved"]).await;
        for number in 0..8 {
            let _ = create(&customer, &good.url(&format!("/{number}")), &["policy.saved"]).await;
        }
        customers.push(customer);
    }
    let begun = std::time::Instant::now();
    for customer in &customers {
        save_policy(customer, "mine").await;
    }
    good.wait(8 * TENANTS).await;
    println!("{} endpoints got their events within {:?}", 8 * TENANTS, begun.elapsed());
    until("requests to the endpoints that hang", || slow.got().len() >= TENANTS).await;
}

#[tokio::test]
async fn an_event_that_names_no_record_is_put_away_with_a_reason() {
    let world = own_world(Options::default());
    let customer = world.customer().await;
    let receiver = Receiver::start(world).await;
    // Not the customer's own keys: their events may still be on their way.
    let _ = create(&customer, &receiver.url("/"), &["webhook.created", "policy.*"]).await;
    world.stack().settle_streams().await;
    receiver.wait(1).await;
    let forged = json!({
        "source": "trustplane",
        "detail-type": "policy.saved",
        "detail": {"tenant_id": customer.tenant, "id": "01KDYAK3SEZ7Y8V6W5T4S3R2Q1", "text": "x".repeat(200_000)},
    });
    for (event, reason) in [
        (json!({}), "the event names no audit record"),
        (json!({"source": "aws.events", "detail": forged["detail"]}), "the event names no audit record"),
        (json!([1, 2]), "the event names no audit record"),
        (forged, "there is no such audit record"),
    ] {
        let before = world.stack().dead_letters().len();
        assert_eq!(world.invoke("deliver-webhooks", &event).await, Ok(json!({"deliveries": 0})));
        let letters = world.stack().dead_letters();
        assert_eq!(letters.len(), before + 1);
        let letter = &letters[before]["body"];
        assert_eq!((&letter["function"], &letter["reason"]), (&json!("deliver-webhooks"), &json!(reason)));
        assert!(letter.to_string().len() < 2_000);
    }
    assert!(receiver.got().iter().all(|got| got.header("webhook-id") != "01KDYAK3SEZ7Y8V6W5T4S3R2Q1"));
}

#[tokio::test]
async fn an_event_that_would_be_too_large_is_sent_without_images() {
    let world = world();
    let customer = world.customer().await;
    let receiver = Receiver::start(world).await;
    let made = create(&customer, &receiver.url("/"), &["policy.saved"]).await;
    let (tenant, now) = (TenantId::parse(&customer.tenant).unwrap(), Timestamp::now());
    let record: AuditRecord = serde_json::from_value(json!({
        "id": ids_at(now).0,
        "tenant_id": tenant,
        "occurred_at": now,
        "actor": {"id": "operator", "name": "operator", "type": "operator", "roles": []},
        "action": "put-policy",
        "resource_type": "policy",
        "resource_id": "x",
        "outcome": "allowed",
        "before": null,
        "after": {"text": "x".repeat(300_000), "enabled": true},
        "determining_policies": [],
        "source_ip": null,
        "user_agent": null,
        "request_id": "r",
        "interaction_id": null,
    }))
    .unwrap();
    let text = record.canonical();
    let item = AuditItem { hash: AuditRecord::hash(&text), record: text, previous_hash: None, ttl: None };
    write(&table(world), tenant, Writes::new().create(&part(tenant).audit_record(&record.id), &item)).await;
    let got = receiver.wait(1).await.remove(0);
    assert!(got.body.len() < 2_000);
    let body = got.verified(made.body["secret"].as_str().unwrap());
    assert_eq!((&body["data"]["left_out"], body["data"].get("after")), (&json!(["before", "after"]), None));
    assert_eq!(body["data"]["before"], Value::Null);
}

#[tokio::test]
async fn a_suspended_tenant_is_sent_nothing() {
    let world = own_world(Options::default());
    let customer = world.customer().await;
    let receiver = Receiver::start(world).await;
    let made = create(&customer, &receiver.url("/"), &["policy.saved", "tenant.suspended", "tenant.resumed"]).await;
    receiver.answer(500);
    save_policy(&customer, "mine").await;
    delivery(&customer, &path(&made), "pending", 2).await;
    let payload = json!({"tenant_id": customer.tenant, "reason": "unpaid"});
    let _ = world.invoke("suspend-tenant", &payload).await.unwrap();
    world.stack().settle_streams().await;
    assert_eq!(sweep(world, 86_400).await, json!({"succeeded": 0, "failed": 0, "cancelled": 0, "left": 0}));
    assert_eq!(receiver.got().len(), 2);
    let _ = world.invoke("resume-tenant", &json!({"tenant_id": customer.tenant, "reason": "paid"})).await.unwrap();
    receiver.answer(200);
    assert_eq!(sweep(world, 2 * 86_400).await["succeeded"], 1);
}

#[tokio::test]
async fn a_sweep_reads_what_is_due_and_nothing_else() {
    let world = own_world(Options::default());
    let (tenant, _) = world.tenant("sizes").await;
    let tenant = TenantId::parse(&tenant).unwrap();
    let (table, webhook, now) = (table(world), WebhookId::new(Timestamp::EPOCH, [1; 10]), Timestamp::now());
    let mut written = 0;
    for size in [0, 100, 1_000] {
        while written < size {
            let later = now.plus_millis(DAY);
            let writes = (0..50).fold(Writes::new(), |writes, more| {
                let id = DeliveryId::parse(&ids_at(now.plus_millis(written + more)).0).unwrap();
                let delivery = Delivery::new(id, webhook, "policy.saved", now, later);
                writes.create(&part(tenant).delivery(webhook, &delivery.id), &delivery)
            });
            write(&table, tenant, writes).await;
            written += 50;
        }
        let event = json!({"source": "aws.events", "time": now, "detail": {}});
        let outcome = world.stack().invoke("retry-webhooks", &event).await.unwrap();
        assert!(!outcome.failed, "{:?}", outcome.payload);
        let cost = world.cost(&outcome.request_id).await;
        println!("{size} deliveries that are not due: {cost:?}");
        // Two due lists.
        assert_eq!(cost.dynamodb_calls, 2 * u64::from(DUE_SHARDS), "{size}: {cost:?}");
        assert!(cost.capacity <= f64::from(DUE_SHARDS), "{size}: {cost:?}");
    }
}
