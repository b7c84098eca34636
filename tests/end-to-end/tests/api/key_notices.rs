//! Tests of `notify-expiring-keys`. Each has its own stack, because a sweep processes everything that is due in its table.

use serde_json::{Value, json};
use trustplane_domain::Timestamp;
use trustplane_domain::ids::TenantId;
use trustplane_domain::timestamp::DAY;
use trustplane_end_to_end::World;
use trustplane_local::Options;

use crate::identity_source::{STORE, go_through, scenario};
use crate::table::{audit_records, own_world, published, table};

const FUNCTION: &str = "notify-expiring-keys";

/// Runs a sweep this number of days from now.
async fn sweep(world: &World, days: i64) -> Value {
    let at = Timestamp::now().plus_millis(days * DAY + 60_000);
    let event = json!({"detail-type": "Scheduled Event", "source": "aws.events", "time": at, "detail": {}});
    world.invoke(FUNCTION, &event).await.unwrap()
}

#[tokio::test]
async fn a_key_that_expires_or_is_unused_is_noticed_once() {
    let world = own_world(Options::default());
    let customer = world.customer().await;
    let tenant = TenantId::parse(&customer.tenant).unwrap();
    let wanted = json!({"name": "deploy", "roles": ["viewer"], "expires_at": Timestamp::now().plus_millis(40 * DAY)});
    let made = customer.post("/v1/api-keys", &wanted).await.expect(201);
    assert_eq!(sweep(world, 9).await["keys"]["notices"], 0);
    assert_eq!(sweep(world, 10).await["keys"]["notices"], 1);
    assert_eq!(sweep(world, 10).await["keys"]["notices"], 0);
    // Two notices are overdue, and the later one is given.
    assert_eq!(sweep(world, 34).await["keys"]["notices"], 1);
    let records = audit_records(&table(world), tenant, FUNCTION).await;
    let days: Vec<&Value> = records.iter().map(|record| &record["after"]["threshold_days"]).collect();
    assert_eq!(days, [&json!(30), &json!(7)]);
    assert_eq!((&records[0]["resource_id"], &records[0]["after"]["notice"]), (&made.body["id"], &json!("expiring")));
    // Only keys without a use for 90 days: the four of the customer were used today.
    assert_eq!(sweep(world, 88).await["keys"]["notices"], 1);
    assert_eq!(sweep(world, 91).await["keys"]["notices"], 4);
    assert_eq!(sweep(world, 200).await["keys"]["notices"], 0);
    world.stack().settle_streams().await;
    let records = audit_records(&table(world), tenant, FUNCTION).await;
    assert_eq!(published(world, FUNCTION).len(), records.len());
    let names = world.stack().events().into_iter().filter(|event| event["detail"]["action"] == FUNCTION);
    let names: Vec<String> = names.map(|event| event["detail-type"].as_str().unwrap().to_owned()).collect();
    assert_eq!(names.iter().filter(|name| *name == "api-key.expiring").count(), 3);
    assert_eq!(names.iter().filter(|name| *name == "api-key.unused").count(), 4);
}

#[tokio::test]
async fn a_setup_link_that_was_not_used_to_its_end_is_noticed_once() {
    let world = own_world(Options::default());
    let customer = world.customer().await;
    let tenant = TenantId::parse(&customer.tenant).unwrap();
    let mut ids = Vec::new();
    for label in ["unused", "revoked"] {
        let wanted = json!({"sections": ["aws-identity-center"], "label": label, "expires_in_seconds": 86_400});
        let made = customer.post("/v1/setup-links", &wanted).await.expect(201).body;
        ids.push(made["id"].as_str().unwrap().to_owned());
    }
    let _ = customer.delete(&format!("/v1/setup-links/{}", ids[1])).await.expect(204);
    assert_eq!(sweep(world, 0).await["setup_links"]["notices"], 0);
    assert_eq!(sweep(world, 1).await["setup_links"]["notices"], 1);
    assert_eq!(sweep(world, 2).await["setup_links"]["notices"], 0);
    let records = audit_records(&table(world), tenant, FUNCTION).await;
    assert_eq!(records.len(), 1);
    assert_eq!((&records[0]["resource_id"], &records[0]["after"]["label"]), (&json!(ids[0]), &json!("unused")));
    world.stack().settle_streams().await;
    let events = world.stack().events();
    assert_eq!(events.iter().filter(|event| event["detail-type"] == "setup-link.expired").count(), 1);
}

#[tokio::test]
async fn a_certificate_of_the_service_provider_is_noticed() {
    let world = own_world(Options::default());
    let customer = world.customer().await;
    world.stack().organization().trust_external_id(&customer.external_id);
    go_through(&customer, &scenario("healthy")).await;
    let path = format!("/v1/identity-stores/{STORE}/saml-certificates");
    let made = customer.post(&path, &json!({})).await.expect(201);
    // Ten years.
    assert_eq!(sweep(world, 3_500).await["certificates"]["notices"], 0);
    assert_eq!(sweep(world, 3_652 - 90).await["certificates"]["notices"], 1);
    assert_eq!(sweep(world, 3_652 - 90).await["certificates"]["notices"], 0);
    let tenant = TenantId::parse(&customer.tenant).unwrap();
    let records = audit_records(&table(world), tenant, FUNCTION).await;
    let record = records.iter().find(|record| record["resource_type"] == "sp-certificate").unwrap();
    assert_eq!(
        (&record["resource_id"], &record["after"]["identity_store_id"]),
        (&made.body["certificate_id"], &json!(STORE))
    );
    assert_eq!(record["after"]["threshold_days"], 90);
}
