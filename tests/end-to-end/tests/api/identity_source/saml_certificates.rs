//! Tests of the service provider's own certificates: creation, publication, activation, replacement.

use serde_json::{Value, json};
use trustplane_domain::Timestamp;
use trustplane_domain::certificate::Certificate;
use trustplane_domain::ids::TenantId;
use trustplane_domain::service_provider::{MAX_CERTIFICATES, ServiceProvider};
use trustplane_domain::timestamp::DAY;
use trustplane_end_to_end::{Customer, world};
use trustplane_local::Options;
use trustplane_store::{Stored, Writes};

use super::{IDP, STORE, asked, certificate, connected, go_through, new_idp, scenario, with_provider};
use crate::table::{audit_records, own_world, part, read, table, write};

const CONFIG: &str = "/v1/identity-stores/d-1234567890/sp-config";
const CERTIFICATES: &str = "/v1/identity-stores/d-1234567890/saml-certificates";

fn path(certificate: &Value) -> String {
    format!("{CERTIFICATES}/{}", certificate["certificate_id"].as_str().unwrap())
}

async fn made(customer: &Customer) -> Value {
    customer.send(customer.request("POST", CERTIFICATES)).await.expect(201).body
}

async fn activate(customer: &Customer, certificate: &Value) {
    let _ = customer.post(&format!("{}/active", path(certificate)), &Value::Null).await.expect(200);
}

async fn states(customer: &Customer) -> Vec<Value> {
    let listed = customer.get(CERTIFICATES).await.expect(200);
    listed.body.as_array().unwrap().iter().map(|one| one["state"].clone()).collect()
}

/// Returns the base64 text of each certificate in the metadata.
async fn published(customer: &Customer) -> Vec<String> {
    let config = customer.get(CONFIG).await.expect(200);
    let metadata = config.body["sp_saml_config"]["metadata"].as_str().unwrap().to_owned();
    let parts = metadata.split("<ds:X509Certificate>").skip(1);
    let found: Vec<String> = parts.map(|part| part.split('<').next().unwrap().to_owned()).collect();
    assert!(metadata.contains(&format!("AuthnRequestsSigned=\"{}\"", !found.is_empty())), "{metadata}");
    found
}

fn body_of(certificate: &Value) -> String {
    let pem = certificate["x509certificate"].as_str().unwrap();
    pem.lines().filter(|line| !line.starts_with("-----")).collect()
}

#[tokio::test]
async fn a_certificates_life() {
    let customer = connected("healthy").await;
    let config = customer.get(CONFIG).await.expect(200);
    assert_eq!(config.body["sp_oidc_config"]["redirect_url"], "https://auth.example.com/oidc/d-1234567890/callback");
    assert_eq!(config.body["sp_saml_config"]["acs_url"], "https://auth.example.com/saml/d-1234567890/acs");
    assert_eq!(config.body["sp_saml_config"]["issuer"], "https://auth.example.com/saml/d-1234567890");
    assert_eq!(customer.get(CERTIFICATES).await.expect(200).body, json!([]));

    let reply = customer.post(CERTIFICATES, &json!({})).await.expect(201);
    let cost = customer.cost(&reply).await;
    // The one call to AWS creates the key.
    assert_eq!((cost.dynamodb_calls, cost.dynamodb_round_trips, cost.aws_calls), (2, 2, 1));
    let first = reply.body;
    assert_eq!((&first["state"], &first["algorithm"]), (&json!("INACTIVE"), &json!("SHA256withRSA")));
    let read = Certificate::from_pem(first["x509certificate"].as_str().unwrap()).unwrap();
    assert_eq!(read.subject_name(), format!("CN={STORE},O=Trustplane"));
    assert_eq!(read.not_after().as_millis(), first["expiry_date"].as_i64().unwrap());
    assert_eq!((read.not_after().millis_since(Timestamp::now()) + DAY - 1) / DAY, 3_652);
    assert!(published(&customer).await.is_empty(), "nothing is signed before one is active");

    let activated = customer.post(&format!("{}/active", path(&first)), &Value::Null).await.expect(200);
    let cost = customer.cost(&activated).await;
    assert_eq!((cost.dynamodb_calls, cost.dynamodb_round_trips, cost.aws_calls), (2, 2, 0));
    // Activating the active certificate changes nothing.
    let again = customer.post(&format!("{}/active", path(&first)), &Value::Null).await.expect(200);
    assert_eq!(customer.cost(&again).await.dynamodb_calls, 1);
    assert_eq!(published(&customer).await, [body_of(&first)]);

    let second = made(&customer).await;
    assert_eq!(states(&customer).await, ["ACTIVE", "INACTIVE"]);
    assert_eq!(published(&customer).await, [body_of(&first), body_of(&second)]);
    let third = customer.post(CERTIFICATES, &Value::Null).await.refused(409, "IIC.1007");
    assert_eq!(customer.cost(&third).await.aws_calls, 0, "no key is made for nothing");
    activate(&customer, &second).await;
    assert_eq!(states(&customer).await, ["INACTIVE", "ACTIVE"]);
    assert_eq!(published(&customer).await, [body_of(&second), body_of(&first)]);
    // A provider that is created now gets the same metadata.
    let provider = customer.post(IDP, &new_idp(&certificate(-1, 100))).await.expect(201);
    let config = customer.get(CONFIG).await.expect(200);
    assert_eq!(provider.body["hws_sp_saml_config"], config.body["sp_saml_config"]);
    let cost = customer.cost(&config).await;
    assert_eq!((cost.dynamodb_calls, cost.dynamodb_round_trips, cost.aws_calls), (1, 1, 0));

    let deleted = customer.delete(&path(&first)).await.expect(200);
    let cost = customer.cost(&deleted).await;
    assert_eq!((cost.dynamodb_calls, cost.dynamodb_round_trips, cost.aws_calls), (2, 2, 0));
    let listed = customer.get(CERTIFICATES).await.expect(200);
    let mut expected = second.clone();
    expected["state"] = json!("ACTIVE");
    assert_eq!(listed.body, json!([expected]));
    let cost = customer.cost(&listed).await;
    assert_eq!((cost.dynamodb_calls, cost.dynamodb_round_trips, cost.aws_calls), (1, 1, 0));
    for gone in [path(&first), format!("{CERTIFICATES}/none")] {
        let _ = customer.delete(&gone).await.refused(404, "IIC.404");
        let _ = customer.post(&format!("{gone}/active"), &Value::Null).await.refused(404, "IIC.404");
    }
    assert_eq!(asked(&customer), ["AssumeRole", "DescribeInstance"]);

    let tenant = TenantId::parse(&customer.tenant).unwrap();
    let records = audit_records(&table(world()), tenant, "delete-saml-certificate").await;
    assert_eq!(records.len(), 1);
    assert_eq!((&records[0]["before"]["state"], &records[0]["after"]), (&json!("INACTIVE"), &Value::Null));
    let records = audit_records(&table(world()), tenant, "activate-saml-certificate").await;
    assert_eq!(records.len(), 2);
    assert_eq!((&records[0]["before"]["state"], &records[0]["after"]["state"]), (&json!("INACTIVE"), &json!("ACTIVE")));
}

#[tokio::test]
async fn the_private_key_is_kept_encrypted_and_is_nowhere_else() {
    let customer = connected("healthy").await;
    let shown = made(&customer).await;
    let (table, tenant) = (table(world()), TenantId::parse(&customer.tenant).unwrap());
    let kept: Stored<ServiceProvider> = read(&table, &part(tenant).service_provider(STORE)).await;
    let text = serde_json::to_string(&kept.value).unwrap();
    assert!(!trustplane_domain::certificate::holds_private_key(&text), "{text}");
    let sealed = serde_json::to_value(&kept.value).unwrap()["certificates"][0]["key"].as_str().unwrap().to_owned();
    assert!(sealed.len() > 1_600);
    assert!(!shown.to_string().contains(&sealed[..40]));
    let records = audit_records(&table, tenant, "create-saml-certificate").await;
    assert_eq!(records[0]["after"]["state"], "INACTIVE");
    assert!(!records[0].to_string().contains(&sealed[..40]));
    assert!(world().stack().logs().iter().all(|line| !line.text.contains(&sealed[..40])));
}

#[tokio::test]
async fn the_active_one_goes_only_while_nobody_signs_in() {
    let (customer, provider, _) = with_provider().await;
    let certificate = made(&customer).await;
    activate(&customer, &certificate).await;
    let _ = customer.post(&format!("{provider}/enable"), &Value::Null).await.expect(200);
    let refused = customer.delete(&path(&certificate)).await.refused(400, "IIC.1329");
    assert!(refused.text.contains("activate another one"), "{}", refused.text);
    let _ = customer.post(&format!("{provider}/disable"), &Value::Null).await.expect(200);
    // Terraform also destroys the certificate that it activated.
    let _ = customer.delete(&path(&certificate)).await.expect(200);
    assert!(states(&customer).await.is_empty() && published(&customer).await.is_empty());
}

#[tokio::test]
async fn makers_at_the_same_time_never_make_three() {
    let customer = connected("healthy").await;
    let _ = made(&customer).await;
    let make = || customer.send(customer.request("POST", CERTIFICATES));
    let (one, two, three) = tokio::join!(make(), make(), make());
    let statuses = [one.status, two.status, three.status];
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| matches!(status, 201 | 409)), "{statuses:?}");
    assert_eq!(states(&customer).await.len(), MAX_CERTIFICATES);
}

#[tokio::test]
async fn an_expired_certificate_is_said_to_be_and_makes_room() {
    let customer = connected("healthy").await;
    let first = made(&customer).await;
    activate(&customer, &first).await;
    let second = made(&customer).await;
    let (table, tenant) = (table(world()), TenantId::parse(&customer.tenant).unwrap());
    let kept: Stored<ServiceProvider> = read(&table, &part(tenant).service_provider(STORE)).await;
    // Ten years later.
    let mut value = serde_json::to_value(&kept.value).unwrap();
    for one in value["certificates"].as_array_mut().unwrap() {
        one["certificate"]["not_after"] = json!("2020-01-01T00:00:00.000Z");
    }
    let expired: ServiceProvider = serde_json::from_value(value).unwrap();
    write(&table, tenant, Writes::new().replace(&kept, &expired)).await;
    assert_eq!(states(&customer).await, ["EXPIRED", "EXPIRED"]);
    assert!(published(&customer).await.is_empty());
    let refused = customer.post(&format!("{}/active", path(&second)), &Value::Null).await.refused(400, "IIC.1329");
    assert!(refused.text.contains("expired"), "{}", refused.text);
    for one in [&first, &second] {
        let _ = customer.delete(&path(one)).await.expect(200);
    }
    assert!(states(&customer).await.is_empty());
}

#[tokio::test]
async fn certificates_of_others_are_nobodys() {
    let (customer, stranger) = (connected("healthy").await, connected("healthy").await);
    let certificate = made(&customer).await;
    let _ = made(&stranger).await;
    let _ = stranger.delete(&path(&certificate)).await.refused(404, "IIC.404");
    let _ = stranger.post(&format!("{}/active", path(&certificate)), &Value::Null).await.refused(404, "IIC.404");
    for other in ["/v1/identity-stores/d-9067f2a3c1/saml-certificates", "/v1/identity-stores/d-9067f2a3c1/sp-config"] {
        let _ = customer.get(other).await.refused(404, "IIC.404");
    }
    let other_store = customer.post("/v1/identity-stores/d-9067f2a3c1/saml-certificates", &Value::Null).await;
    assert_eq!(customer.cost(&other_store).await.aws_calls, 0, "no key is made for nothing");
    let _ = other_store.refused(404, "IIC.404");
    let _ = customer.post("/v1/identity-stores/%23/saml-certificates", &Value::Null).await.refused(400, "IIC.400");
    assert_eq!(states(&customer).await, ["INACTIVE"]);
}

#[tokio::test]
async fn a_retry_with_a_key_makes_one_certificate() {
    let customer = connected("healthy").await;
    let make = || customer.send(customer.request("POST", CERTIFICATES).header("idempotency-key", "one"));
    let first = make().await.expect(201);
    let again = make().await.expect(201);
    assert_eq!(first.body, again.body);
    assert_eq!(customer.cost(&again).await.aws_calls, 0);
    assert_eq!(states(&customer).await.len(), 1);
    let stale = customer.request("POST", CERTIFICATES).header("if-match", "\"7\"");
    let stale = customer.send(stale).await;
    assert_eq!(customer.cost(&stale).await.aws_calls, 0);
    let _ = stale.refused(412, "IIC.412");
}

#[tokio::test]
async fn with_the_platforms_key_away_no_certificate_is_made_and_a_denial_is_still_one() {
    let environment = [("TRUSTPLANE_KEY_ID".to_owned(), "away".to_owned())].into();
    let world = own_world(Options { environment, ..Options::default() });
    let customer = world.customer().await;
    world.stack().organization().trust_external_id(&customer.external_id);
    go_through(&customer, &scenario("healthy")).await;
    let _ = customer.post(CERTIFICATES, &Value::Null).await.refused(500, "IIC.500");
    assert!(states(&customer).await.is_empty());
    let denied = customer.send(customer.request_as(&customer.viewer, "POST", CERTIFICATES)).await;
    let denied = denied.refused(403, "IIC.1000");
    // Nothing could be encrypted: the request's id leads an operator to the log.
    assert_eq!(denied.body["encoded_authorization_message"], denied.request_id());
    assert_eq!(customer.cost(&denied).await.aws_calls, 1);
    let message = json!({"encoded_message": denied.request_id()});
    let error = world.invoke("decode-authorization-message", &message).await.unwrap_err();
    assert_eq!(error["errorType"], "invalid_request");
}
