//! Tests of metadata as identity providers publish it: preview, import, replacement, and the warnings that they give.

use serde_json::{Value, json};
use trustplane_corpus::{Certificate, Document, Validity, all, weak};
use trustplane_domain::ids::TenantId;
use trustplane_end_to_end::{Customer, Reply, world};

use super::{IDP, certificate, connected, import, with_provider};
use crate::table::{audit_records, table};

const PREVIEW: &str = "/v1/identity-stores/d-1234567890/external-idp/preview";
const SP_CERTIFICATES: &str = "/v1/identity-stores/d-1234567890/saml-certificates";

/// Signed with SHA-1, valid until 2048.
const SHA_1: &str = include_str!("sha1.pem");

/// Metadata of one provider with these certificates, and these attributes of its role.
pub fn metadata(entity_id: &str, attributes: &str, certificates: &[String]) -> String {
    let keys: String = certificates
        .iter()
        .map(|base64| {
            format!(
                "<md:KeyDescriptor use=\"signing\"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{base64}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
            )
        })
        .collect();
    format!(
        "<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" entityID=\"{entity_id}\"><md:IDPSSODescriptor {attributes} protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">{keys}<md:SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" Location=\"https://idp.example.com/sso\"/></md:IDPSSODescriptor></md:EntityDescriptor>"
    )
}

fn body(document: &Document) -> Value {
    match document.select {
        Some(entity_id) => json!({"idp_saml_metadata": document.text, "idp_saml_config": {"entity_id": entity_id}}),
        None => json!({"idp_saml_metadata": document.text, "idp_saml_config": {"entity_id": "", "login_url": ""}}),
    }
}

fn strings(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect()
}

/// The only provider of the store.
async fn provider(customer: &Customer) -> Value {
    customer.get(IDP).await.expect(200).body["associations"][0].clone()
}

async fn records(customer: &Customer, action: &str) -> Vec<Value> {
    audit_records(&table(world()), TenantId::parse(&customer.tenant).unwrap(), action).await
}

fn warnings(reply: &Reply) -> Vec<String> {
    let header = reply.header("warning").unwrap_or_default();
    assert!(header.is_ascii(), "{header}");
    header.split("299 - \"").skip(1).map(|one| one.trim_end_matches([',', ' ', '"']).to_owned()).collect()
}

#[tokio::test]
async fn every_kind_of_provider_is_previewed_and_imported_alike() {
    let customer = connected("healthy").await;
    // AWS is asked once for the store.
    let _ = customer.get(IDP).await.expect(200);
    for document in all() {
        let (kind, facts) = (document.kind, &document.facts);
        let shown = customer.post(PREVIEW, &body(&document)).await.expect(200);
        let cost = customer.cost(&shown).await;
        assert!(cost.dynamodb_calls == 1, "{kind}: {cost:?}");
        let found = shown.body["certificates"].as_array().unwrap();
        let fingerprints = |usable: bool| -> Vec<String> {
            let of = found.iter().filter(|one| one["usable"] == usable);
            of.map(|one| one["fingerprint_sha256"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(
            (fingerprints(true), fingerprints(false)),
            (facts.fingerprints.clone(), facts.left_out.clone()),
            "{kind}"
        );
        assert!(found.iter().all(|one| one["usable"] == true || one["reason"].is_string()), "{kind}: {found:?}");
        assert!(strings(&shown.body["left_out"]).len() >= facts.left_out.len(), "{kind}");
        assert!(strings(&shown.body["providers"]).contains(&facts.entity_id), "{kind}");
        assert_eq!(customer.get(IDP).await.expect(200).body, json!({"associations": []}), "{kind}");

        let made = customer.post(IDP, &body(&document)).await.expect(201);
        assert_eq!(made.header("warning"), shown.header("warning"), "{kind}");
        let forgeable = warnings(&made).iter().filter(|one| one.contains("can be forged")).count();
        assert_eq!(forgeable, facts.forgeable, "{kind}: {:?}", made.header("warning"));
        let provider = provider(&customer).await;
        let config = &provider["idp_saml_config"];
        for field in ["entity_id", "login_url", "want_request_signed"] {
            assert_eq!(config[field], shown.body[field], "{kind}");
        }
        let expected = (json!(facts.entity_id), json!(facts.login_url), json!(facts.want_request_signed));
        assert_eq!(
            (&config["entity_id"], &config["login_url"], &config["want_request_signed"]),
            (&expected.0, &expected.1, &expected.2),
            "{kind}"
        );
        let path = format!("{IDP}/{}", made.body["idp_id"].as_str().unwrap());
        let listed = customer.get(&format!("{path}/certificate")).await.expect(200);
        let versions: Vec<&Value> =
            listed.body["idp_certificates"].as_array().unwrap().iter().map(|one| &one["version"]).collect();
        let version = if kind == "Keycloak" { 1 } else { 3 };
        assert_eq!(versions, vec![&json!(version); facts.fingerprints.len()], "{kind}");
        let _ = customer.delete(&path).await.expect(200);
    }
}

#[tokio::test]
async fn a_warning_names_what_is_left_out_and_the_audit_record_has_all_of_it() {
    let customer = connected("healthy").await;
    let old = Certificate { key: weak(), validity: Validity::OVER, ..Certificate::named("Größe") }.sign().base64();
    let good = Certificate::named("idp.example.com").sign().base64();
    let text = metadata("urn:a", "", &[old.clone(), good.clone(), String::new()]);
    let made = customer.post(IDP, &json!({"idp_saml_metadata": text})).await.expect(201);
    let told = warnings(&made);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(
        told[0].contains("signing certificate 1 (`CN=Gr%C3%B6%C3%9Fe`)") && told[0].contains("1024 bits"),
        "{told:?}"
    );
    assert!(told[1].contains("signing certificate 3 is left out: it is empty"), "{told:?}");
    let records = records(&customer, "create-external-idp").await;
    let warnings = strings(&records[0]["after"]["warnings"]);
    assert!(warnings[0].contains("CN=Größe") && warnings.len() == 2, "{warnings:?}");

    // None usable: each is named with its reason.
    let other = connected("healthy").await;
    let none = json!({"idp_saml_metadata": metadata("urn:a", "", &[old, "AAAA".to_owned()])});
    for path in [IDP, PREVIEW] {
        let message = other.post(path, &none).await.refused(400, "IIC.400").body["error_msg"].clone();
        let message = message.as_str().unwrap();
        assert!(message.contains("certificate 1") && message.contains("1024 bits"), "{message}");
        assert!(message.contains("certificate 2"), "{message}");
    }
    // At most eight warnings, of which the last counts the rest.
    let many: Vec<String> = (0..12).map(|_| String::new()).chain([good]).collect();
    let made = other.post(IDP, &json!({"idp_saml_metadata": metadata("urn:a", "", &many)})).await.expect(201);
    let header = made.header("warning").unwrap();
    assert_eq!(header.matches("299 - ").count(), 8, "{header}");
    assert!(header.contains("5 more warnings"), "{header}");
}

#[tokio::test]
async fn a_forgeable_signature_gives_a_warning_on_every_way_in() {
    let config = json!({"entity_id": "urn:a", "login_url": "https://idp.example.com/"});
    let base64: String = SHA_1.lines().filter(|line| !line.starts_with("-----")).collect();
    let text = metadata("urn:a", "", std::slice::from_ref(&base64));
    for body in [
        json!({"idp_saml_config": config, "idp_certificate": SHA_1}),
        json!({"idp_saml_config": config, "idp_certificate": base64}),
        json!({"idp_saml_metadata": text}),
    ] {
        let customer = connected("healthy").await;
        let made = customer.post(IDP, &body).await.expect(201);
        assert!(warnings(&made)[0].contains("SHA1withRSA"), "{made:?}");
    }
    let (customer, path, _) = with_provider().await;
    let imported = customer.post(&format!("{path}/certificate"), &import(&base64)).await.expect(200);
    assert!(warnings(&imported)[0].contains("SHA1withRSA"), "{imported:?}");
    let listed = customer.get(&format!("{path}/certificate")).await.expect(200);
    assert_eq!(listed.body["idp_certificates"][1]["x509_Certificate_in_pem"], base64);
    let replaced = customer.put(&path, &json!({"idp_saml_metadata": text})).await.expect(200);
    assert!(warnings(&replaced)[0].contains("SHA1withRSA"), "{replaced:?}");
}

#[tokio::test]
async fn enabling_a_provider_that_wants_signed_requests_warns_until_something_signs() {
    let customer = connected("healthy").await;
    let base64 = Certificate::named("realm").sign().base64();
    let text = metadata("urn:a", "WantAuthnRequestsSigned=\"true\"", &[base64]);
    let made = customer.post(IDP, &json!({"idp_saml_metadata": text})).await.expect(201);
    assert_eq!(made.header("warning"), None);
    let path = format!("{IDP}/{}", made.body["idp_id"].as_str().unwrap());
    let enable = async || customer.post(&format!("{path}/enable"), &Value::Null).await.expect(200);
    for _ in 0..2 {
        let enabled = enable().await;
        assert!(warnings(&enabled)[0].contains("wants signed requests"), "{enabled:?}");
    }
    let marked = records(&customer, "enable-external-idp").await;
    assert_eq!((marked.len(), &marked[0]["after"]["unsigned_requests"]), (1, &json!(true)));
    // An inactive certificate signs nothing.
    let own = customer.post(SP_CERTIFICATES, &Value::Null).await.expect(201);
    assert!(enable().await.header("warning").is_some());
    let id = own.body["certificate_id"].as_str().unwrap();
    let _ = customer.post(&format!("{SP_CERTIFICATES}/{id}/active"), &Value::Null).await.expect(200);
    assert_eq!(enable().await.header("warning"), None);

    // The flag alone can be changed, and names leave it as it is.
    let flag = |value: bool| json!({"want_request_signed": value});
    let _ = customer.put(&path, &flag(false)).await.expect(200);
    assert_eq!(provider(&customer).await["idp_saml_config"]["want_request_signed"], false);
    let names = json!({"entity_id": "urn:b", "login_url": "https://idp.example.com/b", "want_request_signed": true});
    let _ = customer.put(&path, &names).await.expect(200);
    let names = json!({"entity_id": "urn:c", "login_url": "https://idp.example.com/c"});
    let _ = customer.put(&path, &names).await.expect(200);
    let config = &provider(&customer).await["idp_saml_config"];
    assert_eq!((&config["entity_id"], &config["want_request_signed"]), (&json!("urn:c"), &json!(true)));
}

#[tokio::test]
async fn metadata_replaces_settings_and_certificates() {
    let (customer, path, manual) = with_provider().await;
    let signed = |validity: Validity| Certificate { validity, ..Certificate::named("idp") }.sign().base64();
    let [one, two] = [(); 2].map(|()| signed(Validity::NOW));
    let put = async |text: &str| customer.put(&path, &json!({"idp_saml_metadata": text})).await;
    let _ = put(&metadata("urn:a", "WantAuthnRequestsSigned=\"1\"", &[one.clone(), two.clone()])).await.expect(200);
    let first = provider(&customer).await;
    assert_eq!(first["idp_saml_config"]["entity_id"], "urn:a");
    assert_eq!(first["idp_saml_config"]["want_request_signed"], true);
    let ids = |provider: &Value| -> Vec<Value> {
        let all = provider["idp_certificate_ids"].as_array().unwrap().iter();
        all.map(|one| one["certificate_id"].clone()).collect()
    };
    let before = ids(&first);
    assert!(before.len() == 2 && !before.contains(&json!(manual)), "{before:?}");
    let _ = customer.post(&format!("{path}/enable"), &Value::Null).await.expect(200);
    // A certificate that stays keeps its id; `If-Match` holds.
    let body = json!({"idp_saml_metadata": metadata("urn:a", "", std::slice::from_ref(&two))});
    let _ = customer
        .send(customer.request("PUT", &path).json(&body).header("if-match", "\"1\""))
        .await
        .refused(412, "IIC.412");
    let _ = customer.put(&path, &body).await.expect(200);
    assert_eq!(ids(&provider(&customer).await), [before[1].clone()]);
    // An enabled provider keeps something valid to trust.
    let later = metadata("urn:a", "", &[signed(Validity(10, 100))]);
    let _ = put(&later).await.refused(409, "IIC.1007");
    let both = json!({"idp_saml_metadata": later, "entity_id": "urn:b", "login_url": "https://idp.example.com/"});
    let refused = customer.put(&path, &both).await.refused(400, "IIC.400");
    assert!(refused.text.contains("entity_id") && refused.text.contains("login_url"), "{}", refused.text);
    let _ = put("<x/>").await.refused(400, "IIC.400");
    assert_eq!(ids(&provider(&customer).await), [before[1].clone()]);
}

#[tokio::test]
async fn one_provider_of_a_federation_is_selected() {
    let customer = connected("healthy").await;
    let base64 = || Certificate::named("member").sign().base64();
    let members: String = (0..12).map(|number| metadata(&format!("urn:{number}"), "", &[base64()])).collect();
    let text = format!(
        "<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\">{members}</md:EntitiesDescriptor>"
    );
    let select = |id: &str| json!({"idp_saml_metadata": text, "idp_saml_config": {"entity_id": id}});
    let refused = customer.post(IDP, &json!({"idp_saml_metadata": text})).await.refused(400, "IIC.400");
    assert!(refused.text.contains("12 identity providers") && refused.text.contains("`urn:0`"), "{}", refused.text);
    let refused = customer.post(IDP, &select("urn:none")).await.refused(400, "IIC.400");
    assert!(refused.text.contains("`urn:0`"), "{}", refused.text);
    let shown = customer.post(PREVIEW, &select("urn:7")).await.expect(200);
    assert_eq!(strings(&shown.body["providers"]).len(), 12);
    let _ = customer.post(IDP, &select("urn:7")).await.expect(201);
    assert_eq!(provider(&customer).await["idp_saml_config"]["entity_id"], "urn:7");
}

#[tokio::test]
async fn a_preview_is_for_those_who_may_import_and_writes_nothing() {
    let (customer, _, _) = with_provider().await;
    let text = metadata("urn:other", "", &[Certificate::named("idp").sign().base64()]);
    let body = json!({"idp_saml_metadata": text});
    let before = customer.get(IDP).await.expect(200).body;
    // A store that has a provider can get other metadata by PUT.
    let shown = customer.post(PREVIEW, &body).await.expect(200);
    assert_eq!(shown.body["entity_id"], "urn:other");
    assert_eq!(customer.get(IDP).await.expect(200).body, before);
    assert!(records(&customer, "preview-external-idp").await.is_empty());
    let viewer = customer.send(customer.request_as(&customer.viewer, "POST", PREVIEW).json(&body)).await;
    let _ = viewer.refused(403, "IIC.1000");
    let elsewhere = PREVIEW.replace("d-1234567890", "d-9067f2a3c1");
    let _ = customer.post(&elsewhere, &body).await.refused(404, "IIC.404");
    let config = json!({"entity_id": "urn:a", "login_url": "https://idp.example.com/"});
    let fields = json!({"idp_saml_config": config, "idp_certificate": certificate(-1, 30)});
    let shown = customer.post(PREVIEW, &fields).await.expect(200);
    assert_eq!((&shown.body["entity_id"], &shown.body["certificates"][0]["usable"]), (&json!("urn:a"), &json!(true)));
    assert!(customer.post(PREVIEW, &json!({})).await.refused(400, "IIC.400").text.contains("idp_saml_config"));
}

#[tokio::test]
async fn what_people_paste_is_named() {
    let customer = connected("healthy").await;
    let base64 = Certificate::named("idp").sign().base64();
    let good = metadata("urn:a", "", std::slice::from_ref(&base64));
    for (text, part) in [
        ("<!DOCTYPE html><html><title>Sign in</title></html>".to_owned(), "is an HTML page"),
        ("https://idp.example.com/metadata".to_owned(), "is a URL"),
        (good.replace('"', "\\\""), "is escaped as JSON strings are"),
        (good.replace("<md:", "<").replace("</md:", "</"), "in no namespace"),
        (good.replace("SAML:2.0:metadata", "example"), "in the namespace `urn:oasis:names:tc:example`"),
        (good.replace(&base64, &format!("{base64}\u{201c}")), "is not base64"),
    ] {
        for path in [IDP, PREVIEW] {
            let refused = customer.post(path, &json!({"idp_saml_metadata": text})).await.refused(400, "IIC.400");
            let message = refused.body["error_msg"].as_str().unwrap();
            assert!(message.starts_with("Bad Request: idp_saml_metadata") && message.contains(part), "{message}");
        }
    }
    assert_eq!(customer.get(IDP).await.expect(200).body, json!({"associations": []}));
}
