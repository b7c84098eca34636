//! Tests of the role that a customer deploys: its permissions suffice, and are minimal.

use serde_json::{Value, json};
use trustplane_end_to_end::{Customer, Reply, world};
use trustplane_local::Options;
use trustplane_organization::{INSTANCE_ARN, MANAGEMENT_ACCOUNT, MEMBER_ACCOUNT};

use super::{BASE, CONFIG, TEST, check, config, organization, outcomes, post};
use crate::table::own_world;

fn path() -> String {
    format!("{BASE}/bootstrap-template")
}

fn wanted() -> Value {
    json!({"aws_account_id": MANAGEMENT_ACCOUNT, "sso_instance_arn": INSTANCE_ARN, "region": "us-east-1"})
}

async fn template(customer: &Customer) -> Reply {
    customer.post(&path(), &wanted()).await.expect(200)
}

/// Deploys the template with the customer's own role name.
fn deployed(customer: &Customer, template: &Reply) -> String {
    let yaml = template.body["cloudformation_yaml"].as_str().unwrap();
    let name = format!("Role-{}", customer.tenant);
    organization().deploy_cloudformation_in(MANAGEMENT_ACCOUNT, &[("RoleName", &name)], yaml).unwrap()
}

#[tokio::test]
async fn what_is_deployed_passes_the_test_with_exactly_its_permissions() {
    let customer = world().customer().await;
    let made = template(&customer).await;
    let cost = customer.cost(&made).await;
    assert_eq!((cost.dynamodb_calls, cost.dynamodb_round_trips, cost.aws_calls), (1, 1, 0));
    assert_eq!(made.body["external_ids"], json!([customer.external_id]));
    for text in ["cloudformation_yaml", "terraform_hcl", "launch_stack_url"] {
        assert!(made.body[text].as_str().unwrap().contains(&customer.external_id), "{text}");
    }
    let link = made.body["launch_stack_url"].as_str().unwrap();
    assert!(link.contains("?templateURL=https%3A%2F%2F") && link.contains(".s3."), "{link}");

    assert_eq!(made.body["update_command"], Value::Null);
    // Another account refuses it.
    let yaml = made.body["cloudformation_yaml"].as_str().unwrap();
    let refused = organization().deploy_cloudformation_in(MEMBER_ACCOUNT, &[], yaml).unwrap_err().to_string();
    assert!(refused.contains("signed in to another account"), "{refused}");

    let role = deployed(&customer, &made);
    let _ = customer.put(CONFIG, &config(&role)).await.expect(200);
    let report = post(&customer, TEST).await.expect(200);
    assert!(outcomes(&report).iter().all(|outcome| outcome.ends_with(" pass")), "{}", report.text);

    // The stack exists now: it is updated, and no link makes another of its name.
    let again = template(&customer).await;
    assert_eq!(again.body["launch_stack_url"], Value::Null);
    let command = again.body["update_command"].as_str().unwrap();
    assert!(
        command.contains(&format!("ParameterKey=ExternalIds,ParameterValue={}", customer.external_id)),
        "{command}"
    );
    // In another account there is none yet.
    let mut elsewhere = wanted();
    elsewhere["aws_account_id"] = json!(MEMBER_ACCOUNT);
    let elsewhere = customer.post(&path(), &elsewhere).await.expect(200);
    assert!(elsewhere.body["launch_stack_url"].is_string() && elsewhere.body["update_command"].is_null());
}

/// Tests what some organizations demand: a path, a permissions boundary, and a key of their own that encrypts the instance.
#[tokio::test]
async fn a_path_a_boundary_and_a_key_are_parameters() {
    const KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/5c1d7a42-9f0b-4e6a-8c3d-1b2a3f4e5d6c";
    let world = own_world(Options::default());
    let organization = world.stack().organization();
    organization.encrypt_instance(KEY);
    let customer = world.customer().await;
    let made = template(&customer).await;
    let yaml = made.body["cloudformation_yaml"].as_str().unwrap();
    let demanded = [
        ("RolePath", "/teams/access/"),
        ("PermissionsBoundaryArn", "arn:aws:iam::123456789012:policy/Boundary"),
        ("KmsKeyArn", KEY),
    ];
    // Without the key's ARN the role may not use it.
    let without = organization.deploy_cloudformation_in(MANAGEMENT_ACCOUNT, &demanded[..2], yaml).unwrap();
    assert_eq!(without, format!("arn:aws:iam::{MANAGEMENT_ACCOUNT}:role/teams/access/TrustplaneIdentityCenterRole"));
    let _ = customer.put(CONFIG, &config(&without)).await.expect(200);
    let report = post(&customer, TEST).await.expect(200);
    assert_eq!(check(&report, "instance_active")["code"], "kms_denied", "{}", report.text);
    let with = organization.deploy_cloudformation_in(MANAGEMENT_ACCOUNT, &demanded, yaml).unwrap();
    assert_eq!(with, without);
    let report = post(&customer, TEST).await.expect(200);
    assert!(outcomes(&report).iter().all(|outcome| outcome.ends_with(" pass")), "{}", report.text);
    // A boundary that is no policy is refused.
    let wrong = [("PermissionsBoundaryArn", "arn:aws:iam::123456789012:role/Boundary")];
    let refused = organization.deploy_cloudformation_in(MANAGEMENT_ACCOUNT, &wrong, yaml).unwrap_err().to_string();
    assert!(refused.contains("PermissionsBoundary"), "{refused}");
}

#[tokio::test]
async fn while_rotating_the_role_trusts_both() {
    let customer = world().customer().await;
    let rotated = post(&customer, &format!("{BASE}/external-id/rotate")).await.expect(200);
    let made = template(&customer).await;
    assert_eq!(made.body["external_ids"], json!([customer.external_id, rotated.body["external_id_pending"]]));
    assert_eq!(made.body["launch_stack_url"], Value::Null);
    let command = made.body["update_command"].as_str().unwrap();
    assert!(command.starts_with("aws cloudformation update-stack "), "{command}");
    let role = deployed(&customer, &made);
    let _ = customer.put(CONFIG, &config(&role)).await.expect(200);
    let report = post(&customer, TEST).await.expect(200);
    assert_eq!(report.body["message"], "The connection works.", "{}", report.text);
    let _ = post(&customer, &format!("{BASE}/external-id/commit")).await.expect(200);
    assert_eq!(post(&customer, TEST).await.expect(200).body["success"], true);
}

#[tokio::test]
async fn every_wrong_field_is_named_at_once() {
    let customer = world().customer().await;
    let wrong = json!({"aws_account_id": "12345678901", "sso_instance_arn": 1});
    let refused = customer.post(&path(), &wrong).await.refused(400, "invalid_request");
    let fields: Vec<&String> = refused.body["details"].as_object().unwrap().keys().collect();
    assert_eq!(fields, ["aws_account_id", "region", "sso_instance_arn"]);
    for (field, value) in [("aws_account_id", "000000000000"), ("region", "cn-north-1")] {
        let mut wrong = wanted();
        wrong[field] = json!(value);
        let refused = customer.post(&path(), &wrong).await.refused(400, "invalid_request");
        assert!(!refused.body["details"].as_object().unwrap().is_empty(), "{}", refused.text);
    }
    // An instance of another partition than the deployment's.
    let china = json!({
        "aws_account_id": MANAGEMENT_ACCOUNT,
        "sso_instance_arn": INSTANCE_ARN.replace("arn:aws:", "arn:aws-cn:"),
        "region": "cn-north-1",
    });
    let refused = customer.post(&path(), &china).await.refused(400, "invalid_request");
    assert!(refused.body["details"]["region"].as_str().unwrap().contains("partition"), "{}", refused.text);
    // What was pasted is named.
    let mut pasted = wanted();
    pasted["aws_account_id"] = json!("1234-5678-9012");
    pasted["region"] = json!("us-east-1a");
    let refused = customer.post(&path(), &pasted).await.refused(400, "invalid_request");
    assert!(refused.body["details"]["aws_account_id"].as_str().unwrap().contains("`123456789012`"), "{}", refused.text);
    assert!(refused.body["details"]["region"].as_str().unwrap().contains("availability zone"), "{}", refused.text);
}
