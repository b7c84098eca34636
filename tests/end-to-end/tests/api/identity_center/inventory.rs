//! Tests of the inventory of a connection: read in the background, stored, listed, deleted.

use std::sync::OnceLock;

use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use trustplane_domain::Timestamp;
use trustplane_domain::ids::TenantId;
use trustplane_domain::inventory::{Account, Half, Row, Seen, Step, Sync};
use trustplane_end_to_end::{Customer, Reply, World, world};
use trustplane_local::Options;
use trustplane_local::wait::until;
use trustplane_organization::{MANAGEMENT_ACCOUNT, MEMBER_ACCOUNT, Scenario, Service};
use trustplane_store::Writes;

use super::{CONFIG, config, connected, organization, post};
use crate::table::{own_world, part, read, table, write};

pub const SYNC: &str = "/v1/aws/sync";
pub const ACCOUNTS: &str = "/v1/aws/accounts";
pub const SETS: &str = "/v1/aws/permission-sets";
pub const ASSIGNMENTS: &str = "/v1/aws/assignments";

/// Runs the schedule with a time that is this number of minutes ahead.
async fn run(minutes: i64) -> Value {
    let now = (OffsetDateTime::now_utc() + Duration::minutes(minutes)).format(&Rfc3339).unwrap();
    world().invoke("sync-organizations", &json!({"time": now})).await.unwrap()
}

/// A stack of its own for tests that run the schedule as it will be: elsewhere that would disturb the readings of others.
pub fn later() -> &'static World {
    static LATER: OnceLock<&'static World> = OnceLock::new();
    LATER.get_or_init(|| own_world(Options::default()))
}

/// Runs the schedule of [`later`] in five minutes until this customer's reading is at rest: a role that was just saved is not
/// waited for any more.
pub async fn settled_later(customer: &Customer) -> Reply {
    for _ in 0..300 {
        let now = (OffsetDateTime::now_utc() + Duration::minutes(5)).format(&Rfc3339).unwrap();
        let _ = later().invoke("sync-organizations", &json!({"time": now})).await.unwrap();
        let shown = customer.get(ACCOUNTS).await.expect(200);
        if shown.body["sync_status"] != "running" {
            return shown;
        }
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    }
    panic!("the reading of {} does not end", customer.tenant);
}

/// Runs the schedule until this customer's reading is at rest: another test's run may have it in hand.
pub async fn settled(customer: &Customer) -> Reply {
    for _ in 0..300 {
        let _ = run(0).await;
        let shown = customer.get(ACCOUNTS).await.expect(200);
        if shown.body["sync_status"] != "running" {
            return shown;
        }
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    }
    panic!("the reading of {} does not end", customer.tenant);
}

fn texts<'a>(reply: &'a Reply, field: &str) -> Vec<&'a str> {
    reply.body["data"].as_array().unwrap().iter().map(|row| row[field].as_str().unwrap()).collect()
}

#[tokio::test]
async fn an_organization_is_read_in_the_background_and_answered_from_the_table() {
    let (customer, role) = connected().await;
    let nothing = customer.get(SETS).await.expect(200);
    let empty = json!({
        "data": [],
        "next_cursor": null,
        "has_more": false,
        "last_synced_at": null,
        "sync_status": "never",
        "sync_failure": null,
        "progress": null,
    });
    assert_eq!(nothing.body, empty);
    let asked = post(&customer, SYNC).await.expect(202);
    assert_eq!((&asked.body["status"], &asked.body["last_synced_at"]), (&json!("running"), &Value::Null));
    let cost = customer.cost(&asked).await;
    assert_eq!((cost.dynamodb_calls, cost.dynamodb_round_trips, cost.aws_calls), (2, 2, 0));
    // A second request returns the same sync.
    let again = post(&customer, SYNC).await.expect(202);
    assert_eq!(again.body, asked.body);
    assert_eq!(customer.cost(&again).await.dynamodb_calls, 1);

    // Of two concurrent runs, only one gets the sync.
    let _ = tokio::join!(run(0), run(0));
    let accounts = settled(&customer).await;
    assert_eq!(accounts.body["sync_status"], "done");
    let ids = texts(&accounts, "account_id");
    assert!(ids.contains(&MANAGEMENT_ACCOUNT) && ids.contains(&MEMBER_ACCOUNT) && ids.len() == 6, "{ids:?}");
    assert!(accounts.body["data"][0]["name"].is_string() && accounts.body["data"][0]["status"].is_string());
    let sets = customer.get(SETS).await.expect(200);
    let names = texts(&sets, "name");
    assert!(names.contains(&"AdministratorAccess") && names.len() == 12, "{names:?}");
    assert!(sets.body["last_synced_at"].is_string());
    let cost = customer.cost(&sets).await;
    assert_eq!((cost.dynamodb_calls, cost.dynamodb_round_trips, cost.aws_calls), (3, 1, 0));

    let of_member = customer.get(&format!("{ASSIGNMENTS}?account_id={MEMBER_ACCOUNT}")).await.expect(200);
    let accounts = texts(&of_member, "account_id");
    assert!(accounts.len() == 4 && accounts.iter().all(|account| *account == MEMBER_ACCOUNT), "{}", of_member.text);
    let kinds: Vec<&str> = of_member.body["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["principals"][0]["type"].as_str().unwrap())
        .collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == "USER").count(), 1, "{}", of_member.text);
    let all = customer.get(ASSIGNMENTS).await.expect(200);
    let assigned = all.body["data"].as_array().unwrap().len();
    assert!(assigned > 4, "{}", all.text);
    let _ = customer.get(&format!("{ASSIGNMENTS}?account_id=1&limit=0")).await.refused(400, "invalid_request");

    // Each page, each permission set and each of its accounts was requested once.
    let asked = |operation: &str| {
        let calls = organization().calls();
        let of_role = calls.iter().filter(|call| call.role_arn.as_deref() == Some(role.as_str()));
        of_role.filter(|call| call.operation == operation).count()
    };
    assert_eq!((asked("ListAccounts"), asked("ListPermissionSets")), (1, 1));
    assert_eq!((asked("DescribePermissionSet"), asked("ListAccountsForProvisionedPermissionSet")), (12, 12));
    assert_eq!(asked("ListAccountAssignments"), assigned);

    // Within the tenant's budget: at most ten calls per second, where AWS allows twenty. Calls to STS do not count.
    let calls = organization().calls();
    let of_role = calls.iter().filter(|call| call.role_arn.as_deref() == Some(role.as_str()));
    let at: Vec<OffsetDateTime> = of_role.filter(|call| call.service != Service::Sts).map(|call| call.at).collect();
    let busiest = at.iter().map(|from| at.iter().filter(|at| **at >= *from && **at < *from + Duration::SECOND).count());
    let busiest = busiest.max().unwrap();
    assert!(at.len() > 30 && busiest <= 10, "{} calls, {busiest} in a second", at.len());
}

#[tokio::test]
async fn lists_are_paged() {
    let (customer, _) = connected().await;
    let _ = post(&customer, SYNC).await.expect(202);
    let _ = settled(&customer).await;
    let (mut seen, mut path) = (Vec::new(), format!("{SETS}?limit=5"));
    for number in 1.. {
        assert!(number <= 12, "the list of permission sets has no end");
        let page = customer.get(&path).await.expect(200);
        seen.extend(texts(&page, "name").into_iter().map(str::to_owned));
        let Some(cursor) = page.body["next_cursor"].as_str() else { break };
        path = format!("{SETS}?limit=5&cursor={cursor}");
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 12);
}

#[tokio::test]
async fn what_is_not_there_any_more_goes_at_the_end_of_the_next_reading() {
    let (customer, _) = connected().await;
    let _ = post(&customer, SYNC).await.expect(202);
    let first = settled(&customer).await;
    let tenant = TenantId::parse(&customer.tenant).unwrap();
    let closed = Account { account_id: "999999999999".to_owned(), name: None, email: None, status: None };
    let row = Row::Account(closed);
    let key = part(tenant).aws_row(Half::First, &row.id());
    write(&table(world()), tenant, Writes::new().put(&key, &Seen { round: 1, row })).await;
    let _ = post(&customer, SYNC).await.expect(202);
    // Until then, the rows of the last sync are listed.
    let meanwhile = customer.get(&format!("{ACCOUNTS}?limit=200")).await.expect(200);
    assert_eq!(meanwhile.body["last_synced_at"], first.body["last_synced_at"]);
    let second = settled(&customer).await;
    assert_eq!(second.body["data"], first.body["data"]);
    assert_eq!(texts(&second, "account_id").len(), 6);
    assert!(second.body["last_synced_at"].as_str() > first.body["last_synced_at"].as_str());
}

#[tokio::test]
async fn a_suspended_tenants_organization_is_not_read() {
    let (customer, role) = connected().await;
    let (table, tenant) = (table(world()), TenantId::parse(&customer.tenant).unwrap());
    let suspension = json!({"tenant_id": customer.tenant, "reason": "unpaid"});
    let _ = world().invoke("suspend-tenant", &suspension).await.unwrap();
    let asked = Sync::default().requested(Timestamp::now(), None);
    write(&table, tenant, Writes::new().create(&part(tenant).aws_sync(), &asked)).await;
    for _ in 0..50 {
        let _ = run(0).await;
        let kept = sync(&customer).await;
        if kept.due_at != asked.due_at {
            // It waits, and does not delay others meanwhile.
            assert!(kept.due_at.unwrap() > Timestamp::now().plus_millis(50 * 60_000), "{kept:?}");
            assert_eq!(kept, Sync { due_at: kept.due_at, ..asked });
            let calls = organization().calls();
            assert!(!calls.iter().any(|call| call.role_arn.as_deref() == Some(role.as_str())));
            // Once the tenant is resumed, it goes on at once.
            let _ = world()
                .invoke("resume-tenant", &json!({"tenant_id": customer.tenant, "reason": "paid"}))
                .await
                .unwrap();
            assert!(sync(&customer).await.due_at.unwrap() <= Timestamp::now());
            assert_eq!(settled(&customer).await.body["sync_status"], "done");
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    }
    panic!("the reading was not looked at");
}

#[tokio::test]
async fn another_connection_shows_nothing_of_the_one_before() {
    let (customer, role) = connected().await;
    let _ = post(&customer, SYNC).await.expect(202);
    let _ = settled(&customer).await;
    // Saving the same settings does not change the connection.
    let _ = customer.put(CONFIG, &config(&role)).await.expect(200);
    assert_eq!(customer.get(SETS).await.expect(200).body["data"].as_array().unwrap().len(), 12);

    let _ = customer.delete(CONFIG).await.expect(204);
    let hidden = customer.get(SETS).await.expect(200);
    assert_eq!((&hidden.body["data"], &hidden.body["sync_status"]), (&json!([]), &json!("never")));
    let _ = post(&customer, SYNC).await.refused(409, "not_configured");
    // None of its rows is left.
    let tenant = TenantId::parse(&customer.tenant).unwrap();
    let rows = async || {
        let halves = (part(tenant).aws_rows(Half::First), part(tenant).aws_rows(Half::Second));
        let (first, second) = table(world()).load(halves).await.unwrap();
        first.rows.len() + second.rows.len()
    };
    for _ in 0..50 {
        let _ = run(0).await;
        if rows().await == 0 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    }
    panic!("{} rows are left", rows().await);
}

#[tokio::test]
async fn a_reading_goes_on_where_a_run_ended() {
    let (customer, _) = connected().await;
    let (table, tenant) = (table(world()), TenantId::parse(&customer.tenant).unwrap());
    // The state of a run that ended after the accounts, with an expired lease.
    let interrupted = Sync::default().requested(Timestamp::now(), None);
    let interrupted = Sync { step: Some(Step::permission_sets()), ..interrupted };
    write(&table, tenant, Writes::new().create(&part(tenant).aws_sync(), &interrupted)).await;
    let accounts = settled(&customer).await;
    assert_eq!((&accounts.body["sync_status"], &accounts.body["data"]), (&json!("done"), &json!([])));
    assert_eq!(customer.get(SETS).await.expect(200).body["data"].as_array().unwrap().len(), 12);
}

#[tokio::test]
async fn a_reading_whose_process_is_killed_comes_to_its_end_in_another() {
    let world = own_world(Options::default());
    let customer = world.customer().await;
    let role = format!("arn:aws:iam::{MANAGEMENT_ACCOUNT}:role/killed");
    world.stack().organization().trust_role(&role, &[&customer.external_id]);
    let _ = customer.put(CONFIG, &config(&role)).await.expect(200);
    let _ = post(&customer, SYNC).await.expect(202);
    let calls = |operation: &str| {
        let calls = world.stack().organization().calls();
        calls.iter().filter(|call| call.operation == operation).count()
    };
    let time = |minutes: i64| (OffsetDateTime::now_utc() + Duration::minutes(minutes)).format(&Rfc3339).unwrap();
    let event = json!({"time": time(0)});
    let killed = world.invoke("sync-organizations", &event);
    let kill = async {
        // During the assignments; accounts and permission sets are written by then.
        until("three calls of ListAccountAssignments", || calls("ListAccountAssignments") >= 3).await;
        let processes = world.stack().processes("sync-organizations");
        assert!(processes.into_iter().any(|process| world.stack().crash(process)));
    };
    let (outcome, ()) = tokio::join!(killed, kill);
    let _ = outcome.unwrap_err();
    let left = customer.get(SETS).await.expect(200);
    // No round is complete yet, so nothing is shown.
    assert_eq!((&left.body["sync_status"], &left.body["data"]), (&json!("running"), &json!([])), "{}", left.text);
    let progress = &left.body["progress"];
    assert_eq!((&progress["step"], &progress["total"]), (&json!("assignments"), &json!(12)), "{progress}");

    // Another run leaves it alone while the lease is valid.
    let nothing = world.invoke("sync-organizations", &json!({"time": time(1)})).await.unwrap();
    assert_eq!(nothing, json!({"finished": 0, "unfinished": 0, "failed": 0}));
    let finished = world.invoke("sync-organizations", &json!({"time": time(3)})).await.unwrap();
    assert_eq!(finished, json!({"finished": 1, "unfinished": 0, "failed": 0}));
    let done = customer.get(ASSIGNMENTS).await.expect(200);
    // As many rows as pairs of account and permission set: none is lost, none is twice.
    assert_eq!((&done.body["sync_status"], done.body["data"].as_array().unwrap().len()), (&json!("done"), 13));
    // It continued: completed steps were not requested again.
    assert_eq!((calls("ListAccounts"), calls("ListPermissionSets"), calls("DescribePermissionSet")), (1, 1, 12));
}

#[tokio::test]
async fn a_reading_that_is_throttled_now_and_then_comes_to_its_end() {
    let customer = world().customer().await;
    organization().trust_external_id(&customer.external_id);
    let role = "throttled-twice".parse::<Scenario>().unwrap().role_arn();
    let _ = customer.put(CONFIG, &config(&role)).await.expect(200);
    let _ = post(&customer, SYNC).await.expect(202);
    assert_eq!(settled(&customer).await.body["sync_status"], "done");
    assert_eq!(sync(&customer).await.attempts, 0);
    assert_eq!(customer.get(SETS).await.expect(200).body["data"].as_array().unwrap().len(), 12);
}

#[tokio::test]
async fn a_reading_that_is_throttled_is_tried_again_later() {
    let customer = world().customer().await;
    organization().trust_external_id(&customer.external_id);
    let role = "throttled".parse::<Scenario>().unwrap().role_arn();
    let _ = customer.put(CONFIG, &config(&role)).await.expect(200);
    let _ = post(&customer, SYNC).await.expect(202);
    for _ in 0..50 {
        let _ = run(0).await;
        let kept = sync(&customer).await;
        if kept.attempts > 0 {
            assert!(kept.step.is_some() && kept.failure.is_none(), "{kept:?}");
            assert!(kept.due_at.unwrap() > Timestamp::now(), "{kept:?}");
            // Four attempts in a slice, and no slice continues after that.
            let session = format!("/trustplane-{}", customer.tenant);
            let calls = organization().calls();
            let refused = calls.iter().filter(|call| call.caller.ends_with(&session) && call.error.is_some()).count();
            assert_eq!(refused, 4);
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    }
    panic!("the reading was not begun");
}

/// Reads through a scenario's role until the reading is at rest.
pub async fn read_through(world: &'static World, scenario: &str) -> (Customer, Reply) {
    let customer = world.customer().await;
    world.stack().organization().trust_external_id(&customer.external_id);
    let role = scenario.parse::<Scenario>().unwrap().role_arn();
    let _ = customer.put(CONFIG, &config(&role)).await.expect(200);
    let _ = post(&customer, SYNC).await.expect(202);
    let is_later = std::ptr::eq(world, later());
    let shown = if is_later { settled_later(&customer).await } else { settled(&customer).await };
    (customer, shown)
}

#[tokio::test]
async fn a_reading_outlasts_sessions_tokens_and_policies_that_count_late() {
    for scenario in ["sessions-revoked", "tokens-expire", "slow-propagation", "account-twice"] {
        let (customer, shown) = read_through(world(), scenario).await;
        assert_eq!(shown.body["sync_status"], "done", "{scenario}: {}", shown.text);
        assert_eq!(texts(&shown, "account_id").len(), 6, "{scenario}");
        assert_eq!(customer.get(SETS).await.expect(200).body["data"].as_array().unwrap().len(), 12, "{scenario}");
        assert_eq!(
            customer.get(ASSIGNMENTS).await.expect(200).body["data"].as_array().unwrap().len(),
            13,
            "{scenario}"
        );
    }
}

async fn sync(customer: &Customer) -> Sync {
    let tenant = TenantId::parse(&customer.tenant).unwrap();
    read::<Sync>(&table(world()), &part(tenant).aws_sync()).await.value
}
