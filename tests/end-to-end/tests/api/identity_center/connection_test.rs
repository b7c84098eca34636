//! Tests of a successful connection test: its calls, its cost, and the stored results.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use trustplane_domain::Timestamp;
use trustplane_domain::connection::{Connection, Health, InstanceKind};
use trustplane_domain::ids::TenantId;
use trustplane_end_to_end::world;
use trustplane_organization::{Call, Scenario};

use super::inventory::{SYNC, settled};
use super::{BASE, CONFIG, TEST, check, config, connected, organization, outcomes, own_role, post};
use crate::identity_source::ASSOCIATIONS;
use crate::table::{audit_records, hand, part, read, table};
use futures_util::future::join_all;

/// Returns the calls with or for this role, oldest first.
fn calls(role: &str) -> Vec<Call> {
    organization().calls().into_iter().filter(|call| call.role_arn.as_deref() == Some(role)).collect()
}

#[tokio::test]
async fn a_connection_that_works_passes_every_check_with_thirteen_calls() {
    let (customer, role) = connected().await;
    let report = post(&customer, TEST).await.expect(200);
    let all = [
        "assume_role pass",
        "external_id_enforced pass",
        "account_match pass",
        "instance_visible pass",
        "instance_active pass",
        "instance_kind pass",
        "permission_sets pass",
    ];
    assert_eq!(outcomes(&report), all);
    assert_eq!((&report.body["success"], &report.body["config_version"]), (&json!(true), &json!(1)));
    assert_eq!(report.body["message"], "The connection works.");
    for check in report.body["checks"].as_array().unwrap() {
        assert!(check["aws_request_id"].is_string() && check["remediation"].is_null() && check["fields"] == json!([]));
    }
    let cost = customer.cost(&report).await;
    // The read; the new store's provider; the write of report, connection, claim and audit record.
    assert_eq!((cost.dynamodb_calls, cost.dynamodb_round_trips, cost.aws_calls), (5, 5, 13));
    let asked = calls(&role);
    let assumed: Vec<_> = asked.iter().filter(|call| call.operation == "AssumeRole").collect();
    let denied: Vec<_> = assumed.iter().filter(|call| call.error.is_some()).map(|call| &call.external_id).collect();
    assert_eq!((assumed.len(), denied.len()), (3, 2));
    assert!(denied.contains(&&None) && !denied.contains(&&Some(customer.external_id.clone())));
    let operations: Vec<&str> = asked.iter().map(|call| call.operation.as_str()).collect();
    let set = |operations: &[&'static str]| operations.iter().copied().collect::<BTreeSet<_>>();
    let of = |from: usize, to: usize| operations[from..to].iter().copied().collect::<BTreeSet<_>>();
    assert_eq!(of(3, 6), set(&["GetCallerIdentity", "ListInstances", "DescribeOrganization"]));
    let third = ["DescribeInstance", "ListPermissionSets", "ListAccounts", "ListDelegatedAdministrators"];
    assert_eq!(of(6, 10), set(&third));
    assert_eq!(of(10, 12), set(&["DescribePermissionSet", "ListAccountsForProvisionedPermissionSet"]));
    assert_eq!(of(12, 13), set(&["ListAccountAssignments"]));

    // The next test knows the store, and has the claim.
    let again = post(&customer, TEST).await.expect(200);
    let cost = customer.cost(&again).await;
    assert_eq!((cost.dynamodb_calls, cost.dynamodb_round_trips, cost.aws_calls), (4, 4, 13));
}

#[tokio::test]
async fn the_last_report_is_shown() {
    let (customer, _) = connected().await;
    let _ = customer.get(TEST).await.refused(404, "not_found");
    let report = post(&customer, TEST).await.expect(200);
    let shown = customer.get(TEST).await.expect(200);
    assert_eq!(shown.body, report.body);
    let cost = customer.cost(&shown).await;
    assert_eq!((cost.dynamodb_calls, cost.dynamodb_round_trips, cost.aws_calls), (1, 1, 0));
    let _ = post(&world().customer().await, TEST).await.refused(409, "not_configured");
}

#[tokio::test]
async fn what_a_test_saw_is_answered_from() {
    let (customer, role) = connected().await;
    let _ = post(&customer, TEST).await.expect(200);
    let asked = calls(&role).len();
    let shown = customer.get(ASSOCIATIONS).await.expect(200);
    assert_eq!(customer.cost(&shown).await.aws_calls, 0);
    assert_eq!(calls(&role).len(), asked);

    let tenant = TenantId::parse(&customer.tenant).unwrap();
    let table = table(world());
    let kept = read::<Connection>(&table, &part(tenant).connection()).await.value;
    assert_eq!(kept.health, Some(Health::Healthy));
    assert!(kept.last_verified_at.is_some());
    let facts = kept.instance.unwrap();
    assert_eq!((facts.kind, facts.regions), (Some(InstanceKind::Organization), vec!["us-east-1".to_owned()]));
    assert_eq!((facts.owner_account.as_str(), facts.identity_store_id.as_str()), ("123456789012", "d-1234567890"));
    let records = audit_records(&table, tenant, "test-identity-center-connection").await;
    assert_eq!((records.len(), &records[0]["after"]["health"]), (1, &json!("healthy")));
    assert_eq!(records[0]["after"]["codes"], json!([]));
}

#[tokio::test]
async fn other_settings_are_yet_to_be_tested() {
    let (customer, role) = connected().await;
    let _ = post(&customer, TEST).await.expect(200);
    let mut other = config(&role);
    other["region"] = json!("eu-west-1");
    let _ = customer.put(CONFIG, &other).await.expect(200);
    let tenant = TenantId::parse(&customer.tenant).unwrap();
    let kept = read::<Connection>(&table(world()), &part(tenant).connection()).await.value;
    assert_eq!((kept.health, kept.last_verified_at, kept.instance), (None, None, None));
    // The report names the version that it tested.
    assert_eq!(customer.get(TEST).await.expect(200).body["config_version"], 1);
}

#[tokio::test]
async fn a_retried_test_is_not_made_twice() {
    let (customer, role) = connected().await;
    let send = || customer.send(customer.request("POST", TEST).header("idempotency-key", "once"));
    let (first, again) = (send().await.expect(200), send().await.expect(200));
    assert_eq!(first.body, again.body);
    assert_eq!(calls(&role).len(), 13);
}

/// Tests the budgets. A minute may end between two requests, so twice as many are sent at most.
#[tokio::test]
async fn operations_that_call_aws_have_a_budget() {
    let customer = world().customer().await;
    let role = "no-trust".parse::<Scenario>().unwrap().role_arn();
    let _ = customer.put(CONFIG, &config(&role)).await.expect(200);
    let _ = post(&customer, &format!("{BASE}/external-id/rotate")).await.expect(200);
    let commit = format!("{BASE}/external-id/commit");
    for sent in 1..=122 {
        let reply = post(&customer, &commit).await;
        if reply.status == 429 {
            assert!(sent > 60, "{sent}");
            let seconds: u32 = reply.header("retry-after").unwrap().parse().unwrap();
            assert!((1..=60).contains(&seconds), "{seconds}");
            assert_eq!(reply.body["code"], "rate_limited");
            return;
        }
        let _ = reply.refused(409, "external_id_not_trusted");
    }
    panic!("the budget is never spent");
}

#[tokio::test]
async fn a_role_is_not_tried_without_its_external_id_again_and_again() {
    let (customer, _) = connected().await;
    for sent in 1..=22 {
        let report = post(&customer, TEST).await.expect(200);
        assert_eq!(report.body["success"], true, "{}", report.text);
        if customer.cost(&report).await.aws_calls == 11 {
            assert!(sent > 10, "{sent}");
            let message = check(&report, "external_id_enforced")["message"].as_str().unwrap();
            assert!(message.contains("a short time ago"), "{message}");
            return;
        }
    }
    panic!("each test tries the role without its ExternalId");
}

/// Tests that are started by several clicks at once: each has its report, and that of the one that ended last is kept.
#[tokio::test]
async fn tests_at_the_same_time_do_not_refuse_each_other() {
    let (customer, _) = connected().await;
    // The first ones beside each other, none of which knows yet that the role denies strangers.
    for reply in join_all((0..4).map(|_| post(&customer, TEST))).await {
        assert_eq!(reply.expect(200).body["success"], true);
    }
    let replies = join_all((0..14).map(|_| post(&customer, TEST))).await;
    let replies: Vec<_> = replies.into_iter().map(|reply| reply.expect(200)).collect();
    for reply in &replies {
        assert_eq!(
            (&reply.body["success"], &reply.body["config_version"]),
            (&json!(true), &json!(1)),
            "{}",
            reply.text
        );
    }
    let kept = customer.get(TEST).await.expect(200);
    assert!(replies.iter().any(|reply| reply.body["checks"] == kept.body["checks"]), "{}", kept.text);
    let ended = |body: &Value| {
        let begun = Timestamp::parse(body["checked_at"].as_str().unwrap()).unwrap();
        begun.plus_millis(body["duration_ms"].as_i64().unwrap())
    };
    for reply in replies.iter().filter(|reply| ended(&reply.body) > ended(&kept.body)) {
        // It lost each of its eight attempts to write.
        let cost = customer.cost(reply).await;
        assert!(cost.dynamodb_calls > 16, "{cost:?}: {} {}", reply.text, kept.text);
    }
    let tenant = TenantId::parse(&customer.tenant).unwrap();
    let records = audit_records(&table(world()), tenant, "test-identity-center-connection").await;
    assert_eq!(records.len(), 4 + 14);
    let connection = read::<Connection>(&table(world()), &part(tenant).connection()).await.value;
    assert_eq!(connection.health, Some(Health::Healthy));
    assert!(connection.claimed_role.is_some() && connection.role_proven);
}

/// Tests a role of the local organization that is named after the ExternalId which it trusts.
#[tokio::test]
async fn a_role_named_after_an_external_id_is_that_tenants() {
    let (customer, other) = (world().customer().await, world().customer().await);
    let role = format!("arn:aws:iam::123456789012:role/tenant/{}", customer.external_id);
    for (customer, works) in [(&customer, true), (&other, false)] {
        let _ = customer.put(CONFIG, &config(&role)).await.expect(200);
        let report = post(customer, TEST).await.expect(200);
        assert_eq!(report.body["success"], works, "{}", report.text);
    }
    let both = format!("arn:aws:iam::123456789012:role/tenant/{}/{}", customer.external_id, other.external_id);
    let _ = other.put(CONFIG, &config(&both)).await.expect(200);
    assert_eq!(post(&other, TEST).await.expect(200).body["success"], true);
}

/// Tests a retry that arrives while the first request is in progress. It gets a conflict, and after the end of the
/// first request the same response.
#[tokio::test]
async fn a_retry_beside_the_first_is_told_that_it_is_in_progress() {
    let (customer, _) = connected().await;
    let send = || customer.send(customer.request("POST", TEST).header("idempotency-key", "once"));
    let replies = join_all((0..4).map(|_| send())).await;
    let (done, others): (Vec<_>, Vec<_>) = replies.into_iter().partition(|reply| reply.status == 200);
    assert!(!done.is_empty());
    let first = send().await.expect(200).body;
    assert!(done.iter().all(|reply| reply.body == first), "{done:?}");
    for other in others {
        let _ = other.refused(409, "idempotency_in_progress");
    }
}

#[tokio::test]
async fn sessions_are_the_tenants_own_and_go_nowhere_else() {
    // Two tenants use one role, which trusts both. The same processes serve both.
    let (first, role) = connected().await;
    let second = world().customer().await;
    let _ = own_role(&second);
    organization().trust_role(&role, &[&first.external_id, &second.external_id]);
    let _ = second.put(CONFIG, &config(&role)).await.expect(200);
    for customer in [&first, &second, &first, &second] {
        let _ = customer.get(ASSOCIATIONS).await.expect(200);
    }
    let described: Vec<String> =
        calls(&role).into_iter().filter(|call| call.operation == "DescribeInstance").map(|call| call.caller).collect();
    assert_eq!(described.len(), 2, "{described:?}");
    assert!(described[0].ends_with(&first.tenant) && described[1].ends_with(&second.tenant), "{described:?}");
}

#[tokio::test]
async fn nothing_of_a_session_is_written_down() {
    let (customer, _) = connected().await;
    let _ = post(&customer, TEST).await.expect(200);
    let _ = customer.get(ASSOCIATIONS).await.expect(200);
    let _ = post(&customer, SYNC).await.expect(202);
    let _ = settled(&customer).await;
    world().stack().settle_streams().await;
    let mut written: Vec<String> = world().stack().logs().into_iter().map(|line| line.text).collect();
    written.extend(world().stack().events().iter().map(ToString::to_string));
    let mut from = None;
    for page in 1.. {
        assert!(page <= 1000, "the scan of the table has no end");
        let page = hand(world()).scan().table_name(world().stack().table()).set_exclusive_start_key(from);
        let page = page.send().await.unwrap();
        written.extend(page.items().iter().map(|item| format!("{item:?}")));
        from = page.last_evaluated_key;
        if from.is_none() {
            break;
        }
    }
    let written = written.join("\n");
    assert!(written.contains(&customer.tenant), "what was written is looked at");
    let issued = organization().issued_secrets();
    assert!(issued.len() > 4);
    assert!(!issued.iter().any(|secret| written.contains(secret)), "a secret was written down");
    // The id of a key that STS issued is not logged either.
    assert!(!written.contains("ASIA"));
}
