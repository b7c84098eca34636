//! Bodies of requests, and the providers that they offer.

use serde_json::{Value, json};

use super::*;
use crate::Failure;
use crate::certificate::fixtures;
use crate::saml::fixtures::{document, identity_provider};
use crate::timestamp::DAY;

fn now() -> Timestamp {
    Timestamp::parse("2026-01-01T00:00:00Z").unwrap()
}

fn fields(body: &Value) -> Fields {
    Fields::parse(body.to_string().as_bytes()).unwrap()
}

/// The offer in a body, or the fields that are wrong with what is wrong with each.
fn offer(body: &Value) -> Result<Offer, Vec<(String, String)>> {
    let mut fields = fields(body);
    let description = Description::read(&mut fields, now());
    faults(fields).map(|()| {
        let Some(Description::Offer(offer)) = description else { panic!("{description:?}") };
        *offer
    })
}

fn update(body: &Value) -> Result<Update, Vec<(String, String)>> {
    let mut fields = fields(body);
    let update = Update::read(&mut fields, now());
    faults(fields).map(|()| update.unwrap())
}

fn faults(fields: Fields) -> Result<(), Vec<(String, String)>> {
    fields.finish(crate::Faults::default()).map_err(|failure| {
        let Failure::Invalid(faults) = failure else { panic!("{failure:?}") };
        faults.iter().map(|(field, message)| (field.to_owned(), message.to_owned())).collect()
    })
}

fn wrong(outcome: Result<impl std::fmt::Debug, Vec<(String, String)>>) -> Vec<String> {
    outcome.unwrap_err().into_iter().map(|(field, _)| field).collect()
}

fn metadata(entity_id: &str) -> String {
    document(&[&identity_provider(entity_id, &[fixtures::p256().der()])])
}

#[test]
fn metadata_is_offered_beside_empty_settings() {
    let text = metadata("https://idp.example.com/m");
    let empty = [json!({}), json!({"entity_id": "", "login_url": ""}), json!({"entity_id": null}), Value::Null];
    for config in empty {
        let body = json!({"idp_saml_metadata": text, "idp_saml_config": config, "idp_certificate": ""});
        let offer = offer(&body).unwrap();
        assert_eq!(offer.settings.entity_id.as_str(), "https://idp.example.com/m", "{config}");
        assert_eq!((offer.certificates.len(), offer.warnings().len()), (1, 0));
        assert_eq!(offer.providers, ["https://idp.example.com/m"]);
    }
}

#[test]
fn an_entity_id_selects_one_provider_of_several() {
    let entities = ["a", "b"].map(|id| identity_provider(id, &[fixtures::p256().der()]));
    let text = document(&[&entities[0], &entities[1]]);
    let selected = |id: &str| offer(&json!({"idp_saml_metadata": text, "idp_saml_config": {"entity_id": id}}));
    let read = selected("b").unwrap();
    assert_eq!(read.settings.entity_id.as_str(), "b");
    assert_eq!(read.providers, ["a", "b"]);
    let [(field, message)] = &selected("c").unwrap_err()[..] else { panic!() };
    assert_eq!(field, METADATA);
    assert!(message.contains("`a`, `b`"), "{message}");
    let [(_, message)] = &selected("").unwrap_err()[..] else { panic!() };
    assert!(message.contains("2 identity providers") && message.contains("`a`, `b`"), "{message}");
    // Of one provider, only its own entity id.
    let one = |id: &str| offer(&json!({"idp_saml_metadata": metadata("a"), "idp_saml_config": {"entity_id": id}}));
    assert!(one("a").is_ok());
    assert_eq!(wrong(one("b")), [METADATA]);
    assert_eq!(wrong(one(" a")), ["idp_saml_config.entity_id"]);
}

#[test]
fn metadata_and_other_sources_are_not_mixed() {
    let text = metadata("a");
    let config = json!({"entity_id": "a", "login_url": "https://idp.example.com/"});
    let body = json!({"idp_saml_metadata": text, "idp_saml_config": config, "idp_certificate": "x"});
    assert_eq!(wrong(offer(&body)), [CERTIFICATE, "idp_saml_config.login_url"]);
    assert_eq!(wrong(offer(&json!({"idp_saml_metadata": text, "idp_saml_config": []}))), [CONFIG]);
    assert_eq!(wrong(offer(&json!({"idp_saml_metadata": "<x/>", "idp_certificate": 7}))), [CERTIFICATE, METADATA]);
}

#[test]
fn settings_come_with_a_certificate() {
    let pem = fixtures::p256().pem();
    let config = json!({"entity_id": "urn:x", "login_url": "https://idp.example.com/", "want_request_signed": true});
    let read = offer(&json!({"idp_saml_config": config, "idp_certificate": pem})).unwrap();
    assert_eq!((read.settings.entity_id.as_str(), read.settings.want_request_signed), ("urn:x", true));
    assert_eq!(read.certificates[0].pem(), pem);
    assert_eq!(wrong(offer(&json!({}))), [CERTIFICATE, CONFIG]);
    let empty = json!({"idp_saml_config": {"entity_id": "", "login_url": ""}, "idp_certificate": pem});
    assert_eq!(wrong(offer(&empty)), ["idp_saml_config.entity_id", "idp_saml_config.login_url"]);
    let names = ["idp_saml_config.entity_id", "idp_saml_config.login_url"];
    assert_eq!(wrong(offer(&json!({"idp_saml_config": {}, "idp_certificate": pem}))), names);
    let half = json!({"idp_saml_config": {"entity_id": " "}, "idp_certificate": "x"});
    assert_eq!(wrong(offer(&half)), [CERTIFICATE, "idp_saml_config.entity_id", "idp_saml_config.login_url"]);
    let expired = fixtures::valid(now().plus_millis(-2 * DAY), now().plus_millis(-DAY)).pem();
    assert_eq!(wrong(offer(&json!({"idp_saml_config": config, "idp_certificate": expired}))), [CERTIFICATE]);
}

#[test]
fn warnings_name_forgeable_signatures_on_every_way_in() {
    const SHA_1: &str = include_str!("sha1.pem");
    let config = json!({"entity_id": "urn:x", "login_url": "https://idp.example.com/"});
    let from_fields = offer(&json!({"idp_saml_config": config, "idp_certificate": SHA_1})).unwrap();
    let base64 = Certificate::from_pem(SHA_1).unwrap().to_base64_der();
    let text = metadata("a").replace(&Certificate::from_pem(SHA_1).unwrap().to_base64_der(), "");
    let start = text.find("<ds:X509Certificate>").unwrap() + "<ds:X509Certificate>".len();
    let end = text.find("</ds:X509Certificate>").unwrap();
    let text = format!("{}{base64}{}", &text[..start], &text[end..]);
    let from_metadata = offer(&json!({"idp_saml_metadata": text})).unwrap();
    for offer in [from_fields, from_metadata] {
        let [warning] = &offer.warnings()[..] else { panic!("{:?}", offer.warnings()) };
        assert!(warning.contains("SHA1withRSA"), "{warning}");
    }
}

#[test]
fn an_update_is_of_settings_or_of_metadata() {
    let names = json!({"entity_id": "a", "login_url": "https://idp.example.com/"});
    let Update::Settings(SettingsUpdate { names: Some((entity_id, _)), want_request_signed: None, .. }) =
        update(&names).unwrap()
    else {
        panic!()
    };
    assert_eq!(entity_id.as_str(), "a");
    let mut flagged = names.clone();
    flagged["want_request_signed"] = json!(false);
    let read = update(&flagged).unwrap();
    assert!(
        matches!(
            &read,
            Update::Settings(SettingsUpdate { names: Some(_), want_request_signed: Some(false), clears_url: true, .. })
        ),
        "{read:?}"
    );
    let read = update(&json!({"want_request_signed": true})).unwrap();
    let flag = SettingsUpdate { want_request_signed: Some(true), ..SettingsUpdate::default() };
    assert_eq!(read, Update::Settings(flag));
    let text = metadata("b");
    for (flag, expected) in [(Value::Null, false), (json!(true), true), (json!(false), false)] {
        let Update::Metadata(offer) = update(&json!({"idp_saml_metadata": text, "want_request_signed": flag})).unwrap()
        else {
            panic!()
        };
        assert_eq!((offer.settings.entity_id.as_str(), offer.settings.want_request_signed), ("b", expected));
    }
    assert_eq!(wrong(update(&json!({}))), [ENTITY_ID, LOGIN_URL]);
    assert_eq!(wrong(update(&json!({"entity_id": "a", "want_request_signed": true}))), [LOGIN_URL]);
    assert_eq!(wrong(update(&json!({"want_request_signed": "yes"}))), [ENTITY_ID, LOGIN_URL, "want_request_signed"]);
    let mut both = names;
    both["idp_saml_metadata"] = json!(text);
    assert_eq!(wrong(update(&both)), [ENTITY_ID, LOGIN_URL]);
    assert_eq!(wrong(update(&json!({"idp_saml_metadata": "<x/>"}))), [METADATA]);
}

#[test]
fn settings_at_the_place_of_the_other_operation_are_named() {
    let names = json!({"entity_id": "a", "login_url": "https://idp.example.com/"});
    let said = |faults: Vec<(String, String)>| -> Vec<String> {
        faults.into_iter().map(|(field, message)| format!("{field} {message}")).collect()
    };
    let top = "must be at the top level, not in idp_saml_config";
    let nested = update(&json!({"idp_saml_config": names})).unwrap_err();
    assert_eq!(said(nested), [format!("entity_id {top}"), format!("login_url {top}")]);
    let half = update(&json!({"idp_saml_config": {"entity_id": "a"}})).unwrap_err();
    assert_eq!(said(half), [format!("entity_id {top}"), "login_url is required".to_owned()]);
    let within = "must be in idp_saml_config, not at the top level";
    let outside = said(offer(&names).unwrap_err());
    assert!(outside.contains(&format!("entity_id {within}")) && outside.contains(&format!("login_url {within}")));
    // Beside settings in their place, others are ignored.
    let mut both = json!({"idp_saml_config": names, "idp_certificate": fixtures::p256().pem()});
    both["entity_id"] = json!("b");
    assert_eq!(offer(&both).unwrap().settings.entity_id.as_str(), "a");
}

#[test]
fn a_metadata_url_is_the_only_source_of_its_request() {
    let url = "https://idp.example.com/metadata?token=1";
    let read = |body: &Value| {
        let mut fields = fields(body);
        let description = Description::read(&mut fields, now());
        faults(fields).map(|()| description.unwrap())
    };
    let by = ByUrl { url: OutboundUrl::parse(url).unwrap(), trust: Trust::Continuous, selected: None };
    assert_eq!(read(&json!({"idp_saml_metadata_url": url, "idp_saml_metadata": ""})), Ok(Description::Url(by.clone())));
    let selecting = json!({
        "idp_saml_metadata_url": url, "metadata_trust": "tls", "idp_saml_config": {"entity_id": "urn:a", "login_url": ""},
    });
    let tls = ByUrl { trust: Trust::Tls, selected: Some(EntityId::parse("urn:a").unwrap()), ..by.clone() };
    assert_eq!(read(&selecting), Ok(Description::Url(tls.clone())));
    let text = metadata("urn:a");
    for (body, fields) in [
        (json!({"idp_saml_metadata_url": "http://idp.example.com/"}), vec!["idp_saml_metadata_url"]),
        (
            json!({"idp_saml_metadata_url": url, "idp_saml_metadata": text, "idp_certificate": "x"}),
            vec!["idp_certificate", "idp_saml_metadata"],
        ),
        (
            json!({"idp_saml_metadata_url": url, "idp_saml_config": {"entity_id": "urn:a", "login_url": "https://a.example"}}),
            vec!["idp_saml_config.login_url"],
        ),
        (json!({"idp_saml_metadata_url": url, "metadata_trust": "blind"}), vec!["metadata_trust"]),
        (json!({"idp_saml_metadata": text, "metadata_trust": "tls"}), vec!["metadata_trust"]),
    ] {
        assert_eq!(wrong(read(&body)), fields, "{body}");
    }
    // An update takes it too; empty, it clears the URL and nothing else.
    let body =
        json!({"idp_saml_metadata_url": url, "metadata_trust": "tls", "idp_saml_config": {"entity_id": "urn:a"}});
    assert_eq!(update(&body), Ok(Update::Url { by: tls, want_request_signed: None }));
    let cleared = SettingsUpdate { clears_url: true, ..SettingsUpdate::default() };
    assert_eq!(update(&json!({"idp_saml_metadata_url": ""})), Ok(Update::Settings(cleared)));
    let trust = SettingsUpdate { trust: Some(Trust::Tls), ..SettingsUpdate::default() };
    assert_eq!(update(&json!({"metadata_trust": "tls"})), Ok(Update::Settings(trust)));
    for (body, fields) in [
        (
            json!({"idp_saml_metadata_url": url, "entity_id": "urn:a", "login_url": "https://a.example"}),
            vec!["entity_id", "login_url"],
        ),
        (json!({"idp_saml_metadata_url": "", "metadata_trust": "tls"}), vec!["metadata_trust"]),
        (json!({"idp_saml_metadata": text, "metadata_trust": "tls"}), vec!["metadata_trust"]),
    ] {
        assert_eq!(wrong(update(&body)), fields, "{body}");
    }
}
