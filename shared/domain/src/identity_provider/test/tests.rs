//! Checks of a provider, each by the fault that makes it fail.

use super::*;
use crate::certificate::fixtures;
use crate::connection::CheckStatus;
use crate::identity_provider::tests::{provider_with, settings};
use crate::identity_provider::{Document, EntityId, Offer, Settings, Trust};
use crate::outbound::Validators;

fn now() -> Timestamp {
    Timestamp::parse("2026-01-01T00:00:00Z").unwrap()
}

fn certificate(days: i64) -> Certificate {
    let pem = fixtures::valid(now().plus_millis(-DAY), now().plus_millis(days * DAY)).pem();
    Certificate::from_pem(&pem).unwrap()
}

fn document(settings: Settings, certificates: Vec<Certificate>) -> Document {
    let offer = Offer { settings, certificates, left_out: Vec::new(), providers: Vec::new() };
    Document { offer, sha256: "00".to_owned(), validators: Validators::default(), valid_until: None }
}

fn followed(certificate: &Certificate) -> IdentityProvider {
    let url = OutboundUrl::parse("https://idp.example.com/metadata").unwrap();
    let document = document(settings(), vec![certificate.clone()]);
    provider_with(vec![certificate.clone()], now()).following(url, Trust::Continuous, &document, now())
}

fn seen(document: Document) -> Option<Observation> {
    Some(Observation::Document(Box::new(document)))
}

/// Checks that did not pass.
fn others(provider: &IdentityProvider, observed: &Observed) -> Vec<(String, CheckStatus)> {
    let checks = provider.judge(observed, now());
    assert_eq!(checks.len(), 7);
    checks.into_iter().filter(|check| check.status != CheckStatus::Pass).map(|check| (check.id, check.status)).collect()
}

#[test]
fn each_fault_fails_its_check() {
    use CheckStatus::{Fail, Skipped, Warn};
    let one = certificate(400);
    let provider = followed(&one);
    let good = Observed {
        metadata: seen(document(settings(), vec![one.clone()])),
        clock: Some(now()),
        login: Some(Ok(())),
        signs_requests: false,
    };
    assert_eq!(others(&provider, &good), []);
    let failing = |id: &str| vec![(id.to_owned(), Fail)];
    let unreachable = Observed { metadata: Some(Observation::Unreachable("x".to_owned())), ..good.clone() };
    let expected = vec![("metadata".to_owned(), Fail), ("settings_match".to_owned(), Skipped)];
    assert_eq!(others(&provider, &unreachable), expected);
    let changed = Observed { metadata: seen(document(settings(), vec![certificate(400)])), ..good.clone() };
    assert_eq!(others(&provider, &changed), failing("metadata"));
    let renamed = Settings { entity_id: EntityId::parse("urn:other").unwrap(), ..settings() };
    let renamed = Observed { metadata: seen(document(renamed, vec![one.clone()])), ..good.clone() };
    assert_eq!(others(&provider, &renamed), failing("settings_match"));
    let gone = Observed { login: Some(Err("no connection".to_owned())), ..good.clone() };
    assert_eq!(others(&provider, &gone), failing("login_url"));
    let slow = Observed { clock: Some(now().plus_millis(-61 * SECOND)), ..good.clone() };
    assert_eq!(others(&provider, &slow), [("clock".to_owned(), Warn)]);

    let signing = provider.update(Settings { want_request_signed: true, ..settings() }, now());
    assert_eq!(others(&signing, &good), failing("signed_requests"));
    assert_eq!(others(&signing, &Observed { signs_requests: true, ..good.clone() }), []);

    // Without a URL, what needs it is skipped.
    let alone = Observed { metadata: None, clock: None, ..good.clone() };
    let skipped = ["metadata", "clock", "settings_match"].map(|id| (id.to_owned(), Skipped));
    assert_eq!(others(&provider.clone().unfollowed(), &alone), skipped);
    let soon = certificate(29);
    let ending = Observed { metadata: seen(document(settings(), vec![soon.clone()])), ..good.clone() };
    assert_eq!(others(&followed(&soon), &ending), [("certificates".to_owned(), Warn)]);
    let later = now().plus_millis(500 * DAY);
    let expired = provider.judge(&Observed { clock: None, metadata: None, ..good }, later);
    assert_eq!(expired.iter().find(|check| check.id == "certificates").unwrap().status, Fail);
}
