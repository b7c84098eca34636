//! Tests of every failure of a connection, each with a scenario of the local organization: the report, the number of
//! calls, and the connection's health afterwards.

use serde_json::json;
use trustplane_domain::arn::RoleArn;
use trustplane_domain::connection::{Connection, Health};
use trustplane_domain::ids::TenantId;
use trustplane_end_to_end::{Customer, Reply, world};
use trustplane_organization::{POLICY_ARN, Scenario};
use trustplane_store::Writes;

use super::{CONFIG, TEST, check, config, organization, outcomes, post};
use crate::table::{part, read, table, write};

/// Creates a customer whose connection uses the role of this scenario. Returns it with the report of its test.
async fn tested(scenario: &str) -> (Customer, Reply) {
    let customer = world().customer().await;
    organization().trust_external_id(&customer.external_id);
    let role = scenario.parse::<Scenario>().unwrap().role_arn();
    let _ = customer.put(CONFIG, &config(&role)).await.expect(200);
    let report = post(&customer, TEST).await.expect(200);
    (customer, report)
}

async fn health(customer: &Customer) -> Option<Health> {
    let tenant = TenantId::parse(&customer.tenant).unwrap();
    read::<Connection>(&table(world()), &part(tenant).connection()).await.value.health
}

/// Returns the checks that did not pass, each with its code.
fn not_passed(report: &Reply) -> Vec<String> {
    outcomes(report).into_iter().filter(|outcome| !outcome.ends_with(" pass")).collect()
}

/// Checks one row: the scenario, the checks that do not pass, the number of calls, the health.
async fn holds((scenario, expected, calls, expected_health): (&str, &[&str], u64, impl Into<Option<Health>>)) {
    let (customer, report) = tested(scenario).await;
    assert_eq!(not_passed(&report), expected, "{scenario}: {}", report.text);
    assert_eq!(customer.cost(&report).await.aws_calls, calls, "{scenario}");
    assert_eq!(health(&customer).await, expected_health.into(), "{scenario}");
    let failed = expected.iter().any(|outcome| outcome.contains(" fail ") || outcome.contains(" unavailable "));
    assert_eq!(report.body["success"], !failed, "{scenario}");
    for check in report.body["checks"].as_array().unwrap() {
        let wrong = ["fail", "warn", "unavailable"].iter().any(|status| check["status"] == *status);
        assert_eq!(check["remediation"].is_string(), wrong, "{scenario}: {check}");
        assert_eq!(check["code"].is_string(), wrong, "{scenario}: {check}");
    }
    // Within API Gateway's limit of 29 seconds.
    assert!(report.body["duration_ms"].as_u64().unwrap() < 24_000, "{scenario}: {}", report.text);
}

const AFTER_ACCOUNT: [&str; 4] =
    ["instance_visible skipped", "instance_active skipped", "instance_kind skipped", "permission_sets skipped"];
const AFTER_VISIBLE: [&str; 3] = ["instance_active skipped", "instance_kind skipped", "permission_sets skipped"];

fn then<'a>(first: &'a [&'a str], rest: &'a [&'a str]) -> Vec<&'a str> {
    [first, rest].concat()
}

#[tokio::test]
async fn a_role_that_does_not_let_us_in() {
    let denied = ["assume_role fail assume_role_denied", "external_id_enforced skipped", "account_match skipped"];
    holds(("no-trust", &then(&denied, &AFTER_ACCOUNT), 3, Health::Broken)).await;
    let (customer, report) = tested("no-trust").await;
    let advice = check(&report, "assume_role")["remediation"].as_str().unwrap();
    for part in ["role no-trust", "arn:aws:iam::000000000000:root", &customer.external_id, "bootstrap-template"] {
        assert!(advice.contains(part) || advice.contains(&part.replace("role ", "")), "no {part}: {advice}");
    }
    assert_eq!(check(&report, "assume_role")["fields"], json!(["role_arn"]));
}

#[tokio::test]
async fn a_role_that_lets_everybody_in_is_not_used() {
    let open = ["external_id_enforced fail external_id_not_enforced", "account_match skipped"];
    holds(("external-id-not-enforced", &then(&open, &AFTER_ACCOUNT), 3, Health::Broken)).await;
}

#[tokio::test]
async fn a_role_elsewhere_than_its_arn_says() {
    let mismatch = ["account_match fail account_mismatch"];
    holds(("account-mismatch", &then(&mismatch, &AFTER_ACCOUNT), 4, Health::Broken)).await;
}

#[tokio::test]
async fn another_partition_is_not_asked() {
    let customer = world().customer().await;
    let china = json!({
        "sso_instance_arn": "arn:aws-cn:sso:::instance/ssoins-0123456789abcdef",
        "role_arn": "arn:aws-cn:iam::123456789012:role/Reader",
        "region": "cn-north-1",
    });
    let _ = customer.put(CONFIG, &china).await.expect(200);
    let report = post(&customer, TEST).await.expect(200);
    assert_eq!(check(&report, "account_match")["code"], "partition_unreachable");
    assert_eq!(outcomes(&report).iter().filter(|outcome| outcome.ends_with(" skipped")).count(), 6);
    assert_eq!(customer.cost(&report).await.aws_calls, 0);
}

#[tokio::test]
async fn an_instance_that_is_not_where_it_is_said_to_be() {
    let wrong = ["instance_visible fail wrong_region"];
    holds(("wrong-region", &then(&wrong, &AFTER_VISIBLE), 7, Health::Broken)).await;
    let (customer, report) = tested("wrong-region").await;
    let visible = check(&report, "instance_visible");
    assert_eq!((&visible["details"]["region"], &visible["fields"]), (&json!("eu-west-1"), &json!(["region"])));
    assert!(visible["message"].as_str().unwrap().contains("`eu-west-1`"));
    // Following the remediation solves the problem.
    let mut mended = config("arn:aws:iam::123456789012:role/scenario/wrong-region");
    mended["region"] = visible["details"]["region"].clone();
    let _ = customer.put(CONFIG, &mended).await.expect(200);
    assert_eq!(post(&customer, TEST).await.expect(200).body["success"], true);

    // Without a saved region, the report names the right one too.
    mended["region"] = json!("");
    let _ = customer.put(CONFIG, &mended).await.expect(200);
    let report = post(&customer, TEST).await.expect(200);
    assert_eq!(check(&report, "instance_visible")["code"], "wrong_region");

    let gone = ["instance_visible fail instance_not_found"];
    holds(("instance-deleted", &then(&gone, &AFTER_VISIBLE), 7, Health::Broken)).await;
}

#[tokio::test]
async fn an_instance_that_is_not_active() {
    for scenario in ["instance-creating", "instance-create-failed", "instance-deleting"] {
        let expected = ["instance_active fail instance_not_active", "permission_sets skipped"];
        holds((scenario, &expected, 7, Health::Broken)).await;
    }
}

#[tokio::test]
async fn an_account_or_an_instance_of_another_kind_is_a_warning() {
    let account = ["instance_kind warn account_instance", "permission_sets skipped"];
    holds(("account-instance", &account, 7, Health::Degraded)).await;
    let member = ["instance_kind warn not_delegated_admin", "permission_sets skipped"];
    holds(("member-account", &member, 10, Health::Degraded)).await;
    holds(("delegated-administrator", &[], 13, Health::Healthy)).await;
}

#[tokio::test]
async fn a_missing_permission_is_named() {
    let list = ["instance_visible fail permission_missing"];
    let list = then(&list, &AFTER_VISIBLE);
    let describe = ["instance_active fail permission_missing", "permission_sets skipped"];
    let rows: [(&str, &str, &[&str], u64); 4] = [
        ("sso:ListInstances", "instance_visible", &list, 6),
        ("sso:DescribeInstance", "instance_active", &describe, 13),
        ("sso:ListPermissionSets", "permission_sets", &["permission_sets fail permission_missing"], 10),
        ("organizations:DescribeOrganization", "instance_kind", &["instance_kind fail permission_missing"], 13),
    ];
    for (action, id, expected, calls) in rows {
        let scenario = format!("missing-{}", action.replace(':', "-"));
        holds((&scenario, expected, calls, Health::Broken)).await;
        let (_, report) = tested(&scenario).await;
        let found = check(&report, id);
        assert_eq!(found["details"]["action"], action);
        assert!(found["message"].as_str().unwrap().contains(&format!("`{action}`")));
        let statement = format!("\"Action\": \"{action}\"");
        assert!(found["remediation"].as_str().unwrap().contains(&statement), "{found}");
    }
}

#[tokio::test]
async fn a_key_that_cannot_be_used_is_named_by_its_reason() {
    for (scenario, code, health) in [
        ("kms-denied", "kms_denied", Health::Broken),
        ("kms-denied-by-name", "kms_denied", Health::Broken),
        ("kms-disabled", "kms_disabled", Health::Broken),
        ("kms-invalid-state", "kms_invalid_state", Health::Broken),
        ("kms-invalid-key-usage", "kms_invalid_key_usage", Health::Broken),
        ("kms-not-found", "kms_not_found", Health::Broken),
    ] {
        let expected = [format!("instance_active fail {code}"), "permission_sets skipped".to_owned()];
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        holds((scenario, &expected, 10, health)).await;
    }
    let throttled = ["instance_active unavailable kms_throttled", "permission_sets skipped"];
    holds(("kms-throttled", &throttled, 10, None)).await;
    // The previous key is still used, so everything else works.
    let failed = ["instance_active fail kms_update_failed", "permission_sets skipped"];
    holds(("kms-update-failed", &failed, 13, Health::Broken)).await;
    let (_, report) = tested("kms-update-failed").await;
    let message = check(&report, "instance_active")["message"].as_str().unwrap();
    assert!(message.contains("AWS says: The KMS key policy"), "{message}");
}

#[tokio::test]
async fn what_aws_refuses_for_a_reason_of_its_own_is_told_by_its_code() {
    let refused = ["instance_visible fail aws_refused"];
    holds(("refused", &then(&refused, &AFTER_VISIBLE), 6, Health::Broken)).await;
    let (_, report) = tested("refused").await;
    assert!(check(&report, "instance_visible")["message"].as_str().unwrap().contains("`OptInRequired`"));
    let failed = ["assume_role fail assume_role_failed", "external_id_enforced skipped", "account_match skipped"];
    holds(("sts-refused", &then(&failed, &AFTER_ACCOUNT), 3, Health::Broken)).await;
    let (_, report) = tested("sts-refused").await;
    let found = check(&report, "assume_role");
    assert!(found["message"].as_str().unwrap().contains("`RegionDisabledException`"));
    // The region is the platform's.
    assert!(found["remediation"].as_str().unwrap().contains("activate `us-east-1`"), "{found}");
}

#[tokio::test]
async fn a_network_that_is_kept_out_is_told_from_a_missing_permission() {
    let active = ["instance_active fail network_restricted", "permission_sets skipped"];
    holds(("network-restricted", &active, 10, Health::Broken)).await;
    let visible = ["instance_visible fail network_restricted"];
    holds(("network-restricted-scp", &then(&visible, &AFTER_VISIBLE), 6, Health::Broken)).await;
}

#[tokio::test]
async fn aws_that_does_not_answer_breaks_nothing_that_is_known() {
    for (scenario, code) in [
        ("throttled", "aws_throttled"),
        ("internal-failure", "aws_unavailable"),
        ("unreachable", "aws_unreachable"),
        ("proxy", "platform_fault"),
        ("clock-skewed", "platform_fault"),
    ] {
        let expected = [format!("instance_visible unavailable {code}")];
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        holds((scenario, &then(&expected, &AFTER_VISIBLE), 6, None)).await;
    }
    for scenario in ["sts-throttled", "sts-internal-failure", "sts-unreachable"] {
        let denied =
            ["assume_role unavailable sts_unreachable", "external_id_enforced skipped", "account_match skipped"];
        holds((scenario, &then(&denied, &AFTER_ACCOUNT), 3, None)).await;
    }
}

/// Tests the platform's own faults: STS is not reached through a proxy, or does not accept the platform's clock.
#[tokio::test]
async fn a_fault_of_the_platform_is_not_the_customers() {
    for scenario in ["sts-proxy", "sts-clock-skewed"] {
        let denied =
            ["assume_role unavailable platform_fault", "external_id_enforced skipped", "account_match skipped"];
        holds((scenario, &then(&denied, &AFTER_ACCOUNT), 3, None)).await;
        let (_, report) = tested(scenario).await;
        let found = check(&report, "assume_role");
        assert_eq!((&found["details"]["acts"], &found["fields"]), (&json!("platform"), &json!([])), "{found}");
        assert!(report.body["message"].as_str().unwrap().starts_with("The connection could not be tested"));
    }
}

/// Tests regions: a replica, a region that is not enabled, a policy that denies the region, an instance that is new.
#[tokio::test]
async fn regions_are_told_apart() {
    let wrong = ["instance_visible fail wrong_region"];
    let wrong = then(&wrong, &AFTER_VISIBLE);
    holds(("replicated-instance", &wrong, 6, Health::Broken)).await;
    let (_, report) = tested("replicated-instance").await;
    assert_eq!(check(&report, "instance_visible")["details"]["region"], "eu-west-1");

    holds(("region-not-enabled", &wrong, 7, Health::Broken)).await;
    let (customer, report) = tested("region-not-enabled").await;
    let mut there = config("arn:aws:iam::123456789012:role/scenario/region-not-enabled");
    there["region"] = check(&report, "instance_visible")["details"]["region"].clone();
    let _ = customer.put(CONFIG, &there).await.expect(200);
    let report = post(&customer, TEST).await.expect(200);
    let found = check(&report, "instance_visible");
    assert_eq!(
        (&found["code"], &found["fields"]),
        (&json!("region_not_enabled"), &json!(["region"])),
        "{}",
        report.text
    );
    let advice = found["remediation"].as_str().unwrap();
    assert!(advice.contains("`af-south-1`") && advice.contains("enable the region"), "{advice}");

    let new = ["instance_visible fail instance_not_visible"];
    holds(("instance-new", &then(&new, &AFTER_VISIBLE), 7, Health::Degraded)).await;
    let denied = ["instance_visible fail network_restricted"];
    holds(("region-denied-scp", &then(&denied, &AFTER_VISIBLE), 6, Health::Broken)).await;
    let (_, report) = tested("region-denied-scp").await;
    let advice = check(&report, "instance_visible")["remediation"].as_str().unwrap();
    assert!(advice.contains(POLICY_ARN) && advice.contains("aws:RequestedRegion"), "{advice}");
}

/// Tests the actions that only a reading needs.
#[tokio::test]
async fn what_a_reading_lacks_is_a_warning_of_the_test() {
    for action in [
        "organizations:ListAccounts",
        "sso:DescribePermissionSet",
        "sso:ListAccountsForProvisionedPermissionSet",
        "sso:ListAccountAssignments",
    ] {
        let (_, report) = tested(&format!("missing-{}", action.replace(':', "-"))).await;
        assert_eq!(not_passed(&report), ["permission_sets warn permission_missing"], "{}", report.text);
        assert_eq!(check(&report, "permission_sets")["details"]["action"], action);
    }
    // Only the test asks for this one.
    let (_, report) = tested("missing-organizations-ListDelegatedAdministrators").await;
    assert_eq!(not_passed(&report), ["instance_kind warn permission_missing"], "{}", report.text);
    let message = check(&report, "instance_kind")["message"].as_str().unwrap();
    assert!(message.contains("Only this test asks for it") && !message.contains("/v1/aws/sync"), "{message}");
}

#[tokio::test]
async fn aws_that_is_slow_is_waited_for_and_not_for_ever() {
    holds(("throttled-twice", &[], 13, Health::Healthy)).await;
    holds(("sts-throttled-twice", &[], 13, Health::Healthy)).await;
    holds(("sts-slow", &[], 13, Health::Healthy)).await;
    holds(("slow", &[], 13, Health::Healthy)).await;
    let late = ["instance_visible unavailable aws_unreachable"];
    holds(("slow-20", &then(&late, &AFTER_VISIBLE), 6, None)).await;
    let late = ["assume_role unavailable sts_unreachable", "external_id_enforced skipped", "account_match skipped"];
    holds(("sts-slow-20", &then(&late, &AFTER_ACCOUNT), 3, None)).await;
}

#[tokio::test]
async fn what_was_seen_before_outlives_a_test_that_aws_did_not_answer() {
    let (customer, _) = super::connected().await;
    organization().trust_external_id(&customer.external_id);
    let _ = post(&customer, TEST).await.expect(200);
    // The state after AWS became unavailable for the saved role.
    let (table, tenant) = (table(world()), TenantId::parse(&customer.tenant).unwrap());
    let before = read::<Connection>(&table, &part(tenant).connection()).await;
    let mut away = before.value.clone();
    away.settings.role_arn = RoleArn::parse(&"sts-unreachable".parse::<Scenario>().unwrap().role_arn()).ok();
    write(&table, tenant, Writes::new().replace(&before, &away)).await;
    let report = post(&customer, TEST).await.expect(200);
    assert_eq!(report.body["success"], false);
    let kept = read::<Connection>(&table, &part(tenant).connection()).await.value;
    assert_eq!((&kept.instance, kept.health), (&before.value.instance, Some(Health::Healthy)));
    assert_eq!(kept.last_verified_at, before.value.last_verified_at);
    assert!(report.header("retry-after").is_some());
    // It is stored as the last report, with the outcome of the one before.
    let answered = &report.body["last_answered"];
    assert_eq!((&answered["success"], &answered["config_version"]), (&json!(true), &json!(1)), "{}", report.text);
    let again = post(&customer, TEST).await.expect(200);
    assert_eq!(&again.body["last_answered"], answered);
    let report = again;
    assert_eq!(customer.get(TEST).await.expect(200).body, report.body);
    assert!(kept.instance.is_some());
}
