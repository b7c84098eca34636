//! Tests of the external identity provider of a store, from creation to deletion.

use serde_json::{Value, json};
use trustplane_domain::identity_provider::MAX_CERTIFICATES;
use trustplane_end_to_end::world;

use super::{ASSOCIATIONS, IDP, asked, certificate, certificate_and_key, connected, import, new_idp, with_provider};

#[tokio::test]
async fn a_providers_life() {
    let customer = connected("healthy").await;
    assert_eq!(customer.get(IDP).await.expect(200).body, json!({"associations": []}));
    let made = customer.post(IDP, &new_idp(&certificate(-1, 100))).await.expect(201);
    let saml = &made.body["hws_sp_saml_config"];
    assert_eq!(saml["issuer"], "https://auth.example.com/saml/d-1234567890");
    assert_eq!(saml["acs_url"], "https://auth.example.com/saml/d-1234567890/acs");
    for address in ["issuer", "acs_url"] {
        assert!(saml["metadata"].as_str().unwrap().contains(saml[address].as_str().unwrap()));
    }
    let (id, certificate_id) = (&made.body["idp_id"], &made.body["idp_certificate_id"]);
    assert_eq!(made.body["idp_certificate_ids"], json!([certificate_id]));

    let mut expected = json!({"associations": [{
        "idp_certificate_ids": [{"certificate_id": certificate_id, "status": "ACTIVE"}],
        "idp_id": id,
        "idp_saml_config": {
            "entity_id": "https://idp.example.com/saml",
            "login_url": "https://idp.example.com/sso",
            "want_request_signed": false,
        },
        "is_enabled": false,
    }]});
    let listed = customer.get(IDP).await.expect(200);
    assert_eq!(listed.body, expected);
    let cost = customer.cost(&listed).await;
    assert_eq!((cost.dynamodb_calls, cost.dynamodb_round_trips, cost.aws_calls), (1, 1, 0));

    let path = format!("{IDP}/{}", id.as_str().unwrap());
    let settings = json!({"entity_id": "urn:example:idp", "login_url": "https://login.example.com/", "more": 1});
    let updated = customer.put(&path, &settings).await.expect(200);
    let cost = customer.cost(&updated).await;
    assert_eq!((cost.dynamodb_calls, cost.dynamodb_round_trips, cost.aws_calls), (2, 2, 0));
    let saml = &mut expected["associations"][0]["idp_saml_config"];
    (saml["entity_id"], saml["login_url"]) = (json!("urn:example:idp"), json!("https://login.example.com/"));
    assert_eq!(customer.get(IDP).await.expect(200).body, expected);

    let authentication = async || {
        let shown = customer.get(ASSOCIATIONS).await.expect(200);
        shown.body["identity_store_associations"][0]["authentication_type"].clone()
    };
    assert_eq!(authentication().await, "DEFAULT");
    for _ in 0..2 {
        let _ = customer.post(&format!("{path}/enable"), &Value::Null).await.expect(200);
        assert_eq!(authentication().await, "SAML_2.0");
    }
    expected["associations"][0]["is_enabled"] = json!(true);
    assert_eq!(customer.get(IDP).await.expect(200).body, expected);
    let _ = customer.delete(&path).await.refused(400, "IIC.1329");
    for _ in 0..2 {
        let _ = customer.send(customer.request("POST", &format!("{path}/disable"))).await.expect(200);
        assert_eq!(authentication().await, "DEFAULT");
    }
    let _ = customer.delete(&path).await.expect(200);
    let _ = customer.delete(&path).await.refused(404, "IIC.404");
    assert_eq!(customer.get(IDP).await.expect(200).body, json!({"associations": []}));
    // All of this needed one lookup in AWS.
    assert_eq!(asked(&customer), ["AssumeRole", "DescribeInstance"]);
}

#[tokio::test]
async fn a_store_has_one_provider() {
    let (customer, _, _) = with_provider().await;
    let _ = customer.post(IDP, &new_idp(&certificate(-1, 1))).await.refused(409, "IIC.1328");
    // Faults of the body come first.
    let _ = customer.post(IDP, &new_idp(&certificate(-2, -1))).await.refused(400, "IIC.400");
}

#[tokio::test]
async fn a_provider_out_of_its_metadata() {
    let customer = connected("healthy").await;
    let signing = body_of(&certificate(-1, 100));
    let metadata = metadata(&[("signing", &signing), ("encryption", &body_of(&certificate(-1, 100)))]);
    let wanted = json!({"idp_saml_metadata": metadata, "idp_saml_config": {}, "idp_certificate": ""});
    let made = customer.post(IDP, &wanted).await.expect(201);
    assert_eq!(made.body["idp_certificate_ids"].as_array().unwrap().len(), 1);
    let listed = customer.get(IDP).await.expect(200);
    let saml = &listed.body["associations"][0]["idp_saml_config"];
    let expected = json!({
        "entity_id": "https://idp.example.com/metadata",
        "login_url": "https://idp.example.com/redirect",
        "want_request_signed": true,
    });
    assert_eq!(*saml, expected);
    let path = format!("{IDP}/{}/certificate", made.body["idp_id"].as_str().unwrap());
    let listed = customer.get(&path).await.expect(200);
    let pem = listed.body["idp_certificates"][0]["x509_Certificate_in_pem"].as_str().unwrap();
    assert!(pem.starts_with("-----BEGIN CERTIFICATE-----\n") && body_of(pem) == signing, "{pem}");
}

#[tokio::test]
async fn ten_certificates_of_metadata_are_taken_and_eleven_are_not() {
    let bodies: Vec<String> = (0..=MAX_CERTIFICATES).map(|_| body_of(&certificate(-1, 100))).collect();
    let mut keys: Vec<_> = bodies.iter().map(|body| ("signing", &**body)).collect();
    let customer = connected("healthy").await;
    let refused = customer.post(IDP, &json!({"idp_saml_metadata": metadata(&keys)})).await.refused(400, "IIC.400");
    assert!(refused.text.contains("idp_saml_metadata holds 11 certificates"), "{}", refused.text);
    keys[MAX_CERTIFICATES] = keys[0];
    let made = customer.post(IDP, &json!({"idp_saml_metadata": metadata(&keys)})).await.expect(201);
    assert_eq!(made.body["idp_certificate_ids"].as_array().unwrap().len(), MAX_CERTIFICATES);
    assert_eq!(made.body["idp_certificate_ids"][0], made.body["idp_certificate_id"]);
}

#[tokio::test]
async fn every_fault_is_told_at_once_by_the_field_that_has_it() {
    let customer = connected("healthy").await;
    let (pem, key) = certificate_and_key(-1, 100);
    let good = new_idp(&pem);
    let change = |path: &str, value: Value| {
        let mut body = good.clone();
        *body.pointer_mut(path).unwrap() = value;
        body
    };
    let wrong: Vec<(Value, &[&str])> = vec![
        (json!({}), &["idp_saml_config", "idp_certificate"]),
        (json!({"idp_saml_config": {}, "idp_certificate": pem}), &["idp_saml_config"]),
        (json!({"idp_saml_config": {"entity_id": " "}}), &["idp_saml_config.entity_id", "idp_saml_config.login_url"]),
        (change("/idp_saml_config/login_url", json!("http://idp.example.com/")), &["idp_saml_config.login_url"]),
        (change("/idp_saml_config", json!([])), &["idp_saml_config"]),
        (change("/idp_certificate", json!(7)), &["idp_certificate"]),
        (change("/idp_certificate", json!(format!("{pem}{pem}"))), &["idp_certificate"]),
        (change("/idp_certificate", json!(certificate(-2, -1))), &["idp_certificate"]),
        (json!({"idp_saml_metadata": "<x/>"}), &["idp_saml_metadata"]),
        (json!({"idp_saml_metadata": "<!DOCTYPE x [<!ENTITY a \"b\">]><x>&a;</x>"}), &["idp_saml_metadata"]),
        (
            json!({"idp_saml_metadata": metadata(&[("signing", &body_of(&certificate(-2, -1)))])}),
            &["idp_saml_metadata"],
        ),
        (json!({"idp_saml_metadata": "<x/>", "idp_certificate": pem}), &["idp_saml_metadata", "idp_certificate"]),
    ];
    for (body, fields) in wrong {
        let refused = customer.post(IDP, &body).await.refused(400, "IIC.400");
        for field in fields {
            assert!(refused.body["error_msg"].as_str().unwrap().contains(field), "{field}: {}", refused.text);
        }
    }
    // Settings at the place where the other operation has them.
    let config = json!({"entity_id": "urn:a", "login_url": "https://idp.example.com/sso"});
    let refused = customer.post(IDP, &config).await.refused(400, "IIC.400");
    let message = "entity_id must be in idp_saml_config, not at the top level";
    assert!(refused.body["error_msg"].as_str().unwrap().contains(message), "{}", refused.text);
    let with_key = change("/idp_certificate", json!(format!("{pem}{key}")));
    let refused = customer.post(IDP, &with_key).await.refused(400, "IIC.400");
    assert!(refused.text.contains("private key"), "{}", refused.text);
    let secret = body_of(&key);
    assert!(world().stack().logs().iter().all(|line| !line.text.contains(&secret[..40])));
    assert!(!refused.text.contains(&secret[..40]));
    // AWS was not called, and nothing was created.
    assert!(asked(&customer).is_empty());
    assert_eq!(customer.get(IDP).await.expect(200).body, json!({"associations": []}));
}

#[tokio::test]
async fn metadata_may_be_long_and_not_endless() {
    let customer = connected("healthy").await;
    let padded = |bytes: usize| {
        let document = metadata(&[("signing", &body_of(&certificate(-1, 100)))]);
        json!({"idp_saml_metadata": format!("{document}<!--{}-->", " ".repeat(bytes - document.len()))})
    };
    for bytes in [260 * 1024, 1_000 * 1024] {
        let refused = customer.post(IDP, &padded(bytes)).await.refused(400, "IIC.400");
        assert!(refused.text.contains("262144 bytes"), "{}", refused.text);
    }
    let _ = customer.post(IDP, &padded(200 * 1024)).await.expect(201);
    let _ = customer.post(IDP, &padded(1_100 * 1024)).await.refused(413, "IIC.413");
}

#[tokio::test]
async fn providers_of_others_are_nobodys() {
    let (customer, path, certificate_id) = with_provider().await;
    let (stranger, _, _) = with_provider().await;
    let settings = json!({"entity_id": "x", "login_url": "https://x.example.com"});
    let _ = stranger.put(&path, &settings).await.refused(404, "IIC.404");
    for change in ["enable", "disable"] {
        let _ = stranger.post(&format!("{path}/{change}"), &Value::Null).await.refused(404, "IIC.404");
    }
    let _ = stranger.delete(&path).await.refused(404, "IIC.404");
    let _ = stranger.get(&format!("{path}/certificate")).await.refused(404, "IIC.404");
    let body = import(&certificate(-1, 100));
    let _ = stranger.post(&format!("{path}/certificate"), &body).await.refused(404, "IIC.404");
    let _ = stranger.delete(&format!("{path}/certificate/{certificate_id}")).await.refused(404, "IIC.404");
    // Unknown ids of another format do not exist either; impossible ids are invalid.
    let _ = customer.delete(&format!("{IDP}/none")).await.refused(404, "IIC.404");
    let _ = customer.delete(&format!("{IDP}/a%20b")).await.refused(400, "IIC.400");
    let both = format!("/v1/identity-stores/%23/external-idp/%23/certificate/{certificate_id}");
    let refused = customer.delete(&both).await.refused(400, "IIC.400");
    assert!(refused.text.contains("identity_store_id") && refused.text.contains("idp_id"), "{}", refused.text);
    let other_store = path.replace("d-1234567890", "d-9067f2a3c1");
    let _ = customer.delete(&other_store).await.refused(404, "IIC.404");
    assert_eq!(customer.get(IDP).await.expect(200).body["associations"][0]["is_enabled"], false);
}

#[tokio::test]
async fn if_match_names_the_version_of_the_provider() {
    let (customer, path, _) = with_provider().await;
    let enable =
        |tag: &'static str| customer.send(customer.request("POST", &format!("{path}/enable")).header("if-match", tag));
    let _ = enable("\"7\"").await.refused(412, "IIC.412");
    let enabled = enable("\"1\"").await.expect(200);
    assert_eq!(enabled.header("etag"), Some("\"2\""));
    let cost = customer.cost(&enabled).await;
    assert_eq!((cost.dynamodb_calls, cost.dynamodb_round_trips, cost.aws_calls), (2, 2, 0));
}

#[tokio::test]
async fn a_provider_that_trusts_nothing_yet_is_not_enabled() {
    let customer = connected("healthy").await;
    let made = customer.post(IDP, &new_idp(&certificate(2, 100))).await.expect(201);
    let path = format!("{IDP}/{}", made.body["idp_id"].as_str().unwrap());
    let _ = customer.post(&format!("{path}/enable"), &Value::Null).await.refused(400, "IIC.1329");
    let _ = customer.post(&format!("{path}/certificate"), &import(&certificate(-1, 100))).await.expect(200);
    let _ = customer.post(&format!("{path}/enable"), &Value::Null).await.expect(200);
}

/// Returns the base64 text in a PEM.
fn body_of(pem: &str) -> String {
    pem.lines().filter(|line| !line.starts_with("-----")).collect()
}

/// Returns metadata with keys of these uses.
fn metadata(keys: &[(&str, &str)]) -> String {
    let keys = keys.iter().map(|(usage, certificate)| {
        format!(
            "<md:KeyDescriptor use=\"{usage}\"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate>\
             </ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
        )
    });
    format!(
        "<?xml version=\"1.0\"?><md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" \
         xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" entityID=\"https://idp.example.com/metadata\">\
         <md:IDPSSODescriptor WantAuthnRequestsSigned=\"true\" \
         protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">{}\
         <md:SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" \
         Location=\"https://idp.example.com/redirect\"/></md:IDPSSODescriptor></md:EntityDescriptor>",
        keys.collect::<String>()
    )
}
