//! Runs policy tests that are data: each case in `cases/*.json` is a request and the expected decision.
//!
//! `{name, policies?, roles, credential_name?, age_days?, group, resource?, own_version?, source_ip?, now?, before?,
//! after?, permitted, determining?, notices?}`; `policies` is a text in addition to the built-in policies, with the id
//! `own`.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by a panic"
)]

use serde_json::Value;
use trustplane_domain::credential::{Kind as CredentialKind, Maker, NewCredential, Role};
use trustplane_domain::ids::{CredentialId, TenantId};
use trustplane_domain::timestamp::DAY;
use trustplane_domain::{Failure, Timestamp};
use trustplane_policy::{
    Action, Group, Image, Kind, Origin, Policies, PolicyRequest, Principal, Proposal, Question, Resource, Sealed,
    decide,
};

fn texts(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

fn decide_case(case: &Value, built_in: Policies) {
    let said = case["name"].as_str().unwrap();
    let text = |field: &str| case[field].as_str();
    let now = Timestamp::parse(text("now").unwrap_or("2026-01-02T03:04:05.678Z")).unwrap();
    let tenant = TenantId::from_random([1; 16]);
    let wanted = NewCredential {
        name: text("credential_name").unwrap_or("example").to_owned(),
        kind: CredentialKind::Bearer,
        roles: texts(&case["roles"]).iter().map(|role| Role::parse(role).unwrap()).collect(),
        expires_at: None,
    };
    let created_at = now.plus_millis(-DAY * case["age_days"].as_i64().unwrap_or_default());
    let credential = wanted.made(CredentialId::new(tenant, [0; 8]), None, Maker::Operator, created_at).unwrap();
    let group = Group::ALL.into_iter().find(|group| Some(group.as_str()) == text("group")).unwrap();
    let kind = text("resource").unwrap_or("integration");
    let kind = Kind::ALL.into_iter().find(|other| other.as_str() == kind).unwrap();
    let action = Action { name: "example", group, resource: kind };
    let origin = Origin { source_ip: text("source_ip").map(str::to_owned), ..Origin::default() };
    let request =
        PolicyRequest { tenant, principal: Principal::Credential(&credential), action, origin: &origin, at: now };
    let image = |field: &str| case.get(field).map(Image::of);
    let question = Question {
        before: image("before"),
        after: image("after"),
        own_version: case["own_version"].as_bool(),
        ..Question::new(Resource::new(kind, "x"))
    };

    let mut policies = built_in;
    if let Some(own) = text("policies") {
        policies = policies.and("own", own).unwrap();
    }
    let (permitted, determining, notices) =
        match decide(&policies, &request, Sealed::new(()), |()| Proposal { question, outcome: () }) {
            Ok(permitted) => (true, permitted.grant.determining_policies().to_vec(), Vec::new()),
            Err(Failure::Forbidden(denial)) => (false, denial.determining_policies, denial.notices),
            Err(other) => panic!("{said}: {other:?}"),
        };
    assert_eq!(Some(permitted), case["permitted"].as_bool(), "{said}");
    if case.get("determining").is_some() {
        assert_eq!(determining, texts(&case["determining"]), "{said}");
    }
    if case.get("notices").is_some() {
        assert_eq!(notices, texts(&case["notices"]), "{said}");
    }
}

#[test]
fn every_case_is_decided_as_it_says() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases");
    let mut count = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let cases: Value = serde_json::from_slice(&std::fs::read(file.unwrap().path()).unwrap()).unwrap();
        for case in cases.as_array().unwrap() {
            decide_case(case, Policies::built_in().unwrap());
            decide_case(case, Policies::tabulated().unwrap());
            count += 1;
        }
    }
    assert!(count > 20, "{count}");
}
