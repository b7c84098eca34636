//! Tests of the integration API except `config`: connection tests, ExternalId, history.

mod bootstrap;
mod codes;
mod connection_test;
mod external_id;
mod failures;
pub mod inventory;
mod inventory_failures;
mod open_role;
mod pasted;
mod scale;
mod scenarios;
mod versions;

use serde_json::{Value, json};
use trustplane_end_to_end::{Customer, Reply, world};
use trustplane_organization::{INSTANCE_ARN, MANAGEMENT_ACCOUNT, Organization};

pub const BASE: &str = "/v1/integrations/aws-identity-center";
pub const CONFIG: &str = "/v1/integrations/aws-identity-center/config";
pub const TEST: &str = "/v1/integrations/aws-identity-center/test";
pub const EXTERNAL_ID: &str = "/v1/integrations/aws-identity-center/external-id";

/// Returns the customers' AWS organization.
pub fn organization() -> &'static Organization {
    world().stack().organization()
}

/// Returns a configuration with this role.
pub fn config(role: &str) -> Value {
    json!({"sso_instance_arn": INSTANCE_ARN, "role_arn": role, "region": "us-east-1"})
}

/// Creates a role of this customer's own, which trusts its ExternalId.
pub fn own_role(customer: &Customer) -> String {
    let role = format!("arn:aws:iam::{MANAGEMENT_ACCOUNT}:role/own/{}", customer.tenant);
    organization().trust_role(&role, &[&customer.external_id]);
    role
}

/// Creates a customer with a connection through its own role. Returns both.
pub async fn connected() -> (Customer, String) {
    let customer = world().customer().await;
    let role = own_role(&customer);
    let _ = customer.put(CONFIG, &config(&role)).await.expect(200);
    (customer, role)
}

/// Sends a POST request without a body.
pub async fn post(customer: &Customer, path: &str) -> Reply {
    customer.send(customer.request("POST", path)).await
}

/// Returns the check with this id.
pub fn check<'a>(report: &'a Reply, id: &str) -> &'a Value {
    let checks = report.body["checks"].as_array().unwrap();
    checks.iter().find(|check| check["id"] == id).unwrap_or_else(|| panic!("no {id}: {}", report.text))
}

/// Returns each check's id, status, and code if there is one: `assume_role pass`.
pub fn outcomes(report: &Reply) -> Vec<String> {
    let checks = report.body["checks"].as_array().unwrap();
    let text = |check: &Value, field: &str| check[field].as_str().map(str::to_owned);
    let words = checks.iter().map(|check| ["id", "status", "code"].into_iter().filter_map(|field| text(check, field)));
    words.map(|words| words.collect::<Vec<_>>().join(" ")).collect()
}
