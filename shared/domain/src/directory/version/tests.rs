use serde_json::{Value, json};

use super::super::fields::{of, wrong};
use super::*;

pub(crate) fn body() -> Value {
    json!({
        "ClientID": "trustplane",
        "RestrictedDomains": ["acme.example", "*"],
        "SupportedDomains": ["Acme-Partners.example"],
        "GroupClaim": "groups",
        "AuthenticationPolicies": ["TWO_FACTOR"],
    })
}

pub(crate) fn content(body: &Value) -> Result<VersionContent, Failure> {
    VersionContent::parse(of(body.clone()))
}

fn with(field: &str, value: Value) -> Result<VersionContent, Vec<String>> {
    let mut body = body();
    body[field] = value;
    content(&body).map_err(|failure| wrong::<()>(Err(failure)))
}

#[test]
fn defaults_are_the_documented_ones() {
    let content = content(&body()).unwrap();
    assert_eq!((content.group_claim_path.as_str(), content.additional_scope_values.as_str()), ("$.", ""));
    assert_eq!(content.supported_domains[0].as_str(), "acme-partners.example");
    let domains: Vec<&str> = content.domains().into_iter().map(DomainName::as_str).collect();
    assert_eq!(domains, ["acme-partners.example", "acme.example"]);
}

#[test]
fn every_required_field_is_missed() {
    let fields = wrong(VersionUpdate::parse(of(json!({}))));
    let expected =
        ["AuthenticationPolicies", "ClientID", "GroupClaim", "RestrictedDomains", "Status", "SupportedDomains"];
    assert_eq!(fields, expected);
}

#[test]
fn limits_are_the_documented_ones() {
    let domains = |count: usize| (0..count).map(|number| format!("d{number}.example")).collect::<Vec<_>>();
    for (field, value) in [
        ("ClientID", json!("x".repeat(255))),
        ("RestrictedDomains", json!(domains(10))),
        ("RestrictedDomains", json!([])),
        ("SupportedDomains", json!(domains(10))),
        ("GroupClaim", json!("x".repeat(60))),
        ("GroupClaimPath", json!("$['a']")),
        ("GroupClaimPath", json!(format!("$.{}", "x".repeat(253)))),
        ("AdditionalScopeValues", json!("groups roles:read")),
        ("AuthenticationPolicies", json!([])),
    ] {
        assert!(with(field, value.clone()).is_ok(), "{field}: {value}");
    }
    for (field, value) in [
        ("ClientID", json!("")),
        ("ClientID", json!("x".repeat(256))),
        ("ClientID", json!("a\u{e9}")),
        ("RestrictedDomains", json!(domains(11))),
        ("SupportedDomains", json!(domains(11))),
        ("SupportedDomains", json!("acme.example")),
        ("GroupClaim", json!("x".repeat(61))),
        ("GroupClaim", json!("")),
        ("GroupClaimPath", json!("groups")),
        ("GroupClaimPath", json!("$x")),
        ("GroupClaimPath", json!(format!("$.{}", "x".repeat(254)))),
        ("AdditionalScopeValues", json!("x".repeat(256))),
        ("AdditionalScopeValues", json!("a\"b")),
    ] {
        assert_eq!(with(field, value.clone()), Err(vec![field.to_owned()]), "{field}: {value}");
    }
}

#[test]
fn each_wrong_domain_is_named() {
    let wrong = json!(["acme.example", "co.uk", "gmail.com", "a b.example", "*"]);
    let expected = ["RestrictedDomains[1]", "RestrictedDomains[2]", "RestrictedDomains[3]"];
    assert_eq!(with("RestrictedDomains", wrong.clone()).unwrap_err(), expected);
    let expected = ["SupportedDomains[1]", "SupportedDomains[2]", "SupportedDomains[3]", "SupportedDomains[4]"];
    assert_eq!(with("SupportedDomains", wrong).unwrap_err(), expected);
    let expected = ["AuthenticationPolicies[0]"];
    assert_eq!(with("AuthenticationPolicies", json!(["two_factor"])).unwrap_err(), expected);
}

#[test]
fn one_domain_in_two_spellings_is_one() {
    let content = with("RestrictedDomains", json!(["ACME.example", "acme.example."])).unwrap();
    assert_eq!(content.restricted_domains.len(), 1);
}

#[test]
fn the_changed_fields_are_named() {
    let before = content(&body()).unwrap();
    assert!(before.differences(&before).is_empty());
    let mut after = before.clone();
    after.client_id.push('x');
    after.supported_domains.clear();
    assert_eq!(after.differences(&before), ["ClientID", "SupportedDomains"]);
}

#[test]
fn statuses_are_filtered_by_one_or_more_words() {
    let parse = |query: &[(&'static str, &'static str)]| parse_status_filter(query.iter().copied());
    let both = BTreeSet::from([VersionStatus::Active, VersionStatus::Pending]);
    assert_eq!(parse(&[("status", "Active,Pending"), ("page", "x")]), Ok(both.clone()));
    assert_eq!(parse(&[("status", "Active"), ("status", "Pending")]), Ok(both));
    assert_eq!(parse(&[]), Ok(BTreeSet::new()));
    for wrong in ["", "active", "Active,", "Gone"] {
        assert!(parse(&[("status", wrong)]).is_err(), "{wrong}");
    }
}
