//! Checks of a server, each by the change of a good document that makes it fail.

use serde_json::json;

use super::super::https_url::HttpsUrl;
use super::*;
use crate::connection::CheckStatus;
use crate::test_report::TestReport;

const ISSUER: &str = "https://auth.acme.example/tenant";

fn now() -> Timestamp {
    Timestamp::parse("2026-01-01T00:00:00Z").unwrap()
}

fn wanted() -> OutboundUrl {
    OutboundUrl::parse(&format!("{ISSUER}{WELL_KNOWN}")).unwrap()
}

fn facts_of(issuer: Option<&str>) -> ServerFacts {
    ServerFacts {
        customer_friendly_name: "Acme".to_owned(),
        customer_friendly_logo_uri: None,
        issuer: issuer.map(|text| HttpsUrl::parse(text).unwrap()),
        openid_discovery_document: Some(HttpsUrl::parse(wanted().as_str()).unwrap()),
    }
}

fn discovery_document() -> Value {
    json!({
        "issuer": ISSUER,
        "authorization_endpoint": "https://auth.acme.example/authorize",
        "token_endpoint": "https://auth.acme.example/token",
        "jwks_uri": "https://auth.acme.example/jwks",
        "response_types_supported": ["code", "id_token"],
        "code_challenge_methods_supported": ["plain", "S256"],
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS256", "ES256"],
        "id_token_signing_alg_values_supported": ["RS256"],
    })
}

fn base64(bytes: usize) -> String {
    URL_SAFE_NO_PAD.encode(vec![0xff; bytes])
}

fn key_set() -> Value {
    json!({"keys": [
        {"kty": "RSA", "kid": "1", "use": "sig", "alg": "RS256", "n": base64(256), "e": "AQAB"},
        {"kty": "EC", "kid": "2", "crv": "P-256", "x": base64(32), "y": base64(32)},
        {"kty": "OKP", "kid": "3", "crv": "Ed25519", "x": base64(32)},
        // Not for signing: not looked at.
        {"kty": "RSA", "kid": "4", "use": "enc", "n": base64(64), "e": "AQAB"},
    ]})
}

fn found(document: &Value) -> Found {
    Found { body: document.to_string().into_bytes(), url: wanted(), clock: Some(now()) }
}

fn observed(document: &Value, keys: &Value) -> Observed {
    Observed { discovery: Ok(found(document)), keys: Some(Ok(found(keys))) }
}

/// Checks that did not pass, each with its status.
fn others(facts: &ServerFacts, observed: &Observed) -> Vec<(String, CheckStatus)> {
    let checks = judge(facts, &wanted(), observed, now());
    assert_eq!(checks.len(), 7);
    for check in &checks {
        let needs_help = matches!(check.status, CheckStatus::Fail | CheckStatus::Warn);
        assert_eq!(check.remediation.is_some(), needs_help, "{check:?}");
        assert!(!check.message.is_empty());
    }
    checks.into_iter().filter(|check| check.status != CheckStatus::Pass).map(|check| (check.id, check.status)).collect()
}

#[test]
fn a_good_server_passes_all_checks() {
    let observed = observed(&discovery_document(), &key_set());
    assert_eq!(others(&facts_of(Some(ISSUER)), &observed), []);
    let report = TestReport::new(judge(&facts_of(Some(ISSUER)), &wanted(), &observed, now()), now(), 5);
    assert!(report.success && report.message == "all checks passed", "{report:?}");
    let facts = facts(&observed);
    assert_eq!((facts.issuer.as_deref(), facts.key_ids.len()), (Some(ISSUER), 4));
    assert_eq!(key_set_url(&observed.discovery.unwrap().body).unwrap().as_str(), "https://auth.acme.example/jwks");
}

#[test]
fn each_change_of_the_document_fails_its_check() {
    use CheckStatus::{Fail, Warn};
    for (field, value, id, status) in [
        ("issuer", json!("https://auth.acme.example/tenant/"), "issuer_match", Fail),
        ("issuer", Value::Null, "issuer_match", Fail),
        ("authorization_endpoint", json!("http://auth.acme.example/"), "endpoints", Fail),
        ("token_endpoint", Value::Null, "endpoints", Fail),
        ("jwks_uri", json!(7), "endpoints", Fail),
        ("response_types_supported", json!(["token"]), "code_flow", Fail),
        ("response_types_supported", Value::Null, "code_flow", Fail),
        ("code_challenge_methods_supported", json!(["plain"]), "code_flow", Warn),
        ("token_endpoint_auth_methods_supported", json!(["client_secret_basic"]), "client_authentication", Warn),
        ("token_endpoint_auth_signing_alg_values_supported", json!(["RS256"]), "client_authentication", Warn),
        ("id_token_signing_alg_values_supported", json!(["none", "HS256"]), "signing_keys", Fail),
    ] {
        let mut document = discovery_document();
        document[field] = value;
        let others = others(&facts_of(Some(ISSUER)), &observed(&document, &key_set()));
        assert_eq!(others, [(id.to_owned(), status)], "{field}");
    }
}

#[test]
fn each_fault_of_a_key_is_named() {
    let good = || json!({"kty": "RSA", "kid": "1", "n": base64(256), "e": "AQAB"});
    for (keys, said) in [
        (json!({}), "no `keys`"),
        (json!({"keys": []}), "no key can verify"),
        (json!({"keys": [good(), {"kty": "oct", "kid": "2", "k": "AAAA"}]}), "key `2` is symmetric"),
        (json!({"keys": [good(), {"kty": "RSA", "n": base64(255), "e": "AQAB"}]}), "key 2 is an RSA key of less"),
        (json!({"keys": [good(), good()]}), "an id that another key has"),
        (json!({"keys": [good(), {"kty": "EC", "crv": "secp256k1", "x": base64(32), "y": base64(32)}]}), "a curve"),
        (json!({"keys": [good(), {"kty": "EC", "crv": "P-256", "x": base64(31), "y": base64(32)}]}), "no point"),
        (json!({"keys": [good(), {"kty": "RSA", "n": "!", "e": "AQAB"}]}), "no modulus"),
        (json!({"keys": [{"kty": "RSA", "n": base64(256), "e": "AQAB", "d": "AAAA"}]}), "a private part"),
        (json!({"keys": [{"kty": "RSA", "alg": "HS256", "n": base64(256), "e": "AQAB"}]}), "a symmetric algorithm"),
        (json!({"keys": [{"kty": "X"}]}), "no type that is known"),
        (json!({"keys": [{"kty": "RSA", "use": "enc", "n": base64(256), "e": "AQAB"}]}), "no key can verify"),
    ] {
        let checks = judge(&facts_of(Some(ISSUER)), &wanted(), &observed(&discovery_document(), &keys), now());
        let check = checks.iter().find(|check| check.id == "signing_keys").unwrap();
        assert_eq!(check.status, CheckStatus::Fail, "{keys}");
        assert!(check.message.contains(said), "{keys}: {}", check.message);
    }
}

#[test]
fn what_cannot_be_fetched_fails_and_the_rest_is_skipped() {
    use CheckStatus::{Fail, Skipped, Warn};
    let facts = facts_of(Some(ISSUER));
    let none = Observed { discovery: Err("no connection to the host".to_owned()), keys: None };
    let statuses: Vec<CheckStatus> = others(&facts, &none).into_iter().map(|(_, status)| status).collect();
    assert_eq!(statuses, [Fail, Skipped, Skipped, Skipped, Skipped, Skipped, Skipped]);
    let elsewhere = OutboundUrl::parse("https://login.example/x").unwrap();
    let moved = Found { url: elsewhere, ..found(&discovery_document()) };
    let moved = Observed { discovery: Ok(moved), keys: None };
    assert_eq!(others(&facts, &moved)[0], ("discovery_reachable".to_owned(), Fail));
    let text = Found { body: b"<html>".to_vec(), ..found(&Value::Null) };
    assert_eq!(others(&facts, &Observed { discovery: Ok(text), keys: None })[0].1, Fail);
    let without_keys = Observed { keys: Some(Err("404".to_owned())), ..observed(&discovery_document(), &key_set()) };
    assert_eq!(others(&facts, &without_keys), [("signing_keys".to_owned(), Fail)]);
    // Without an issuer to compare with, and at another place than the issuer's.
    assert_eq!(
        others(&facts_of(None), &observed(&discovery_document(), &key_set())),
        [("issuer_match".to_owned(), Fail)]
    );
    let other = "https://auth.acme.example/other";
    let mut document = discovery_document();
    document["issuer"] = json!(other);
    assert_eq!(others(&facts_of(Some(other)), &observed(&document, &key_set())), [("issuer_match".to_owned(), Fail)]);
    for (seconds, expected) in [(0, vec![]), (60, vec![]), (-61, vec![("clock".to_owned(), Warn)])] {
        let mut seen = observed(&discovery_document(), &key_set());
        seen.discovery = Ok(Found { clock: Some(now().plus_millis(seconds * SECOND)), ..found(&discovery_document()) });
        assert_eq!(others(&facts, &seen), expected, "{seconds}");
    }
}
