//! Tests of `check-deployment`, and of the parameters of a deployment.

use serde_json::{Value, json};
use trustplane_end_to_end::{World, world};
use trustplane_local::Options;
use trustplane_local::binaries::workspace;
use trustplane_local::template::Template;
use trustplane_organization::{INSTANCE_ARN, KeyState, MANAGEMENT_ACCOUNT};

use crate::table::own_world;

/// Starts a stack whose functions have other variables than those of the template.
fn world_with(variables: &[(&str, &str)]) -> &'static World {
    let environment = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    own_world(Options { environment, ..Options::default() })
}

async fn check(world: &World) -> Value {
    world.invoke("check-deployment", &json!({})).await.unwrap()
}

/// Returns the checks that failed, each with what was found.
fn failed(report: &Value) -> Vec<(String, String)> {
    let checks = report["checks"].as_array().unwrap();
    for check in checks {
        assert_eq!(check["status"] == "pass", check.get("fix").is_none(), "{check}");
    }
    let failed: Vec<_> = checks
        .iter()
        .filter(|check| check["status"] == "fail")
        .map(|check| (check["name"].as_str().unwrap().to_owned(), check["found"].as_str().unwrap().to_owned()))
        .collect();
    assert_eq!(report["ok"], failed.is_empty(), "{report}");
    failed
}

#[tokio::test]
async fn a_deployment_without_faults_passes() {
    let outcome = world().stack().invoke("check-deployment", &json!({})).await.unwrap();
    let report: Value = serde_json::from_slice(&outcome.payload).unwrap();
    assert_eq!(failed(&report), []);
    let names: Vec<&str> =
        report["checks"].as_array().unwrap().iter().map(|check| check["name"].as_str().unwrap()).collect();
    for name in [
        "table",
        "due_list",
        "stream",
        "expiry",
        "backups",
        "key",
        "mac_key",
        "signing_key",
        "bus",
        "archive",
        "dead_letters",
        "audit_dead_letters",
        "parameters",
        "version",
    ] {
        assert!(names.contains(&name), "{name} in {names:?}");
    }
    // Three descriptions of the table; three keys, the bus, the archive and two queues.
    let cost = world().cost(&outcome.request_id).await;
    assert_eq!((cost.dynamodb_calls, cost.aws_calls), (3, 7));
    let error = world().invoke("check-deployment", &json!({"table": "x"})).await.unwrap_err();
    assert_eq!(error["errorType"], "invalid_request");
}

/// Tests that a person can read each finding and each next step, whatever is wrong.
#[tokio::test]
async fn a_report_is_in_plain_sentences() {
    let world =
        world_with(&[("AWS_ENDPOINT_URL_SQS", "http://127.0.0.1:9"), ("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")]);
    let report = check(world).await;
    let checks = report["checks"].as_array().unwrap();
    let of = |name: &str| checks.iter().find(|check| check["name"] == name).unwrap();
    // Where nothing answers.
    for name in ["archive", "dead_letters", "audit_dead_letters"] {
        assert_eq!(of(name)["status"], "fail", "{report}");
    }
    for text in checks.iter().flat_map(|check| [&check["found"], &check["fix"]]).filter_map(Value::as_str) {
        assert!(text.len() < 300 && !text.is_empty(), "{text}");
        for debug in [" { ", "Some(", "None", "Error(", "::", "\"", "Unhandled"] {
            assert!(!text.contains(debug), "`{debug}` in: {text}");
        }
    }
    // The engine of these tests does not know the operation.
    assert_eq!(
        (&of("backups")["status"], &of("backups")["found"]),
        (&json!("warn"), &json!("this endpoint does not have backups"))
    );
    assert!(of("backups")["fix"].as_str().unwrap().contains("in a local stack there is nothing to do"), "{report}");
}

#[tokio::test]
async fn a_missing_table_is_reported_as_missing() {
    let world = world_with(&[("TRUSTPLANE_TABLE", "nothing-there")]);
    let failed = failed(&check(world).await);
    assert_eq!(failed[0].0, "table");
    assert_eq!(failed[0].1, "table `nothing-there` does not exist in this account and region");
    let error = world.invoke("create-tenant", &json!({"name": "Example"})).await.unwrap_err();
    assert_eq!(error["errorType"], "internal", "not a service that is busy: {error}");
    let message = error["errorMessage"].as_str().unwrap();
    assert!(message.contains("ResourceNotFoundException") && message.contains("check-deployment"), "{message}");
}

#[tokio::test]
async fn keys_bus_and_versions_that_do_not_fit_are_reported() {
    let world = world_with(&[("TRUSTPLANE_EVENT_BUS", "nothing-there"), ("TRUSTPLANE_TEMPLATE_VERSION", "0.0.0")]);
    let keys = Template::read(&workspace().join("template.yaml")).unwrap().keys;
    let of = |spec: &str| keys.iter().find(|key| key.spec == spec).unwrap().id.as_str();
    world.stack().organization().set_key_state(of("HMAC_256"), KeyState::Disabled);
    world.stack().organization().set_key_state(of("SYMMETRIC_DEFAULT"), KeyState::PendingDeletion);
    let failed = failed(&check(world).await);
    let names: Vec<&str> = failed.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["key", "mac_key", "bus", "version"], "{failed:?}");
    for (found, (_, text)) in ["about to be deleted", "disabled", "does not exist", "0.0.0"].iter().zip(&failed) {
        assert!(text.contains(found), "{text}");
    }
}

#[tokio::test]
async fn without_a_bucket_for_the_template_there_is_no_launch_link() {
    let customer = world_with(&[("TRUSTPLANE_BOOTSTRAP_TEMPLATE_URL", "")]).customer().await;
    let wanted = json!({"aws_account_id": MANAGEMENT_ACCOUNT, "sso_instance_arn": INSTANCE_ARN, "region": "us-east-1"});
    let path = "/v1/integrations/aws-identity-center/bootstrap-template";
    let made = customer.post(path, &wanted).await.expect(200);
    assert_eq!(made.body["launch_stack_url"], Value::Null);
    assert!(made.body["cloudformation_yaml"].as_str().unwrap().contains(&customer.external_id));
}
