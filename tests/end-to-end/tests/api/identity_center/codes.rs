//! Tests that each code of a report can occur, and advises an action.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use serde_json::{Value, json};
use trustplane_domain::connection::Code;
use trustplane_end_to_end::{Customer, Reply, World};
use trustplane_local::Options;
use trustplane_organization::{MANAGEMENT_ACCOUNT, Scenario};

use super::{BASE, CONFIG, TEST, config, post};
use crate::table::own_world;
use futures_util::future::join_all;

/// Conditions that lead to a code.
enum How {
    /// A scenario of the local organization.
    Scenario(&'static str),
    /// A scenario of the local organization, with this region saved.
    In(&'static str, &'static str),
    /// A rotation in progress, with a role that trusts the ids at these places: 0 is the current one, 1 the pending
    /// one.
    Rotating(&'static [usize]),
    /// A role that another tenant has used before.
    Shared,
    /// A role in China's partition.
    Elsewhere,
}

fn how(code: Code) -> How {
    match code {
        Code::AssumeRoleDenied => How::Scenario("no-trust"),
        Code::AssumeRoleFailed => How::Scenario("sts-refused"),
        Code::StsUnreachable => How::Scenario("sts-unreachable"),
        Code::PendingExternalIdNotTrusted => How::Rotating(&[0]),
        Code::CurrentExternalIdNotTrusted => How::Rotating(&[1]),
        Code::RoleShared => How::Shared,
        Code::ExternalIdNotEnforced => How::Scenario("external-id-not-enforced"),
        Code::AccountMismatch => How::Scenario("account-mismatch"),
        Code::PartitionUnreachable => How::Elsewhere,
        Code::InstanceNotFound => How::Scenario("instance-deleted"),
        Code::WrongRegion => How::Scenario("wrong-region"),
        Code::RegionNotEnabled => How::In("region-not-enabled", "af-south-1"),
        Code::InstanceNotVisible => How::Scenario("instance-new"),
        Code::PermissionMissing => How::Scenario("missing-sso-DescribeInstance"),
        Code::NetworkRestricted => How::Scenario("network-restricted"),
        Code::InstanceNotActive => How::Scenario("instance-creating"),
        Code::KmsDenied => How::Scenario("kms-denied"),
        Code::KmsDisabled => How::Scenario("kms-disabled"),
        Code::KmsInvalidState => How::Scenario("kms-invalid-state"),
        Code::KmsInvalidKeyUsage => How::Scenario("kms-invalid-key-usage"),
        Code::KmsNotFound => How::Scenario("kms-not-found"),
        Code::KmsThrottled => How::Scenario("kms-throttled"),
        Code::KmsUpdateFailed => How::Scenario("kms-update-failed"),
        Code::AccountInstance => How::Scenario("account-instance"),
        Code::NotDelegatedAdmin => How::Scenario("member-account"),
        Code::AwsThrottled => How::Scenario("throttled"),
        Code::AwsUnavailable => How::Scenario("internal-failure"),
        Code::AwsUnreachable => How::Scenario("unreachable"),
        Code::PlatformFault => How::Scenario("proxy"),
        Code::AwsRefused => How::Scenario("refused"),
    }
}

/// Starts a separate stack, so that no other tenant has used a scenario's role before.
fn scene() -> &'static World {
    static SCENE: OnceLock<&'static World> = OnceLock::new();
    SCENE.get_or_init(|| own_world(Options::default()))
}

/// Creates a customer whose connection uses a role that trusts it. Returns both.
async fn connected() -> (Customer, String) {
    let customer = scene().customer().await;
    let role = format!("arn:aws:iam::{MANAGEMENT_ACCOUNT}:role/own/{}", customer.tenant);
    scene().stack().organization().trust_role(&role, &[&customer.external_id]);
    let _ = customer.put(CONFIG, &config(&role)).await.expect(200);
    (customer, role)
}

/// Creates a customer that meets the condition of `code`, ready to test.
async fn customer(code: Code) -> Customer {
    let organization = scene().stack().organization();
    match how(code) {
        How::Scenario(name) => {
            let customer = scene().customer().await;
            organization.trust_external_id(&customer.external_id);
            let role = name.parse::<Scenario>().unwrap().role_arn();
            let _ = customer.put(CONFIG, &config(&role)).await.expect(200);
            customer
        }
        How::In(name, region) => {
            let customer = scene().customer().await;
            organization.trust_external_id(&customer.external_id);
            let mut settings = config(&name.parse::<Scenario>().unwrap().role_arn());
            settings["region"] = json!(region);
            let _ = customer.put(CONFIG, &settings).await.expect(200);
            customer
        }
        How::Rotating(trusted) => {
            let (customer, role) = connected().await;
            let ids = post(&customer, &format!("{BASE}/external-id/rotate")).await.expect(200).body;
            let ids = [ids["external_id"].as_str().unwrap(), ids["external_id_pending"].as_str().unwrap()];
            organization.trust_role(&role, &trusted.iter().map(|place| ids[*place]).collect::<Vec<_>>());
            customer
        }
        How::Shared => {
            let (first, role) = connected().await;
            let _ = post(&first, TEST).await.expect(200);
            let second = scene().customer().await;
            organization.trust_role(&role, &[&first.external_id, &second.external_id]);
            let _ = second.put(CONFIG, &config(&role)).await.expect(200);
            second
        }
        How::Elsewhere => {
            let customer = scene().customer().await;
            let china = json!({
                "sso_instance_arn": "arn:aws-cn:sso:::instance/ssoins-0123456789abcdef",
                "role_arn": "arn:aws-cn:iam::123456789012:role/Reader",
                "region": "cn-north-1",
            });
            let _ = customer.put(CONFIG, &china).await.expect(200);
            customer
        }
    }
}

async fn report(code: Code) -> (Customer, Reply) {
    let customer = customer(code).await;
    let report = post(&customer, TEST).await.expect(200);
    (customer, report)
}

#[tokio::test]
async fn every_code_comes_about_and_says_what_to_do() {
    let reports = join_all(Code::ALL.into_iter().map(async |code| (code, report(code).await.1))).await;
    let mut seen = BTreeSet::new();
    for (code, report) in reports {
        let wanted = json!(code);
        let checks = report.body["checks"].as_array().unwrap();
        let check = checks.iter().find(|check| check["code"] == wanted);
        let check = check.unwrap_or_else(|| panic!("no {wanted}: {}", report.text));
        let remediation = check["remediation"].as_str().unwrap();
        assert!(remediation.len() > 60, "{check}");
        assert!(seen.insert(wanted.to_string()));
    }
    // The API document has exactly these codes.
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../openapi.json");
    let document: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let schema = &document["components"]["schemas"]["TestCheck"]["properties"]["code"]["enum"];
    let documented = schema.as_array().unwrap().iter().filter(|code| !code.is_null()).map(ToString::to_string);
    assert_eq!(documented.collect::<BTreeSet<_>>(), seen);
}

/// Tests that a remediation is understandable with only the report: it names the place and the text to enter there.
#[tokio::test]
async fn advice_names_the_place_and_the_text_to_put_there() {
    for (code, id, wanted) in [
        (
            Code::AssumeRoleDenied,
            "assume_role",
            &[
                "in account 123456789012, open IAM > Roles > no-trust > Trust relationships > Edit trust policy",
                "\"Principal\": {\"AWS\": \"arn:aws:iam::000000000000:root\"}",
                "\"Condition\": {\"StringEquals\": {\"sts:ExternalId\": [\"EXTERNAL_ID\"]}}",
            ][..],
        ),
        (
            Code::ExternalIdNotEnforced,
            "external_id_enforced",
            &[
                "IAM > Roles > external-id-not-enforced > Trust relationships > Edit trust policy",
                "\"Condition\": {\"StringEquals\": {\"sts:ExternalId\": [\"EXTERNAL_ID\"]}}",
            ],
        ),
        (
            Code::PermissionMissing,
            "instance_active",
            &[
                "IAM > Roles > missing-sso-DescribeInstance > Permissions",
                "\"Action\": \"sso:DescribeInstance\", \"Resource\": \"arn:aws:sso:::instance/ssoins-0123456789abcdef0\"",
            ],
        ),
        (
            Code::KmsDenied,
            "instance_active",
            &[
                "KMS > Customer managed keys > the key > Key policy",
                "\"Principal\": {\"AWS\": \"arn:aws:iam::123456789012:role/scenario/kms-denied\"}",
                "\"kms:ViaService\": \"sso.*.amazonaws.com\"",
            ],
        ),
        (
            Code::NotDelegatedAdmin,
            "instance_kind",
            &[
                "aws organizations register-delegated-administrator --account-id 111122223333 --service-principal sso.amazonaws.com",
            ],
        ),
        (Code::InstanceNotFound, "instance_visible", &["IAM Identity Center > Settings > Details", "`Instance ARN`"]),
        (Code::AwsUnreachable, "instance_visible", &["`us-east-1`", "primary region"]),
    ] {
        let (customer, report) = report(code).await;
        let advice = super::check(&report, id)["remediation"].as_str().unwrap().to_owned();
        for text in wanted {
            let text = text.replace("EXTERNAL_ID", &customer.external_id);
            assert!(advice.contains(&text), "{code:?} does not say `{text}`: {advice}");
        }
    }
}
