//! Tests of a role that does not require the ExternalId: neither its owner nor another tenant that knows its ARN can
//! use it, with any endpoint.

use serde_json::json;
use trustplane_domain::connection::Connection;
use trustplane_domain::ids::TenantId;
use trustplane_end_to_end::{Customer, Reply, world};
use trustplane_organization::{MANAGEMENT_ACCOUNT, Scenario};

use super::inventory::{ACCOUNTS, SYNC, settled};
use super::{BASE, CONFIG, TEST, check, config, organization, post};
use crate::identity_source::{ASSOCIATIONS, IDP};
use crate::table::{part, read, table};

/// Returns the operations that this customer's sessions called.
fn asked(customer: &Customer) -> Vec<String> {
    let session = format!("/trustplane-{}", customer.tenant);
    let calls = organization().calls().into_iter().filter(|call| call.caller.ends_with(&session));
    calls.map(|call| call.operation).collect()
}

async fn is_proven(customer: &Customer) -> bool {
    let tenant = TenantId::parse(&customer.tenant).unwrap();
    read::<Connection>(&table(world()), &part(tenant).connection()).await.value.role_proven
}

#[tokio::test]
async fn whoever_knows_the_arn_of_an_open_role_sees_nothing_through_it() {
    let open = Scenario::ExternalIdNotEnforced.role_arn();
    let stranger = world().customer().await;
    let _ = stranger.put(CONFIG, &config(&open)).await.expect(200);
    for path in [ASSOCIATIONS, "/v1/instances", IDP] {
        let refused = stranger.get(path).await.refused(403, "IIC.1215");
        assert!(refused.body["error_msg"].as_str().unwrap().contains("without the ExternalId"), "{}", refused.text);
    }
    let _ = post(&stranger, SYNC).await.expect(202);
    let shown = settled(&stranger).await;
    let failure = &shown.body["sync_failure"];
    assert_eq!((&shown.body["data"], &failure["code"]), (&json!([]), &json!("external_id_not_enforced")));
    assert!(failure["message"].as_str().unwrap().contains("/test"), "{failure}");
    let report = post(&stranger, TEST).await.expect(200);
    assert_eq!(check(&report, "external_id_enforced")["code"], "external_id_not_enforced");
    assert!(!is_proven(&stranger).await);
    assert_eq!(asked(&stranger), [""; 0]);
}

/// Deploys the role of the bootstrap template with the customer's own role name; if `open`, without its condition.
fn deploy(customer: &Customer, template: &Reply, open: bool) -> String {
    let yaml = template.body["cloudformation_yaml"].as_str().unwrap();
    let condition = yaml.lines().skip_while(|line| line.trim() != "Condition:").take(3);
    let condition = condition.map(|line| format!("{line}\n")).collect::<String>();
    assert!(condition.contains("sts:ExternalId"), "{yaml}");
    let yaml = if open { yaml.replace(&condition, "") } else { yaml.to_owned() };
    let name = format!("Open-{}", customer.tenant);
    organization().deploy_cloudformation_in(MANAGEMENT_ACCOUNT, &[("RoleName", &name)], &yaml).unwrap()
}

#[tokio::test]
async fn a_role_that_was_opened_is_used_again_once_it_is_mended() {
    let customer = world().customer().await;
    let wanted = json!({
        "aws_account_id": MANAGEMENT_ACCOUNT,
        "sso_instance_arn": config("")["sso_instance_arn"],
        "region": "us-east-1",
    });
    let template = customer.post(&format!("{BASE}/bootstrap-template"), &wanted).await.expect(200);
    let role = deploy(&customer, &template, false);
    let _ = customer.put(CONFIG, &config(&role)).await.expect(200);
    assert!(!is_proven(&customer).await);
    // Successful reads with the role prove it too.
    let _ = customer.get(ASSOCIATIONS).await.expect(200);
    assert!(is_proven(&customer).await);

    let _ = deploy(&customer, &template, true);
    let report = post(&customer, TEST).await.expect(200);
    assert_eq!(check(&report, "external_id_enforced")["code"], "external_id_not_enforced");
    assert!(!is_proven(&customer).await);
    let before = asked(&customer).len();
    let _ = post(&customer, SYNC).await.expect(202);
    assert_eq!(settled(&customer).await.body["sync_failure"]["code"], "external_id_not_enforced");
    assert_eq!(asked(&customer).len(), before);

    let _ = deploy(&customer, &template, false);
    assert_eq!(post(&customer, TEST).await.expect(200).body["success"], true);
    assert!(is_proven(&customer).await);
    let _ = post(&customer, SYNC).await.expect(202);
    assert_eq!(settled(&customer).await.body["sync_status"], "done");
    assert!(!customer.get(ACCOUNTS).await.expect(200).body["data"].as_array().unwrap().is_empty());
    // Another role is not proven yet.
    let _ = customer.put(CONFIG, &config(&format!("{role}-2"))).await.expect(200);
    assert!(!is_proven(&customer).await);
}
