//! Tests of the rules: each with an example, and all together with random sequences of operations.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::certificate::fixtures;
use crate::identity_provider::{EntityId, LoginUrl};

fn id(number: u8) -> CertificateId {
    CertificateId::from_random([number; 16])
}

fn day(days: i64) -> Timestamp {
    Timestamp::parse("2026-01-01T00:00:00Z").unwrap().plus_millis(days * DAY)
}

/// One certificate that ends on day 100 and one that ends on day 300.
static POOL: LazyLock<[Certificate; 2]> =
    LazyLock::new(|| [100, 300].map(|end| Certificate::from_pem(&fixtures::valid(day(-1), day(end)).pem()).unwrap()));

fn signing(number: u8) -> SigningCertificate {
    SigningCertificate {
        id: id(number),
        certificate: POOL[usize::from(number % 2)].clone(),
        key: EncryptedKey::from_ciphertext(vec![number; 5]),
        created_at: day(0),
        noticed: None,
    }
}

/// Settings of a provider that users sign in through.
fn settings(want_request_signed: bool) -> Settings {
    Settings {
        entity_id: EntityId::parse("https://idp.example.com/saml").unwrap(),
        login_url: LoginUrl::parse("https://idp.example.com/sso").unwrap(),
        want_request_signed,
    }
}

fn states(provider: &ServiceProvider, now: Timestamp) -> Vec<State> {
    provider.certificates().iter().map(|certificate| provider.state(certificate, now)).collect()
}

#[test]
fn a_certificate_begins_inactive_and_one_is_active() {
    let provider = ServiceProvider::default().add_certificate(signing(1)).unwrap().add_certificate(signing(2)).unwrap();
    assert_eq!(states(&provider, day(0)), [State::Inactive, State::Inactive]);
    assert_eq!(provider.published(day(0)), Vec::<&SigningCertificate>::new());
    let provider = provider.activate(id(2), day(0)).unwrap();
    assert_eq!(states(&provider, day(0)), [State::Inactive, State::Active]);
    assert_eq!(provider.published(day(0)).iter().map(|known| known.id).collect::<Vec<_>>(), [id(2), id(1)]);
    let provider = provider.activate(id(1), day(0)).unwrap();
    assert_eq!(states(&provider, day(0)), [State::Active, State::Inactive]);
    assert_eq!(provider.activate(id(1), day(0)).as_ref(), Ok(&provider));
    assert_eq!(provider.add_certificate(signing(3)), Err(Refusal::CertificateLimit));
    assert_eq!(provider.activate(id(3), day(0)), Err(Refusal::NoSuchCertificate));
}

#[test]
fn an_expired_certificate_is_expired_whatever_it_was() {
    let provider = ServiceProvider::default().add_certificate(signing(2)).unwrap().activate(id(2), day(0)).unwrap();
    assert_eq!(states(&provider, day(100)), [State::Expired]);
    assert_eq!(provider.activate(id(2), day(100)), Err(Refusal::Expired));
    assert!(provider.published(day(100)).is_empty());
    assert_eq!(provider.delete_certificate(id(2), Some(&settings(true)), day(100)), Err(Refusal::InUse));
    for enabled in [Some(&settings(false)), None] {
        assert_eq!(provider.delete_certificate(id(2), enabled, day(100)), Ok(ServiceProvider::default()));
    }
}

#[test]
fn the_certificate_that_signs_stays_until_another_one_does() {
    let provider = ServiceProvider::default().add_certificate(signing(1)).unwrap().add_certificate(signing(2)).unwrap();
    let provider = provider.activate(id(1), day(0)).unwrap();
    for enabled in [settings(true), settings(false)] {
        let enabled = Some(&enabled);
        assert_eq!(provider.delete_certificate(id(1), enabled, day(0)), Err(Refusal::InUse));
        assert!(provider.delete_certificate(id(2), enabled, day(0)).is_ok());
        let switched = provider.activate(id(2), day(0)).unwrap().delete_certificate(id(1), enabled, day(0)).unwrap();
        assert_eq!(states(&switched, day(0)), [State::Active]);
        assert_eq!(switched.delete_certificate(id(1), enabled, day(0)), Err(Refusal::NoSuchCertificate));
    }
}

#[test]
fn with_nobody_to_sign_for_any_certificate_may_go() {
    let provider = ServiceProvider::default().add_certificate(signing(1)).unwrap().add_certificate(signing(2)).unwrap();
    let left = provider.activate(id(1), day(0)).unwrap().delete_certificate(id(1), None, day(0)).unwrap();
    assert_eq!(states(&left, day(0)), [State::Inactive]);
    assert!(left.published(day(0)).is_empty());
}

#[test]
fn debug_output_holds_no_key() {
    let text = format!("{:?}", signing(7));
    assert!(text.contains("redacted") && !text.contains("7, 7"));
}

proptest! {
    #[test]
    fn two_at_most_and_one_active(
        operations in proptest::collection::vec((0..4_u8, 0..6_u8, any::<Option<bool>>(), 0..30_i64), 0..40),
    ) {
        let mut provider = ServiceProvider::default();
        let mut now = day(0);
        for (operation, number, must_sign, wait) in operations {
            let enabled = must_sign.map(settings);
            let had_active = provider.active;
            let (before, signed) = (now, states(&provider, now).contains(&State::Active));
            let outcome = match operation {
                0 if provider.find(id(number)).is_none() => provider.add_certificate(signing(number)),
                1 => provider.activate(id(number), now),
                2 => provider.delete_certificate(id(number), enabled.as_ref(), now),
                _ => {
                    now = now.plus_millis(wait * DAY);
                    Ok(provider.clone())
                }
            };
            if let Ok(after) = outcome {
                provider = after;
            }
            prop_assert!(provider.certificates().len() <= MAX_CERTIFICATES);
            let active = states(&provider, now).into_iter().filter(|state| *state == State::Active).count();
            prop_assert!(active <= 1);
            // The active certificate always exists, and is never deleted while it is needed.
            prop_assert!(provider.active.is_none_or(|id| provider.find(id).is_some()));
            if must_sign == Some(true) {
                prop_assert!(had_active.is_none() || provider.active.is_some());
            }
            // Only expiry takes away a certificate that is in use.
            if enabled.is_some() && signed && now == before {
                prop_assert_eq!(active, 1);
            }
            let json = serde_json::to_string(&provider).unwrap();
            prop_assert_eq!(&serde_json::from_str::<ServiceProvider>(&json).unwrap(), &provider);
        }
    }
}

#[test]
fn an_expiry_is_noticed_before_it_once_per_threshold() {
    let mut provider = ServiceProvider::default().add_certificate(signing(0)).unwrap();
    let mut given = Vec::new();
    while let Some(at) = provider.next_notice_at() {
        let (notices, after) = provider.take_notices(at);
        assert_eq!(after.take_notices(at).0, []);
        given.extend(notices.iter().map(|notice| (notice.threshold, notice.days_left)));
        provider = after;
    }
    assert_eq!(given, THRESHOLDS.map(|days| (days, i64::from(days))));
}
