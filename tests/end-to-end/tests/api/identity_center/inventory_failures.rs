//! Tests of readings that fail or wait: each names its reason, and leaves what was shown before.

use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use trustplane_organization::{MANAGEMENT_ACCOUNT, MEMBER_ACCOUNT, Scenario};

use super::inventory::{ACCOUNTS, ASSIGNMENTS, SETS, SYNC, later, read_through, settled_later};
use super::{CONFIG, config, post};

#[tokio::test]
async fn a_reading_that_aws_denies_is_given_up_and_says_so() {
    for (scenario, action) in [
        ("member-account", "organizations:ListAccounts"),
        ("no-trust", "sts:AssumeRole"),
        ("missing-sso-ListAccountAssignments", "sso:ListAccountAssignments"),
        ("missing-sso-DescribePermissionSet", "sso:DescribePermissionSet"),
        ("permission-lost", "sso:ListAccountAssignments"),
    ] {
        let customer = later().customer().await;
        later().stack().organization().trust_external_id(&customer.external_id);
        let role = scenario.parse::<Scenario>().unwrap().role_arn();
        let _ = customer.put(CONFIG, &config(&role)).await.expect(200);
        let _ = post(&customer, SYNC).await.expect(202);
        // A role that was just saved is given some minutes.
        let shown = settled_later(&customer).await;
        assert_eq!(shown.body["sync_status"], "failed", "{scenario}");
        let failure = &shown.body["sync_failure"];
        assert_eq!((&failure["code"], &failure["action"]), (&json!("denied"), &json!(action)), "{scenario}");
        let message = failure["message"].as_str().unwrap();
        assert!(message.contains(if action.starts_with("sts:") { "STS" } else { action }), "{message}");
        let is_of_organization = action.starts_with("organizations:");
        assert_eq!(message.contains("only the organization's management account"), is_of_organization, "{message}");
        // A new sync can be requested.
        assert_eq!(post(&customer, SYNC).await.expect(202).body["status"], "running");
        assert_eq!(customer.get(SETS).await.expect(200).body["sync_failure"], Value::Null);
    }
}

#[tokio::test]
async fn a_reading_that_cannot_go_on_names_its_reason_and_shows_nothing_of_it() {
    for (scenario, code, word) in [
        ("kms-gone-midway", "kms", "KMS"),
        ("kms-denied-by-name", "kms", "kms:Decrypt"),
        ("token-repeats", "page_token", "page token"),
        ("region-denied-scp", "denied", "service control policy"),
        ("account-mismatch", "account_mismatch", "111122223333"),
        ("refused", "refused", "OptInRequired"),
        ("account-instance", "account_instance", "An account instance serves applications"),
        ("wrong-region", "wrong_region", "`eu-west-1`"),
        ("replicated-instance", "wrong_region", "`eu-west-1`"),
        ("region-not-enabled", "wrong_region", "`af-south-1`"),
        ("instance-deleted", "instance_gone", "compare `Instance ARN`"),
        ("instance-deleting", "instance_not_active", "has to be made anew"),
    ] {
        let (customer, shown) = read_through(later(), scenario).await;
        let failure = &shown.body["sync_failure"];
        assert_eq!(
            (&shown.body["sync_status"], &failure["code"]),
            (&json!("failed"), &json!(code)),
            "{scenario}: {}",
            shown.text
        );
        assert!(failure["message"].as_str().unwrap().contains(word), "{scenario}: {failure}");
        assert_eq!((&shown.body["data"], &shown.body["last_synced_at"]), (&json!([]), &Value::Null), "{scenario}");
        assert_eq!(customer.get(ASSIGNMENTS).await.expect(200).body["data"], json!([]), "{scenario}");
    }
}

/// Tests a reading that waits: it says for what, and until when.
#[tokio::test]
async fn a_reading_that_waits_says_why() {
    for (scenario, reason) in
        [("instance-new", "instance_not_visible"), ("clock-skewed", "platform_fault"), ("sets-vanish", "contradiction")]
    {
        let customer = later().customer().await;
        later().stack().organization().trust_external_id(&customer.external_id);
        let role = scenario.parse::<Scenario>().unwrap().role_arn();
        let _ = customer.put(CONFIG, &config(&role)).await.expect(200);
        let _ = post(&customer, SYNC).await.expect(202);
        let mut waiting = Value::Null;
        for _ in 0..50 {
            let now = (OffsetDateTime::now_utc() + Duration::minutes(5)).format(&Rfc3339).unwrap();
            let _ = later().invoke("sync-organizations", &json!({"time": now})).await.unwrap();
            let shown = customer.get(ACCOUNTS).await.expect(200);
            assert_eq!(shown.body["sync_status"], "running", "{scenario}: {}", shown.text);
            waiting = shown.body["progress"].clone();
            if !waiting["waiting_for"].is_null() {
                break;
            }
        }
        assert_eq!(waiting["waiting_for"], reason, "{scenario}");
        assert!(waiting["waiting_until"].is_string(), "{waiting}");
    }
}

#[tokio::test]
async fn an_account_that_is_denied_is_named_and_the_others_are_read() {
    let (customer, shown) = read_through(later(), "account-denied").await;
    assert_eq!(shown.body["sync_status"], "done", "{}", shown.text);
    let assignments = customer.get(ASSIGNMENTS).await.expect(200);
    let rows = assignments.body["data"].as_array().unwrap();
    let denied: Vec<&Value> = rows.iter().filter(|row| row["unreadable"] == "denied").collect();
    assert!(!denied.is_empty() && denied.len() < rows.len(), "{}", assignments.text);
    assert!(denied.iter().all(|row| row["account_id"] == MEMBER_ACCOUNT), "{}", assignments.text);
    // The first denial is tried through a new session; the others are believed.
    let calls = later().stack().organization().calls();
    let is_own = |id: Option<&str>| id == Some(customer.external_id.as_str());
    let opened =
        calls.iter().filter(|call| call.operation == "AssumeRole" && is_own(call.external_id.as_deref())).count();
    assert!(denied.len() > 3 && opened <= 3, "{} {opened}", denied.len());
}

/// Tests a reading that fails after another one: that stays, with its age and the reason for which it is old.
#[tokio::test]
async fn what_was_read_before_stays_where_a_reading_fails() {
    let customer = later().customer().await;
    let organization = later().stack().organization();
    let role = format!("arn:aws:iam::{MANAGEMENT_ACCOUNT}:role/own/{}", customer.tenant);
    organization.trust_role(&role, &[&customer.external_id]);
    let _ = customer.put(CONFIG, &config(&role)).await.expect(200);
    let _ = post(&customer, SYNC).await.expect(202);
    let first = settled_later(&customer).await;
    let before = customer.get(ASSIGNMENTS).await.expect(200);
    organization.permit_role(&role, &["organizations:ListAccounts", "sso:ListPermissionSets"]);
    let _ = post(&customer, SYNC).await.expect(202);
    let after = settled_later(&customer).await;
    assert_eq!((&after.body["sync_status"], &after.body["sync_failure"]["code"]), (&json!("failed"), &json!("denied")));
    assert_eq!(
        (&after.body["data"], &after.body["last_synced_at"]),
        (&first.body["data"], &first.body["last_synced_at"])
    );
    assert_eq!(customer.get(ASSIGNMENTS).await.expect(200).body["data"], before.body["data"]);
}
