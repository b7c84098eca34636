//! Tests of identity sources: instances, external identity providers, and their certificates.

mod bad_input;
mod certificates;
mod denials;
mod explain;
mod external_idp;
mod instances;
pub mod metadata;
pub mod metadata_server;
mod metadata_url;
mod saml_certificates;
mod sequences;

use rcgen::{CertificateParams, DnType, KeyPair};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};
use trustplane_end_to_end::{Customer, world};
use trustplane_organization::Scenario;

pub const CONFIG: &str = "/v1/integrations/aws-identity-center/config";
pub const INSTANCE: &str = "ssoins-0123456789abcdef0";
pub const STORE: &str = "d-1234567890";
pub const IDP: &str = "/v1/identity-stores/d-1234567890/external-idp";
pub const ASSOCIATIONS: &str = "/v1/instances/ssoins-0123456789abcdef0/identity-store-associations";

/// Returns the role of a scenario of the local organization.
pub fn scenario(name: &str) -> String {
    name.parse::<Scenario>().unwrap().role_arn()
}

/// Creates a customer whose connection uses the role of a scenario.
pub async fn connected(name: &str) -> Customer {
    let customer = world().customer().await;
    world().stack().organization().trust_external_id(&customer.external_id);
    go_through(&customer, &scenario(name)).await;
    customer
}

/// Saves a connection with this role.
pub async fn go_through(customer: &Customer, role: &str) {
    let connection = json!({
        "sso_instance_arn": format!("arn:aws:sso:::instance/{INSTANCE}"),
        "role_arn": role,
        "region": "us-east-1",
    });
    let _ = customer.put(CONFIG, &connection).await.expect(200);
}

/// Returns the operations that were called in this customer's AWS.
pub fn asked(customer: &Customer) -> Vec<String> {
    let calls = world().stack().organization().calls();
    let of_customer = calls.into_iter().filter(|call| {
        call.external_id.as_deref() == Some(customer.external_id.as_str()) || call.caller.ends_with(&customer.tenant)
    });
    of_customer.map(|call| call.operation).collect()
}

/// Creates a certificate that is valid from some days ago to some days from now.
pub fn certificate(since: i64, until: i64) -> String {
    certificate_and_key(since, until).0
}

/// Creates a certificate and its private key, both as PEM.
pub fn certificate_and_key(since: i64, until: i64) -> (String, String) {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "Example IdP");
    params.not_before = OffsetDateTime::now_utc() + Duration::days(since);
    params.not_after = OffsetDateTime::now_utc() + Duration::days(until);
    let key = KeyPair::generate().unwrap();
    (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

/// Returns the body that creates a provider with this certificate.
pub fn new_idp(pem: &str) -> Value {
    json!({
        "idp_saml_config": {"entity_id": "https://idp.example.com/saml", "login_url": "https://idp.example.com/sso"},
        "idp_certificate": pem,
    })
}

/// Returns the body that imports this certificate.
pub fn import(pem: &str) -> Value {
    json!({"x509_certificate_in_pem": pem, "certificate_use": "SIGNING"})
}

/// Creates a customer with a provider that has one certificate. Returns the customer, the provider's path and the
/// certificate's id.
pub async fn with_provider() -> (Customer, String, String) {
    let customer = connected("healthy").await;
    let made = customer.post(IDP, &new_idp(&certificate(-1, 100))).await.expect(201);
    let path = format!("{IDP}/{}", made.body["idp_id"].as_str().unwrap());
    (customer, path, made.body["idp_certificate_id"].as_str().unwrap().to_owned())
}
