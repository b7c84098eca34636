//! Tests of readings of large organizations, and of what a reading keeps that is throttled, or whose rows are refused.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use trustplane_domain::ids::TenantId;
use trustplane_domain::inventory::{Assignment, Principal, Row, Seen, Sync};
use trustplane_end_to_end::{Customer, Fault, FaultProxy, Times, World, world};
use trustplane_local::Options;
use trustplane_organization::{Scenario, Size};
use trustplane_store::Writes;

use super::inventory::{ACCOUNTS, ASSIGNMENTS, SETS, SYNC, settled};
use super::{CONFIG, config, connected, post};
use crate::table::{hand, own_world, part, read, table, write};

/// Lambda's limit of a response.
const MAX_RESPONSE: usize = 6 * 1024 * 1024;
/// DynamoDB's limit of an item.
const MAX_ITEM: usize = 400 * 1024;

/// Environment of functions that do not wait between two calls.
fn unpaced() -> BTreeMap<String, String> {
    BTreeMap::from([("TRUSTPLANE_READING_CALLS_PER_SECOND".to_owned(), "100000".to_owned())])
}

/// Requests a reading through a scenario's role.
async fn requested(world: &'static World, scenario: &Scenario) -> Customer {
    let customer = world.customer().await;
    world.stack().organization().trust_external_id(&customer.external_id);
    let _ = customer.put(CONFIG, &config(&scenario.role_arn())).await.expect(200);
    let _ = post(&customer, SYNC).await.expect(202);
    customer
}

/// Runs the schedule as it will be in some minutes.
async fn run(world: &World, minutes: i64) {
    let now = (OffsetDateTime::now_utc() + Duration::minutes(minutes)).format(&Rfc3339).unwrap();
    let _ = world.invoke("sync-organizations", &json!({"time": now})).await.unwrap();
}

/// All rows of a list, and the bytes of its largest page.
async fn all(customer: &Customer, list: &str) -> (Vec<Value>, usize) {
    let (mut rows, mut largest, mut path) = (Vec::new(), 0, format!("{list}?limit=250"));
    for number in 0.. {
        assert!(number < 2_000, "{list} has no end");
        let page = customer.get(&path).await.expect(200);
        largest = largest.max(page.text.len());
        rows.extend(page.body["data"].as_array().unwrap().iter().cloned());
        let Some(cursor) = page.body["next_cursor"].as_str() else { break };
        path = format!("{list}?limit=250&cursor={cursor}");
    }
    (rows, largest)
}

/// The bytes of an attribute, as DynamoDB counts them, or a few more.
fn bytes(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) | AttributeValue::N(text) => text.len(),
        AttributeValue::L(values) => 3 + values.iter().map(|value| 1 + bytes(value)).sum::<usize>(),
        AttributeValue::M(members) => {
            3 + members.iter().map(|(name, value)| 1 + name.len() + bytes(value)).sum::<usize>()
        }
        AttributeValue::Bool(_) | AttributeValue::Null(_) => 1,
        AttributeValue::B(blob) => blob.as_ref().len(),
        other => panic!("{other:?}"),
    }
}

/// The bytes of the largest item of a customer.
async fn largest_item(world: &World, customer: &Customer) -> usize {
    let (mut largest, mut start) = (0, None);
    loop {
        let query = hand(world).query().table_name(world.stack().table()).key_condition_expression("pk = :pk");
        let query = query.expression_attribute_values(":pk", AttributeValue::S(format!("TENANT#{}", customer.tenant)));
        let page = query.set_exclusive_start_key(start).send().await.unwrap();
        let items = page.items().iter();
        let sizes = items.map(|item| item.iter().map(|(name, value)| name.len() + bytes(value)).sum());
        largest = largest.max(sizes.max().unwrap_or(0));
        start = page.last_evaluated_key().cloned();
        if start.is_none() {
            assert!(largest > 0, "the partition is empty");
            return largest;
        }
    }
}

/// Reads an organization of a size, and compares what is shown with it.
async fn is_read_as_a_whole(size: Size) {
    let world = own_world(Options { environment: unpaced(), ..Options::default() });
    let organization = world.stack().organization();
    let customer = requested(world, &Scenario::Sized(size)).await;
    organization.clear_calls();
    let (mut runs, mut seen) = (0, Vec::new());
    loop {
        runs += 1;
        assert!(runs < 200, "the reading does not end: {seen:?}");
        let mut running = Box::pin(run(world, 5));
        // The progress while a run works.
        while tokio::time::timeout(std::time::Duration::from_millis(300), &mut running).await.is_err() {
            let shown = customer.get(&format!("{ACCOUNTS}?limit=1")).await.expect(200);
            seen.push(shown.body["progress"].clone());
        }
        let shown = customer.get(&format!("{ACCOUNTS}?limit=1")).await.expect(200);
        if shown.body["sync_status"] != "running" {
            assert_eq!(shown.body["sync_status"], "done", "{}", shown.text);
            break;
        }
    }
    let of_assignments: Vec<&Value> = seen.iter().filter(|progress| progress["step"] == "assignments").collect();
    let done: Vec<u64> = of_assignments.iter().map(|progress| progress["done"].as_u64().unwrap()).collect();
    assert!(done.is_sorted() && done.first() < done.last(), "{done:?}");
    assert!(
        of_assignments.iter().all(|progress| progress["total"] == json!(size.permission_sets)),
        "{of_assignments:?}"
    );
    assert!(
        of_assignments.iter().any(|progress| progress["estimated_seconds"].as_u64() > Some(0)),
        "{of_assignments:?}"
    );

    // Complete, and each once.
    let (accounts, largest_accounts) = all(&customer, ACCOUNTS).await;
    let unique: BTreeSet<&str> = accounts.iter().map(|row| row["account_id"].as_str().unwrap()).collect();
    assert_eq!((accounts.len(), unique.len()), (size.accounts, size.accounts));
    let (sets, largest_sets) = all(&customer, SETS).await;
    let unique: BTreeSet<&str> = sets.iter().map(|row| row["permission_set_arn"].as_str().unwrap()).collect();
    assert_eq!((sets.len(), unique.len()), (size.permission_sets, size.permission_sets));
    let (rows, largest_assignments) = all(&customer, ASSIGNMENTS).await;
    let mut users = BTreeMap::<(&str, &str), BTreeSet<&str>>::new();
    for row in &rows {
        let pair = (row["account_id"].as_str().unwrap(), row["permission_set_arn"].as_str().unwrap());
        for principal in row["principals"].as_array().unwrap() {
            assert!(users.entry(pair).or_default().insert(principal["id"].as_str().unwrap()), "{principal} is twice");
        }
    }
    assert_eq!((users.len(), users.values().map(BTreeSet::len).sum()), (size.pairs, size.assignments));
    assert_eq!(users.values().map(BTreeSet::len).max(), Some(size.crowd));

    // No call is made twice, so the budget tells the time.
    let asked = [
        ("ListAccounts", size.accounts.div_ceil(20)),
        ("ListPermissionSets", size.permission_sets.div_ceil(100)),
        ("DescribePermissionSet", size.permission_sets),
        ("ListAccountsForProvisionedPermissionSet", size.permission_sets),
        ("ListAccountAssignments", size.pairs - 1 + size.crowd.div_ceil(100)),
    ];
    for (operation, calls) in asked {
        assert_eq!(organization.count(operation), calls, "{operation}");
    }
    let calls: usize = asked.iter().map(|(_, calls)| calls).sum();
    let kept = sync(world, &customer).await;
    assert_eq!(kept.last_calls, u64::try_from(calls).unwrap());

    let (item, response) =
        (largest_item(world, &customer).await, largest_accounts.max(largest_sets).max(largest_assignments));
    assert!(item < MAX_ITEM / 4 && response < MAX_RESPONSE / 3, "{item} {response}");
    println!(
        "{size:?}: {calls} calls, {} minutes at 8 calls per second, {runs} runs, {} rows of assignments; largest item \
         {item} bytes, largest response {response} bytes",
        calls.div_ceil(8).div_ceil(60),
        rows.len()
    );
}

async fn sync(world: &World, customer: &Customer) -> Sync {
    read::<Sync>(&table(world), &part(TenantId::parse(&customer.tenant).unwrap()).aws_sync()).await.value
}

#[tokio::test]
async fn an_organization_with_more_than_a_page_of_everything_is_read_as_a_whole() {
    is_read_as_a_whole(Size::MEDIUM).await;
}

#[tokio::test]
#[ignore = "takes minutes: docs/connection.md has the command and its numbers"]
async fn the_largest_organization_is_read_as_a_whole() {
    is_read_as_a_whole(Size::LARGE).await;
}

/// Reads through a role whose calls fail for a while, one run after the other. Returns the world, the customer, and the calls
/// that were done at each wait.
async fn read_in_runs(scenario: &str) -> (&'static World, Customer, Vec<u64>) {
    let world = own_world(Options { environment: unpaced(), ..Options::default() });
    let customer = requested(world, &scenario.parse().unwrap()).await;
    let (mut waited, mut minutes) = (Vec::new(), 5);
    loop {
        run(world, minutes).await;
        let shown = customer.get(ACCOUNTS).await.expect(200);
        if shown.body["sync_status"] == "done" {
            return (world, customer, waited);
        }
        let progress = &shown.body["progress"];
        assert_eq!(progress["waiting_for"], "unavailable", "{}", shown.text);
        // Nothing of a reading that is not complete is shown.
        assert_eq!((&shown.body["data"], &shown.body["last_synced_at"]), (&json!([]), &Value::Null));
        waited.push(sync(world, &customer).await.counts.calls);
        minutes += 20;
        assert!(waited.len() < 10, "{waited:?}");
    }
}

/// Tests a reading that is throttled again and again for longer than a run tries: no answer is asked for twice.
#[tokio::test]
async fn what_a_throttled_run_has_read_is_kept() {
    let (world, customer, waited) = read_in_runs("throttled-midway").await;
    assert!(waited.len() >= 2 && waited.is_sorted_by(|before, after| before < after), "{waited:?}");
    let calls = world.stack().organization().calls();
    let answered =
        |operation: &str| calls.iter().filter(|call| call.operation == operation && call.error.is_none()).count();
    assert_eq!((answered("ListAccounts"), answered("ListPermissionSets")), (1, 1));
    assert_eq!((answered("DescribePermissionSet"), answered("ListAccountsForProvisionedPermissionSet")), (12, 12));
    assert_eq!(answered("ListAccountAssignments"), 13);
    assert_eq!(all(&customer, ASSIGNMENTS).await.0.len(), 13);
}

/// Tests errors with status 400 that pass: the SDK tries some again, the reading the others.
#[tokio::test]
async fn errors_that_pass_do_not_end_a_reading() {
    let (_, customer, waited) = read_in_runs("transient-errors").await;
    assert_eq!(waited.len(), 1);
    assert_eq!(all(&customer, ASSIGNMENTS).await.0.len(), 13);
}

/// Tests rows that the table refuses for good: the reading ends with a reason, and what was read before stays.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_the_table_refuses_end_the_reading() {
    let proxy = FaultProxy::start().await;
    let mut environment = unpaced();
    environment.insert("AWS_ENDPOINT_URL_DYNAMODB".to_owned(), proxy.url());
    let world = World::start(Options { environment, ..Options::default() });
    proxy.forward_to(world.stack().dynamodb_endpoint());
    // Never dropped, because a test cannot drop another runtime in its own thread.
    let world: &'static World = Box::leak(Box::new(world));
    let customer = requested(world, &Scenario::Healthy).await;
    run(world, 5).await;
    let before = customer.get(ASSIGNMENTS).await.expect(200);
    assert_eq!(before.body["sync_status"], "done");

    proxy.break_calls(&["TransactWriteItems"], "#ASSIGNMENT#", Fault::Refused, Times::Always);
    let _ = post(&customer, SYNC).await.expect(202);
    for attempt in 1.. {
        assert!(attempt < 20, "the reading does not end");
        run(world, 5 + attempt * 20).await;
        let shown = customer.get(ASSIGNMENTS).await.expect(200);
        assert_eq!(shown.body["data"], before.body["data"]);
        assert_eq!(shown.body["last_synced_at"], before.body["last_synced_at"]);
        if shown.body["sync_status"] == "failed" {
            assert_eq!(shown.body["sync_failure"]["code"], "internal", "{}", shown.text);
            break;
        }
        assert_eq!(shown.body["progress"]["waiting_for"], "internal", "{}", shown.text);
    }
    assert!(proxy.broken() > 2);
    // Once the table takes them, the next reading is complete.
    proxy.heal();
    let _ = post(&customer, SYNC).await.expect(202);
    run(world, 600).await;
    let after = customer.get(ASSIGNMENTS).await.expect(200);
    assert_eq!((&after.body["sync_status"], &after.body["data"]), (&json!("done"), &before.body["data"]));
}

/// Tests pages of rows that are as large as rows become: each is below Lambda's limit, and none is left out.
#[tokio::test]
async fn pages_of_large_rows_are_bounded_by_bytes() {
    let (customer, _) = connected().await;
    let _ = post(&customer, SYNC).await.expect(202);
    let few = settled(&customer).await;
    assert_eq!(few.body["sync_status"], "done");
    let shown = sync(world(), &customer).await.shown.unwrap();
    let tenant = TenantId::parse(&customer.tenant).unwrap();
    let rows: Vec<Row> = (0..240)
        .map(|part| {
            // The longest ids that AWS gives.
            let user = |n: usize| Principal { kind: "GROUP".to_owned(), id: format!("1234567890-{part:08x}-{n:027}") };
            Row::Assignment(Assignment {
                account_id: "999999999999".to_owned(),
                permission_set_arn: "arn:aws:sso:::permissionSet/ssoins-0123456789abcdef0/ps-ffffffffffffffff"
                    .to_owned(),
                principals: (0..100).map(user).collect(),
                part,
                unreadable: None,
            })
        })
        .collect();
    for rows in rows.chunks(60) {
        let writes = rows.iter().fold(Writes::new(), |writes, row| {
            let key = part(tenant).aws_row(shown.half, &row.id());
            writes.put(&key, &Seen { round: shown.round, row: row.clone() })
        });
        write(&table(world()), tenant, writes).await;
    }
    let (listed, largest) = all(&customer, ASSIGNMENTS).await;
    assert_eq!(listed.len(), 240 + 13);
    let ids: BTreeSet<String> = listed
        .iter()
        .map(|row| {
            row["principals"][0].to_string() + &row["account_id"].to_string() + &row["permission_set_arn"].to_string()
        })
        .collect();
    assert_eq!(ids.len(), listed.len());
    assert!((500_000..MAX_RESPONSE / 3).contains(&largest), "{largest}");
}
