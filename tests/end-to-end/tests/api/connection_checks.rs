//! Tests of `check-connections`. Each has its own stack, because a sweep processes everything that is due in its table.

use serde_json::{Value, json};
use trustplane_domain::Timestamp;
use trustplane_domain::ids::TenantId;
use trustplane_domain::timestamp::DAY;
use trustplane_end_to_end::{Customer, World};
use trustplane_local::Options;
use trustplane_organization::MANAGEMENT_ACCOUNT;
use trustplane_store::keys::DUE_SHARDS;

use crate::identity_center::{CONFIG, TEST, config};
use crate::table::{audit_records, own_world, published, table};

const FUNCTION: &str = "check-connections";

/// A customer with a tested connection through a role of its own.
pub async fn tested(world: &'static World) -> (Customer, String) {
    let customer = world.customer().await;
    let role = format!("arn:aws:iam::{MANAGEMENT_ACCOUNT}:role/own/{}", customer.tenant);
    world.stack().organization().trust_role(&role, &[&customer.external_id]);
    let _ = customer.put(CONFIG, &config(&role)).await.expect(200);
    let report = customer.send(customer.request("POST", TEST)).await.expect(200).body;
    assert_eq!((&report["health"], report["history"].as_array().unwrap().len()), (&json!("healthy"), 1), "{report}");
    (customer, role)
}

/// An event of the schedule, this number of hours from now.
fn scheduled(hours: i64) -> Value {
    let at = Timestamp::now().plus_millis(hours * DAY / 24);
    json!({"detail-type": "Scheduled Event", "source": "aws.events", "time": at, "detail": {}})
}

async fn sweep(world: &World, hours: i64) -> Value {
    world.invoke(FUNCTION, &scheduled(hours)).await.unwrap()["checked"].clone()
}

#[tokio::test]
async fn a_change_of_health_is_an_event_once_and_part_of_the_history() {
    let world = own_world(Options::default());
    let (customer, role) = tested(world).await;
    let tenant = TenantId::parse(&customer.tenant).unwrap();
    assert_eq!(sweep(world, 20).await, 0);
    assert_eq!(sweep(world, 27).await, 1);
    assert_eq!(audit_records(&table(world), tenant, FUNCTION).await, [] as [Value; 0]);
    // The role no longer trusts the platform with this tenant's ExternalId.
    world.stack().organization().trust_role(&role, &[]);
    assert_eq!(sweep(world, 27 + 27).await, 1);
    assert_eq!(sweep(world, 27 + 27 + 27).await, 1);
    world.stack().organization().trust_role(&role, &[&customer.external_id]);
    assert_eq!(sweep(world, 27 * 4).await, 1);
    let records = audit_records(&table(world), tenant, FUNCTION).await;
    let healths: Vec<_> = records.iter().map(|one| (&one["before"]["health"], &one["after"]["health"])).collect();
    let (good, bad) = (json!("healthy"), json!("broken"));
    assert_eq!(healths, [(&good, &bad), (&bad, &good)]);
    assert!(records[0]["after"]["codes"].as_array().unwrap().contains(&json!("assume_role_denied")), "{}", records[0]);
    world.stack().settle_streams().await;
    assert_eq!(published(world, FUNCTION), records);
    let shown = customer.get(TEST).await.expect(200).body;
    let history: Vec<&Value> = shown["history"].as_array().unwrap().iter().map(|one| &one["health"]).collect();
    assert_eq!(history, [&good, &bad, &good]);
    assert_eq!((&shown["health"], &shown["last_verified_at"]), (&good, &shown["checked_at"]));
    let fields = customer.get(CONFIG).await.expect(200).body;
    assert_eq!(fields.as_object().unwrap().len(), 4, "{fields}");
}

#[tokio::test]
async fn a_run_reads_what_is_due_and_a_removed_connection_is_not_due() {
    let world = own_world(Options::default());
    let (customer, _) = tested(world).await;
    let cost = async |hours: i64| {
        let outcome = world.stack().invoke(FUNCTION, &scheduled(hours)).await.unwrap();
        assert!(!outcome.failed, "{:?}", outcome.payload);
        world.cost(&outcome.request_id).await
    };
    let idle = cost(1).await;
    assert_eq!((idle.dynamodb_calls, idle.aws_calls), (u64::from(DUE_SHARDS), 0));
    let _ = customer.delete(CONFIG).await.expect(204);
    assert_eq!(sweep(world, 100).await, 0);
    assert_eq!(cost(200).await.dynamodb_calls, u64::from(DUE_SHARDS));
}

#[tokio::test]
async fn runs_at_the_same_time_record_a_change_once() {
    let world = own_world(Options::default());
    let (customer, role) = tested(world).await;
    world.stack().organization().trust_role(&role, &[]);
    let run = || sweep(world, 30);
    let counts = tokio::join!(run(), run(), run());
    assert!([counts.0, counts.1, counts.2].contains(&json!(1)));
    let tenant = TenantId::parse(&customer.tenant).unwrap();
    assert_eq!(audit_records(&table(world), tenant, FUNCTION).await.len(), 1);
}
