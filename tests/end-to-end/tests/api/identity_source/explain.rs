//! Tests of explanations of SAML responses.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use trustplane_domain::ids::TenantId;
use trustplane_end_to_end::{Customer, Reply, world};

use super::with_provider;
use crate::table::{audit_records, table};

/// A response that is wrong in everything that a configuration decides.
fn response() -> String {
    r#"<p:Response xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:a="urn:oasis:names:tc:SAML:2.0:assertion" Destination="https://other.example/acs">
    <a:Issuer>urn:other</a:Issuer><p:Status><p:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></p:Status>
    <a:Assertion><a:Subject><a:NameID>alice@example.com</a:NameID></a:Subject><a:Conditions NotOnOrAfter="2020-01-01T00:00:00Z"/>
    <a:AttributeStatement><a:Attribute Name="phone"><a:AttributeValue>+49 30 765432</a:AttributeValue></a:Attribute></a:AttributeStatement>
    </a:Assertion></p:Response>"#
        .to_owned()
}

async fn records(customer: &Customer) -> Vec<Value> {
    let tenant = TenantId::parse(&customer.tenant).unwrap();
    audit_records(&table(world()), tenant, "explain-external-idp-response").await
}

#[tokio::test]
async fn a_refused_response_is_explained_and_nothing_of_it_is_kept() {
    let (customer, provider, _) = with_provider().await;
    let path = format!("{provider}/explain");
    let body = json!({"saml_response": response()});
    let explained = customer.post(&path, &body).await.expect(200);
    let findings = explained.body["findings"].as_array().unwrap();
    let failed: Vec<&str> =
        findings.iter().filter(|one| one["status"] == "fail").map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(failed, ["issuer", "destination", "audience", "recipient", "time", "signature"]);
    assert_eq!((&explained.body["plausible"], &explained.body["signature_verified"]), (&json!(false), &json!(false)));
    let message = |id: &str| findings.iter().find(|one| one["id"] == id).unwrap()["message"].as_str().unwrap();
    assert!(message("audience").contains("/saml/d-1234567890`"), "{}", message("audience"));
    assert!(message("signature").contains("no signature was verified"));
    assert_eq!(customer.cost(&explained).await.dynamodb_round_trips, 2);

    // A key for retries keeps nothing: another response with the same key is explained too.
    for text in [response(), response().replace("urn:other", "urn:third")] {
        let request =
            customer.request("POST", &path).header("idempotency-key", "one").json(&json!({"saml_response": text}));
        let again = customer.send(request).await.expect(200);
        assert_eq!(again.text.contains("urn:third"), text.contains("urn:third"));
    }
    let records = records(&customer).await;
    assert_eq!(records.len(), 3);
    assert_eq!(records[0]["after"], json!({"failed": failed}));
    assert!(provider.ends_with(records[0]["resource_id"].as_str().unwrap()));
    for secret in ["alice", "765432"] {
        assert!(!explained.text.contains(secret) && !records[0].to_string().contains(secret));
        assert!(world().stack().logs().iter().all(|line| !line.text.contains("alice@example.com")), "{secret}");
    }
}

#[tokio::test]
async fn a_response_is_taken_as_a_browser_shows_it() {
    let (customer, provider, _) = with_provider().await;
    let path = format!("{provider}/explain");
    let base64 = STANDARD.encode(response());
    let escaped = base64.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    let plain = customer.post(&path, &json!({"saml_response": response()})).await.expect(200);
    for text in [
        base64.clone(),
        escaped.clone(),
        format!("SAMLResponse={escaped}"),
        format!("SAMLResponse={escaped}&RelayState=x%3D"),
        format!("RelayState=x%3D&SAMLResponse={escaped}"),
        format!("SAMLResponse: {base64}\n"),
        escaped.replace('%', "%25"),
    ] {
        let explained = customer.post(&path, &json!({"saml_response": text})).await.expect(200);
        let ids = |reply: &Reply| -> Vec<(Value, Value)> {
            let findings = reply.body["findings"].as_array().unwrap();
            findings.iter().map(|one| (one["id"].clone(), one["status"].clone())).collect()
        };
        assert_eq!(ids(&explained), ids(&plain), "{text}");
    }
    // Nobody is told of a certificate that an unsigned response cannot name.
    let certificate = plain.body["findings"].as_array().unwrap().iter().find(|one| one["id"] == "certificate").unwrap();
    assert_eq!(certificate["message"], "there is no signature that could name a certificate");
}

#[tokio::test]
async fn what_is_no_response_is_refused() {
    let (customer, provider, _) = with_provider().await;
    let path = format!("{provider}/explain");
    for text in ["", "nothing", "<a/>", "<!DOCTYPE a><a/>"] {
        let refused = customer.post(&path, &json!({"saml_response": text})).await.refused(400, "IIC.400");
        assert!(refused.text.contains("saml_response"), "{}", refused.text);
    }
    let _ = customer.post(&path, &json!({})).await.refused(400, "IIC.400");
    let body = json!({"saml_response": response()});
    let viewer = customer.request_as(&customer.viewer, "POST", &path).json(&body);
    let _ = customer.send(viewer).await.refused(403, "IIC.1000");
    let (stranger, _, _) = with_provider().await;
    let _ = stranger.post(&path, &body).await.refused(404, "IIC.404");
}
