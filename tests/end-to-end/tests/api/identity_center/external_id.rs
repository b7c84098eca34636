//! Tests of the ExternalId and its rotation: access works during all steps.

use serde_json::{Value, json};
use trustplane_domain::ids::TenantId;
use trustplane_end_to_end::{Customer, Reply, world};

use super::{CONFIG, EXTERNAL_ID, TEST, check, config, connected, organization, post};
use crate::identity_source::ASSOCIATIONS;
use crate::table::{audit_records, table};

const ROTATE: &str = "/v1/integrations/aws-identity-center/external-id/rotate";
const COMMIT: &str = "/v1/integrations/aws-identity-center/external-id/commit";
const CANCEL: &str = "/v1/integrations/aws-identity-center/external-id/cancel";

/// Returns the current and the pending ExternalId.
fn ids(reply: &Reply) -> (String, Option<String>) {
    let text = |field: &str| reply.body[field].as_str().map(str::to_owned);
    (text("external_id").unwrap(), text("external_id_pending"))
}

/// Tests the connection while the store is unknown, and expects success.
async fn comes_in(customer: &Customer) -> Reply {
    let report = post(customer, TEST).await.expect(200);
    assert_eq!(report.body["success"], true, "{}", report.text);
    report
}

#[tokio::test]
async fn the_external_id_is_made_by_the_service_for_each_tenant() {
    let (one, other) = (world().customer().await, world().customer().await);
    let shown = one.get(EXTERNAL_ID).await.expect(200);
    assert_eq!(shown.body, json!({"external_id": one.external_id, "external_id_pending": null}));
    assert_ne!(one.external_id, other.external_id);
    let cost = one.cost(&shown).await;
    assert_eq!((cost.dynamodb_calls, cost.dynamodb_round_trips, cost.aws_calls), (1, 1, 0));
    // ExternalIds in the request are ignored.
    let wanted = json!({"external_id": other.external_id, "external_id_pending": other.external_id});
    let rotated = one.post(ROTATE, &wanted).await.expect(200);
    assert!(!rotated.text.contains(&other.external_id), "{}", rotated.text);
}

#[tokio::test]
async fn a_rotation_locks_a_correct_customer_out_at_no_moment() {
    let (customer, role) = connected().await;
    let old = customer.external_id.clone();
    let _ = comes_in(&customer).await;

    let rotated = post(&customer, ROTATE).await.expect(200);
    let cost = customer.cost(&rotated).await;
    assert_eq!((cost.dynamodb_calls, cost.dynamodb_round_trips, cost.aws_calls), (2, 2, 0));
    let (current, Some(new)) = ids(&rotated) else { panic!("{}", rotated.text) };
    assert!(current == old && new != old);
    let _ = post(&customer, ROTATE).await.refused(409, "rotation_in_progress");

    // The role still trusts the old ExternalId.
    let report = comes_in(&customer).await;
    assert_eq!(check(&report, "assume_role")["code"], "pending_external_id_not_trusted");
    assert!(check(&report, "assume_role")["remediation"].as_str().unwrap().contains(&new));
    let refused = post(&customer, COMMIT).await.refused(409, "external_id_not_trusted");
    assert!(refused.body["message"].as_str().unwrap().contains(&new), "{}", refused.text);
    assert_eq!(ids(&customer.get(EXTERNAL_ID).await), (old.clone(), Some(new.clone())));

    // It trusts both.
    organization().trust_role(&role, &[&old, &new]);
    let report = comes_in(&customer).await;
    assert_eq!(check(&report, "assume_role")["status"], "pass");

    // It trusts only the new one, before the commit.
    organization().trust_role(&role, &[&new]);
    let report = comes_in(&customer).await;
    assert_eq!(check(&report, "assume_role")["code"], "current_external_id_not_trusted");
    forget_facts(&customer, &role).await;
    let _ = customer.get(ASSOCIATIONS).await.expect(200);

    let committed = post(&customer, COMMIT).await.expect(200);
    assert_eq!(ids(&committed), (new.clone(), None));
    let cost = customer.cost(&committed).await;
    assert_eq!((cost.dynamodb_calls, cost.dynamodb_round_trips, cost.aws_calls), (3, 3, 1));
    let report = comes_in(&customer).await;
    assert_eq!(check(&report, "assume_role")["status"], "pass");
    forget_facts(&customer, &role).await;
    let _ = customer.get(ASSOCIATIONS).await.expect(200);
    let _ = post(&customer, COMMIT).await.refused(409, "no_rotation");

    // The previous trust policy is still in effect somewhere in AWS, or was deployed again.
    organization().trust_role(&role, &[&old]);
    let report = comes_in(&customer).await;
    assert_eq!(check(&report, "assume_role")["code"], "current_external_id_not_trusted");
    let advice = check(&report, "assume_role")["remediation"].as_str().unwrap();
    assert!(advice.contains(&new) && !advice.contains(&old), "{advice}");
    forget_facts(&customer, &role).await;
    let _ = customer.get(ASSOCIATIONS).await.expect(200);
    organization().trust_role(&role, &[&new]);
    assert_eq!(check(&comes_in(&customer).await, "assume_role")["status"], "pass");

    let tenant = TenantId::parse(&customer.tenant).unwrap();
    let records = audit_records(&table(world()), tenant, "commit-external-id-rotation").await;
    assert_eq!(records.len(), 1);
    assert_eq!(
        (&records[0]["resource_type"], &records[0]["after"]["external_id"]),
        (&json!("external-id"), &json!(new))
    );
}

/// Makes the connection forget its facts: saves another region, and then the right one again.
async fn forget_facts(customer: &Customer, role: &str) {
    let mut elsewhere = config(role);
    elsewhere["region"] = json!("eu-west-1");
    let _ = customer.put(CONFIG, &elsewhere).await.expect(200);
    let _ = customer.put(CONFIG, &config(role)).await.expect(200);
}

#[tokio::test]
async fn a_rotation_can_be_given_up() {
    let (customer, role) = connected().await;
    let nothing = post(&customer, CANCEL).await.expect(200);
    assert_eq!(customer.cost(&nothing).await.dynamodb_calls, 1);
    let (_, Some(first)) = ids(&post(&customer, ROTATE).await.expect(200)) else { panic!() };
    organization().trust_role(&role, &[&customer.external_id, &first]);
    let cancelled = post(&customer, CANCEL).await.expect(200);
    assert_eq!(ids(&cancelled), (customer.external_id.clone(), None));
    let cost = customer.cost(&cancelled).await;
    assert_eq!((cost.dynamodb_calls, cost.dynamodb_round_trips, cost.aws_calls), (2, 2, 0));
    let _ = post(&customer, COMMIT).await.refused(409, "no_rotation");
    let _ = comes_in(&customer).await;
    let (_, Some(second)) = ids(&post(&customer, ROTATE).await.expect(200)) else { panic!() };
    assert_ne!(first, second);
}

#[tokio::test]
async fn if_match_names_the_version_of_the_external_ids() {
    let customer = world().customer().await;
    let shown = customer.get(EXTERNAL_ID).await.expect(200);
    let tag = shown.header("etag").unwrap();
    let rotate = |tag: &str| customer.send(customer.request("POST", ROTATE).header("if-match", tag));
    let _ = rotate("\"999\"").await.refused(412, "precondition_failed");
    let rotated = rotate(tag).await.expect(200);
    assert_ne!(rotated.header("etag"), Some(tag));
    let _ = rotate(tag).await.refused(412, "precondition_failed");
    // A request that only reads has no precondition.
    let _ = customer.send(customer.request("GET", EXTERNAL_ID).header("if-match", tag)).await.expect(200);
}

#[tokio::test]
async fn a_commit_needs_a_role_and_sts() {
    let customer = world().customer().await;
    let rotated = post(&customer, ROTATE).await.expect(200);
    let _ = post(&customer, COMMIT).await.refused(409, "not_configured");
    for (scenario, status, code) in [("sts-unreachable", 502, "aws_unreachable"), ("sts-throttled", 503, "unavailable")]
    {
        let role = format!("arn:aws:iam::123456789012:role/scenario/{scenario}");
        let _ = customer.put(CONFIG, &config(&role)).await.expect(200);
        let refused = post(&customer, COMMIT).await.refused(status, code);
        assert_eq!(refused.header("retry-after"), Some("5"), "{scenario}");
        assert!(refused.text.contains("AWS"), "{}", refused.text);
    }
    assert_eq!(ids(&customer.get(EXTERNAL_ID).await), ids(&rotated));
}

#[tokio::test]
async fn a_retried_rotation_is_not_a_second_one() {
    let (customer, _) = connected().await;
    let send = || customer.send(customer.request("POST", ROTATE).header("idempotency-key", "once"));
    let (first, again) = (send().await.expect(200), send().await.expect(200));
    assert_eq!(first.body, again.body);
    assert_ne!(first.body["external_id_pending"], Value::Null);
}

/// Returns the whole report, with the role's name replaced.
fn but_for_the_role(report: &Reply, role: &str) -> Value {
    let mut body = report.body.clone();
    for field in ["checked_at", "duration_ms", "config_version", "history", "last_answered", "last_verified_at"] {
        body[field] = Value::Null;
    }
    for check in body["checks"].as_array_mut().unwrap() {
        check["aws_request_id"] = Value::Null;
    }
    let name = role.rsplit('/').next().unwrap();
    // The longer name contains the shorter one.
    serde_json::from_str(&body.to_string().replace(role, "ROLE").replace(name, "NAME")).unwrap()
}

#[tokio::test]
async fn a_role_is_told_to_be_another_tenants_only_to_whom_it_lets_in() {
    let (first, role) = connected().await;
    let report = comes_in(&first).await;
    assert_eq!(check(&report, "assume_role")["status"], "pass");

    // A stranger who only knows the ARN learns nothing about the role.
    let second = world().customer().await;
    let _ = second.put(CONFIG, &config(&role)).await.expect(200);
    let probing = post(&second, TEST).await.expect(200);
    let nothing_there = format!("{role}-nothing");
    let _ = second.put(CONFIG, &config(&nothing_there)).await.expect(200);
    let of_none = post(&second, TEST).await.expect(200);
    assert_eq!(but_for_the_role(&probing, &role), but_for_the_role(&of_none, &nothing_there));
    assert_eq!(check(&probing, "assume_role")["code"], "assume_role_denied");
    // The same calls are made in both cases, so the duration reveals nothing either.
    let (probing, of_none) = (second.cost(&probing).await, second.cost(&of_none).await);
    assert_eq!((probing.aws_calls, of_none.aws_calls), (3, 3));
    assert_eq!(probing.dynamodb_calls, of_none.dynamodb_calls);
    assert_eq!(probing.dynamodb_round_trips, of_none.dynamodb_round_trips);

    // A tenant that the role's owner trusts is told.
    organization().trust_role(&role, &[&first.external_id, &second.external_id]);
    let _ = second.put(CONFIG, &config(&role)).await.expect(200);
    let report = comes_in(&second).await;
    assert_eq!(check(&report, "assume_role")["code"], "role_shared");
    assert!(!report.text.contains(&first.external_id));
    let of_first = comes_in(&first).await;
    assert_eq!(check(&of_first, "assume_role")["status"], "pass");

    // It is free again after the first tenant has left it.
    let _ = first.delete(CONFIG).await.expect(204);
    let report = comes_in(&second).await;
    assert_eq!(check(&report, "assume_role")["status"], "pass");
}
