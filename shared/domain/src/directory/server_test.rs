//! The test of an authorisation server: what its discovery document and its keys have to be like for the service to sign
//! users in by it.
//!
//! Sources: OpenID Connect Discovery 1.0, sections 3 and 4.3; RFC 7517; RFC 9700, section 2.1.1 (PKCE).

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::authorisation_server::ServerFacts;
use crate::Timestamp;
use crate::health::Facts;
use crate::outbound::OutboundUrl;
use crate::test_report::TestCheck;
use crate::timestamp::SECOND;

/// Most difference of the clocks, in milliseconds.
const SKEW: i64 = 60 * SECOND;
/// Least length of an RSA modulus, in bits.
const RSA_BITS: usize = 2048;
/// Text behind the issuer in the URL of a discovery document.
const WELL_KNOWN: &str = "/.well-known/openid-configuration";

/// A document that was fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The document.
    pub body: Vec<u8>,
    /// Its URL, after redirects.
    pub url: OutboundUrl,
    /// The server's time now: `Date` and `Age` of the response together.
    pub clock: Option<Timestamp>,
}

/// The outcome of a fetch, with the reason of a failure.
pub type Fetched = Result<Found, String>;

/// The documents of an authorisation server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// The discovery document.
    pub discovery: Fetched,
    /// The key set that it names; `None` if it names none that can be fetched.
    pub keys: Option<Fetched>,
}

/// The URL of the key set that a discovery document names, if it is one to fetch from.
pub fn key_set_url(discovery: &[u8]) -> Option<OutboundUrl> {
    let document: Value = serde_json::from_slice(discovery).ok()?;
    OutboundUrl::parse(document.get("jwks_uri")?.as_str()?).ok()
}

/// Judges the documents of a server, whose discovery document is to be at `wanted`.
pub fn judge(facts: &ServerFacts, wanted: &OutboundUrl, observed: &Observed, now: Timestamp) -> Vec<TestCheck> {
    let (reachable, document) = discovery(wanted, &observed.discovery);
    let Some(document) = document else {
        let others = ["issuer_match", "endpoints", "code_flow", "client_authentication", "signing_keys"];
        let skipped = others.map(|id| TestCheck::skipped(id, "there is no discovery document"));
        return [reachable].into_iter().chain(skipped).chain([clock(&observed.discovery, now)]).collect();
    };
    vec![
        reachable,
        issuer(facts, wanted, &document),
        endpoints(&document),
        code_flow(&document),
        client_authentication(&document),
        signing_keys(&document, observed.keys.as_ref()),
        clock(&observed.discovery, now),
    ]
}

fn discovery(wanted: &OutboundUrl, fetched: &Fetched) -> (TestCheck, Option<Value>) {
    const ID: &str = "discovery_reachable";
    let found = match fetched {
        Ok(found) => found,
        Err(reason) => {
            let message = format!("the discovery document cannot be fetched: {reason}");
            return (TestCheck::fail(ID, message, "correct OpenIDDiscoveryDocument, or the server behind it"), None);
        }
    };
    if found.url.host() != wanted.host() {
        let message = format!("the discovery document is at another host: {}", found.url.origin());
        return (TestCheck::fail(ID, message, "set OpenIDDiscoveryDocument to the final URL"), None);
    }
    match serde_json::from_slice::<Value>(&found.body).ok().filter(Value::is_object) {
        Some(document) => (TestCheck::pass(ID, "the discovery document was fetched"), Some(document)),
        None => {
            let message = "the discovery document is not a JSON object";
            (TestCheck::fail(ID, message, "set OpenIDDiscoveryDocument to the URL of the JSON document"), None)
        }
    }
}

fn issuer(facts: &ServerFacts, wanted: &OutboundUrl, document: &Value) -> TestCheck {
    const ID: &str = "issuer_match";
    let Some(found) = text(document, "issuer") else {
        return TestCheck::fail(ID, "the discovery document has no `issuer`", "add it: Discovery 1.0 requires it");
    };
    let Some(expected) = facts.issuer.as_ref().map(super::https_url::HttpsUrl::as_str) else {
        return TestCheck::fail(
            ID,
            format!("the server has no Issuer; the document's is `{found}`"),
            "set Issuer to it",
        );
    };
    if found != expected {
        let message = format!("the document's issuer is `{found}`, the server's is `{expected}`");
        return TestCheck::fail(ID, message, "set Issuer to the document's, character for character, if it is right");
    }
    let location = format!("{}{WELL_KNOWN}", expected.trim_end_matches('/'));
    if wanted.as_str() == location {
        TestCheck::pass(ID, "the issuer is the server's, and the document is in its place")
    } else {
        let message = format!("the document of this issuer belongs at `{location}`");
        TestCheck::fail(ID, message, "set OpenIDDiscoveryDocument to that URL, or correct Issuer")
    }
}

fn endpoints(document: &Value) -> TestCheck {
    const ID: &str = "endpoints";
    let names = ["authorization_endpoint", "token_endpoint", "jwks_uri"];
    let is_wrong = |name: &&str| !text(document, name).is_some_and(|url| url.starts_with("https://"));
    let wrong: Vec<&str> = names.into_iter().filter(is_wrong).collect();
    if wrong.is_empty() {
        return TestCheck::pass(ID, "all endpoints are there");
    }
    let message = format!("missing or not `https`: {}", wrong.join(", "));
    TestCheck::fail(ID, message, "publish each as an `https` URL")
}

fn code_flow(document: &Value) -> TestCheck {
    const ID: &str = "code_flow";
    if !texts(document, "response_types_supported").any(|one| one == "code") {
        let message = "`response_types_supported` does not have `code`";
        return TestCheck::fail(ID, message, "enable the authorization code flow");
    }
    if texts(document, "code_challenge_methods_supported").any(|one| one == "S256") {
        TestCheck::pass(ID, "the code flow with PKCE is supported")
    } else {
        let message = "`code_challenge_methods_supported` does not have `S256`";
        TestCheck::warn(ID, message, "enable PKCE, or publish that it is enabled")
    }
}

fn client_authentication(document: &Value) -> TestCheck {
    const ID: &str = "client_authentication";
    if !texts(document, "token_endpoint_auth_methods_supported").any(|one| one == "private_key_jwt") {
        let message = "`token_endpoint_auth_methods_supported` does not have `private_key_jwt`";
        return TestCheck::warn(ID, message, "enable it: the service authenticates by it");
    }
    if texts(document, "token_endpoint_auth_signing_alg_values_supported").any(|one| one == "ES256") {
        TestCheck::pass(ID, "`private_key_jwt` with `ES256` is supported")
    } else {
        let message = "`token_endpoint_auth_signing_alg_values_supported` does not have `ES256`";
        TestCheck::warn(ID, message, "enable ES256 for `private_key_jwt`")
    }
}

fn signing_keys(document: &Value, keys: Option<&Fetched>) -> TestCheck {
    const ID: &str = "signing_keys";
    let found = match keys {
        None => return TestCheck::skipped(ID, "the discovery document names no key set that can be fetched"),
        Some(Err(reason)) => {
            let message = format!("the key set cannot be fetched: {reason}");
            return TestCheck::fail(ID, message, "correct `jwks_uri`, or the server behind it");
        }
        Some(Ok(found)) => found,
    };
    let parsed: Option<Value> = serde_json::from_slice(&found.body).ok();
    let Some(keys) = parsed.as_ref().and_then(|set| set.get("keys")).and_then(Value::as_array) else {
        return TestCheck::fail(ID, "the key set has no `keys`", "publish a JSON Web Key Set (RFC 7517)");
    };
    let mut faults: Vec<String> = Vec::new();
    let algorithms: BTreeSet<&str> = texts(document, "id_token_signing_alg_values_supported").collect();
    if !algorithms.is_empty() && algorithms.iter().all(|one| is_symmetric(one)) {
        faults.push("`id_token_signing_alg_values_supported` has `none` and symmetric algorithms only".to_owned());
    }
    let mut ids = BTreeSet::new();
    let mut usable = 0;
    for (place, key) in keys.iter().enumerate() {
        let name = text(key, "kid")
            .map_or_else(|| format!("key {}", place + 1), |id| format!("key `{}`", crate::shown::shown(id)));
        if text(key, "kid").is_some_and(|id| !ids.insert(id)) {
            faults.push(format!("{name} has an id that another key has"));
        }
        if text(key, "use").is_some_and(|usage| usage != "sig") {
            continue;
        }
        match key_fault(key) {
            Some(fault) => faults.push(format!("{name} {fault}")),
            None => usable += 1,
        }
    }
    if usable == 0 {
        faults.push("no key can verify signatures".to_owned());
    }
    if faults.is_empty() {
        return TestCheck::pass(ID, format!("{usable} keys can verify signatures"));
    }
    TestCheck::fail(ID, faults.join("; "), "publish the public keys that ID tokens are signed with, and no others")
}

/// The fault of a key for signing, if it has one.
fn key_fault(key: &Value) -> Option<&'static str> {
    let bytes = |name: &str| text(key, name).and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
    if text(key, "alg").is_some_and(is_symmetric) {
        return Some("is for `none` or a symmetric algorithm");
    }
    let has_private = ["d", "p", "q", "k"].iter().any(|name| key.get(name).is_some());
    match text(key, "kty") {
        Some("oct") => Some("is symmetric"),
        _ if has_private => Some("has a private part, which everybody can read"),
        Some("RSA") => match (bytes("n"), bytes("e")) {
            (Some(modulus), Some(_)) if bits(&modulus) < RSA_BITS => Some("is an RSA key of less than 2048 bits"),
            (Some(_), Some(_)) => None,
            _ => Some("has no modulus or exponent"),
        },
        Some("EC") => {
            let length = match text(key, "crv") {
                Some("P-256") => 32,
                Some("P-384") => 48,
                Some("P-521") => 66,
                _ => return Some("is on a curve that is not supported"),
            };
            let is_point = ["x", "y"].iter().all(|name| bytes(name).is_some_and(|bytes| bytes.len() == length));
            (!is_point).then_some("has no point of its curve's length")
        }
        Some("OKP") => (bytes("x").is_none_or(|bytes| bytes.is_empty())).then_some("has no public key"),
        _ => Some("has no type that is known"),
    }
}

fn bits(modulus: &[u8]) -> usize {
    let bytes: Vec<u8> = modulus.iter().copied().skip_while(|byte| *byte == 0).collect();
    let unused = bytes.first().map_or(0, |first| first.leading_zeros());
    (bytes.len() * 8).saturating_sub(usize::try_from(unused).unwrap_or_default())
}

fn is_symmetric(algorithm: &str) -> bool {
    algorithm == "none" || algorithm.starts_with("HS")
}

fn clock(fetched: &Fetched, now: Timestamp) -> TestCheck {
    const ID: &str = "clock";
    match fetched.as_ref().ok().and_then(|found| found.clock) {
        None => TestCheck::skipped(ID, "the response has no `Date`"),
        Some(clock) if clock.millis_since(now).abs() <= SKEW => TestCheck::pass(ID, "the server's clock is right"),
        Some(clock) => {
            let seconds = clock.millis_since(now) / SECOND;
            let message = format!("the server's clock differs by {seconds} seconds");
            TestCheck::warn(
                ID,
                message,
                "synchronise the server's clock: tokens seem expired or not yet valid otherwise",
            )
        }
    }
}

/// Issuer and ids of the keys, to see that they have changed.
pub fn facts(observed: &Observed) -> Facts {
    let parsed = |fetched: &Fetched| -> Option<Value> { serde_json::from_slice(&fetched.as_ref().ok()?.body).ok() };
    let document = parsed(&observed.discovery);
    let keys = observed.keys.as_ref().and_then(parsed);
    let keys = keys.as_ref().and_then(|set| set.get("keys")).and_then(Value::as_array);
    Facts {
        issuer: document.as_ref().and_then(|document| text(document, "issuer")).map(str::to_owned),
        key_ids: keys.into_iter().flatten().filter_map(|key| text(key, "kid")).map(str::to_owned).collect(),
    }
}

fn text<'a>(document: &'a Value, name: &str) -> Option<&'a str> {
    document.get(name)?.as_str()
}

fn texts<'a>(document: &'a Value, name: &str) -> impl Iterator<Item = &'a str> {
    document.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

#[cfg(test)]
mod tests;
