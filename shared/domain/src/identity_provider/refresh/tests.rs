//! Refreshes: each rule by example. The sequences hold all rules together against a small model.

mod sequences;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use super::*;
use crate::certificate::{Certificate, fixtures};
use crate::identity_provider::tests::{provider_with, settings};
use crate::identity_provider::{EntityId, LoginUrl, Offer, Settings};
use crate::timestamp::MINUTE;

const HOUR: i64 = 60 * MINUTE;

/// Certificates by the days on which they begin and end.
static POOL: LazyLock<Vec<Certificate>> = LazyLock::new(|| {
    let often = [(-100, 400); 9];
    let others = [(-100, 3), (-100, 6), (-10, 10), (2, 400), (5, 400)];
    let made = often.into_iter().chain(others);
    made.map(|(begin, end)| Certificate::from_pem(&fixtures::valid(at(24 * begin), at(24 * end)).pem()).unwrap())
        .collect()
});

/// A time in hours after the start.
fn at(hours: i64) -> Timestamp {
    Timestamp::parse("2026-01-01T00:00:00Z").unwrap().plus_millis(hours * HOUR)
}

fn id(number: u8) -> CertificateId {
    CertificateId::from_random([number; 16])
}

fn document_of(settings: Settings, certificates: &[usize]) -> Document {
    let certificates: Vec<Certificate> = certificates.iter().map(|one| POOL[*one].clone()).collect();
    let sha256 = certificates.iter().map(|one| one.fingerprint().get(..4).unwrap()).collect();
    let providers = vec![settings.entity_id.as_str().to_owned()];
    let offer = Offer { settings, certificates, left_out: Vec::new(), providers };
    Document { offer, sha256, validators: Validators::new(Some("\"1\""), None), valid_until: None }
}

fn document(certificates: &[usize]) -> Document {
    document_of(settings(), certificates)
}

fn seen(document: Document) -> Observation {
    Observation::Document(Box::new(document))
}

/// An enabled provider that was made of a document with these certificates.
fn provider(certificates: &[usize], trust: Trust) -> IdentityProvider {
    let document = document(certificates);
    let url = OutboundUrl::parse("https://idp.example.com/metadata?token=1").unwrap();
    let made = provider_with(document.offer.certificates.clone(), at(0));
    made.following(url, trust, &document, at(0)).enable(at(0)).unwrap()
}

struct Story {
    provider: IdentityProvider,
    next_id: u8,
}

impl Story {
    fn of(provider: IdentityProvider) -> Self {
        Self { provider, next_id: 100 }
    }

    fn step(&mut self, observation: &Observation, accept: bool, now: Timestamp) -> Vec<RefreshEvent> {
        let before = self.provider.clone();
        let new_id = || {
            self.next_id += 1;
            id(self.next_id)
        };
        let refreshed = before.refreshed(observation, accept, new_id, now).unwrap();
        self.provider = refreshed.provider;
        refreshed.events
    }

    /// Names of the events of a refresh with a document of these certificates.
    fn read(&mut self, certificates: &[usize], hours: i64) -> Vec<&'static str> {
        self.step(&seen(document(certificates)), false, at(hours)).iter().map(RefreshEvent::name).collect()
    }

    fn trusted(&self) -> Vec<usize> {
        trusted(&self.provider).into_iter().collect()
    }

    fn metadata(&self) -> &Metadata {
        self.provider.metadata().unwrap()
    }
}

fn trusted(provider: &IdentityProvider) -> BTreeSet<usize> {
    let place = |one: &TrustedCertificate| POOL.iter().position(|known| known == one.certificate()).unwrap();
    provider.certificates().iter().map(place).collect()
}

#[test]
fn a_rotation_adds_at_once_and_removes_a_day_after_the_first_refresh_without_the_old_one() {
    let mut story = Story::of(provider(&[0], Trust::Continuous));
    assert_eq!(story.read(&[0], 6), [""; 0]);
    assert_eq!(story.read(&[0, 1], 12), ["certificate_added"]);
    assert_eq!(story.read(&[1], 30), ["certificate_removal_announced"]);
    assert_eq!(story.provider.certificates()[0].removal_at(), Some(at(54)));
    assert_eq!(story.read(&[1], 53), [""; 0]);
    assert_eq!(story.trusted(), [0, 1]);
    assert_eq!(story.read(&[1], 54), ["certificate_removed"]);
    assert_eq!((story.trusted(), story.metadata().status()), (vec![1], MetadataStatus::Current));
}

#[test]
fn a_certificate_that_comes_back_is_kept_and_its_day_begins_anew() {
    let mut story = Story::of(provider(&[0, 1], Trust::Continuous));
    assert_eq!(story.read(&[1], 10), ["certificate_removal_announced"]);
    assert_eq!(story.read(&[0, 1], 20), [""; 0]);
    assert_eq!(story.read(&[1], 30), ["certificate_removal_announced"]);
    assert_eq!(story.read(&[1], 50), [""; 0]);
    assert_eq!(story.read(&[1], 54), ["certificate_removed"]);
}

#[test]
fn nothing_is_removed_before_another_one_has_served_for_a_day() {
    // 12 is valid from hour 48 on.
    let mut story = Story::of(provider(&[0, 12], Trust::Continuous));
    assert_eq!(story.read(&[12], 10), ["certificate_removal_announced"]);
    for hours in [34, 48, 71] {
        assert_eq!(story.read(&[12], hours), [""; 0], "{hours}");
    }
    assert_eq!(story.read(&[12], 72), ["certificate_removed"]);
    // One that was added with the announcement serves a day later.
    let mut story = Story::of(provider(&[0, 1], Trust::Continuous));
    assert_eq!(story.read(&[1, 2], 10), ["certificate_added", "certificate_removal_announced"]);
    assert_eq!(story.read(&[2], 20), ["certificate_removal_announced"]);
    assert_eq!(story.read(&[2], 34), ["certificate_removed"]);
    assert_eq!(story.read(&[2], 44), ["certificate_removed"]);
    assert_eq!(story.trusted(), [2]);
}

#[test]
fn an_expired_certificate_goes_likewise() {
    // 9 is valid until hour 72.
    let mut story = Story::of(provider(&[0, 9], Trust::Continuous));
    assert!(story.provider.validators(at(71)).is_some());
    // A reader of the document leaves the expired one out.
    assert!(story.provider.validators(at(72)).is_none());
    assert_eq!(story.read(&[0], 73), ["certificate_removal_announced"]);
    assert_eq!(story.read(&[0], 97), ["certificate_removed"]);
}

#[test]
fn all_keys_at_once_wait_for_an_administrator_or_are_taken_for_tls() {
    let mut story = Story::of(provider(&[0], Trust::Continuous));
    assert_eq!(story.read(&[1, 2], 6), ["held"]);
    assert_eq!((story.trusted(), story.metadata().status()), (vec![0], MetadataStatus::AllKeysChanged));
    let [pending] = story.metadata().pending() else { panic!("{:?}", story.metadata()) };
    assert_eq!((pending.field, pending.current.as_str()), (PendingField::Certificates, POOL[0].fingerprint()));
    assert!(pending.offered.contains(POOL[1].fingerprint()) && pending.offered.contains(POOL[2].fingerprint()));
    // The same offer is reported once, another one again.
    assert_eq!(story.read(&[1, 2], 12), [""; 0]);
    assert_eq!(story.read(&[1], 18), ["held"]);
    let events = story.step(&seen(document(&[1])), true, at(19));
    let names: Vec<_> = events.iter().map(RefreshEvent::name).collect();
    assert_eq!(names, ["accepted", "all_keys_changed", "certificate_added", "certificate_removal_announced"]);
    assert_eq!((story.trusted(), story.metadata().status()), (vec![0, 1], MetadataStatus::Current));
    assert!(story.metadata().pending().is_empty());
    assert_eq!(story.read(&[1], 43), ["certificate_removed"]);

    let mut story = Story::of(provider(&[0], Trust::Tls));
    let names = ["all_keys_changed", "certificate_added", "certificate_removal_announced"];
    assert_eq!(story.read(&[1], 6), names);
    assert_eq!((story.trusted(), story.metadata().status()), (vec![0, 1], MetadataStatus::Current));
}

#[test]
fn changed_settings_hold_the_whole_document_until_they_are_accepted() {
    let other = |change: fn(&mut Settings)| {
        let mut settings = settings();
        change(&mut settings);
        settings
    };
    let cases: [(Settings, PendingField, &str, &str); 3] = [
        (
            other(|one| one.entity_id = EntityId::parse("urn:other").unwrap()),
            PendingField::EntityId,
            "https://idp.example.com/saml",
            "urn:other",
        ),
        (
            other(|one| one.login_url = LoginUrl::parse("https://evil.example/").unwrap()),
            PendingField::LoginUrl,
            "https://idp.example.com/sso",
            "https://evil.example/",
        ),
        (other(|one| one.want_request_signed = true), PendingField::WantRequestSigned, "false", "true"),
    ];
    for trust in [Trust::Continuous, Trust::Tls] {
        for (offered, field, current, new) in cases.clone() {
            let mut story = Story::of(provider(&[0], trust));
            let observation = seen(document_of(offered.clone(), &[0, 1]));
            assert_eq!(story.step(&observation, false, at(6)), [RefreshEvent::Held]);
            assert_eq!((story.trusted(), story.metadata().status()), (vec![0], MetadataStatus::Changed));
            let pending = Pending { field, current: current.to_owned(), offered: new.to_owned() };
            assert_eq!(story.metadata().pending(), [pending]);
            assert_eq!(story.provider.settings(), &settings());
            assert_eq!(story.step(&observation, false, at(12)), []);
            let accepted = story.step(&observation, true, at(13));
            assert_eq!(accepted.len(), 2, "{accepted:?}");
            assert_eq!((story.provider.settings(), story.trusted()), (&offered, vec![0, 1]));
            assert_eq!(story.step(&observation, false, at(19)), []);
        }
    }
}

#[test]
fn an_administrators_choice_of_signing_stands_against_the_document() {
    let signed = Settings { want_request_signed: true, ..settings() };
    let mut story = Story::of(provider(&[0], Trust::Continuous));
    let observation = seen(document_of(signed.clone(), &[0]));
    assert_eq!(story.step(&observation, false, at(6)), [RefreshEvent::Held]);
    // Chosen as it was: the wish of the document is seen and overridden.
    story.provider = story.provider.update(settings(), at(7));
    assert_eq!((story.metadata().pending(), story.metadata().next_check_at()), (&[][..], at(7)));
    assert_eq!(story.step(&observation, false, at(8)), []);
    assert_eq!((story.metadata().status(), story.provider.settings()), (MetadataStatus::Current, &settings()));
    // A new value in the document asks again, and the value in use never does.
    assert_eq!(story.read(&[0], 9), [""; 0]);
    story.provider = story.provider.update(signed, at(10));
    assert_eq!(story.read(&[0], 11), [""; 0]);
    assert!(story.provider.settings().want_request_signed);
}

#[test]
fn more_than_ten_certificates_in_all_are_held_even_where_accepted() {
    let mut story = Story::of(provider(&[0, 1], Trust::Tls));
    for manual in [9, 10, 11] {
        let certificate = POOL[manual].clone();
        story.provider =
            story.provider.import_certificate(id(90 + u8::try_from(manual).unwrap()), certificate, at(1)).unwrap();
    }
    let too_many = [0, 2, 3, 4, 5, 6, 7];
    assert_eq!(story.read(&too_many, 6), ["held"]);
    assert_eq!((story.metadata().status(), story.trusted().len()), (MetadataStatus::Limit, 5));
    assert_eq!(story.step(&seen(document(&too_many)), true, at(7)), []);
    assert_eq!(story.metadata().status(), MetadataStatus::Limit);
    let eleven = Observation::TooManyCertificates { count: 11, sha256: "00".to_owned() };
    assert_eq!(story.step(&eleven, true, at(8)), [RefreshEvent::Held]);
    assert_eq!((story.metadata().status(), story.trusted().len()), (MetadataStatus::Limit, 5));
    assert!(story.metadata().pending()[0].offered.contains("11 certificates"));
}

#[test]
fn failures_are_retried_ever_more_seldom_and_reported_after_a_day() {
    let mut story = Story::of(provider(&[0], Trust::Continuous));
    assert_eq!(story.metadata().next_check_at(), at(6));
    let failed = Observation::Unreachable("no connection to the host in time".to_owned());
    let (mut now, mut waits, mut events) = (at(6), Vec::new(), Vec::new());
    for _ in 0..12 {
        events.extend(story.step(&failed, false, now));
        let next = story.metadata().next_check_at();
        waits.push(next.millis_since(now) / MINUTE);
        now = next;
    }
    assert_eq!(waits, [15, 30, 60, 120, 240, 360, 360, 360, 360, 360, 360, 360]);
    assert_eq!(events, [RefreshEvent::Failing(at(6))]);
    assert_eq!((story.metadata().status(), story.trusted()), (MetadataStatus::Unreachable, vec![0]));
    let fetch = &story.metadata().fetches()[0];
    assert_eq!(
        (fetch.error.as_deref(), fetch.status),
        (Some("no connection to the host in time"), MetadataStatus::Unreachable)
    );
    assert!(story.provider.validators(now).is_none());
    assert_eq!(story.read(&[0], 100), ["recovered"]);
    assert_eq!(story.metadata().next_check_at(), at(106));
    // A failure that ends within a day is no event.
    let invalid = Observation::Invalid { reason: "the document is empty".to_owned(), sha256: "00".to_owned() };
    assert_eq!(story.step(&invalid, false, at(106)), []);
    assert_eq!(story.metadata().status(), MetadataStatus::Invalid);
    assert_eq!(story.read(&[0], 107), [""; 0]);
}

#[test]
fn an_unmodified_document_changes_nothing_until_its_end() {
    let ending = Document { valid_until: Some(at(20)), ..document(&[0]) };
    let mut story = Story::of(provider(&[0], Trust::Continuous));
    assert_eq!(story.step(&seen(ending), false, at(6)), []);
    assert_eq!(story.provider.validators(at(7)), Some(&Validators::new(Some("\"1\""), None)));
    assert_eq!(story.step(&Observation::NotModified, false, at(12)), []);
    assert_eq!((story.metadata().status(), story.metadata().next_check_at()), (MetadataStatus::Current, at(18)));
    assert_eq!(story.step(&Observation::NotModified, false, at(20)), []);
    assert_eq!(story.metadata().status(), MetadataStatus::Invalid);
    // Without validators the whole document comes.
    assert!(story.provider.validators(at(21)).is_none());
}

#[test]
fn the_last_twenty_fetches_are_kept_and_a_caller_waits_a_minute() {
    let mut story = Story::of(provider(&[0], Trust::Continuous));
    for hour in 1..30 {
        let _ = story.read(&[0], hour);
    }
    assert_eq!((story.metadata().fetches().len(), story.metadata().fetches()[0].at), (20, at(29)));
    assert_eq!(story.metadata().wait(at(29)), None);
    story.provider = story.provider.clone().refresh_requested(at(30));
    for (millis, wait) in [(0, Some(MINUTE)), (1_000, Some(MINUTE - 1_000)), (MINUTE, None), (-5, None)] {
        assert_eq!(story.metadata().wait(at(30).plus_millis(millis)), wait, "{millis}");
    }
}

#[test]
fn without_its_url_a_provider_keeps_its_certificates_as_its_own() {
    let mut story = Story::of(provider(&[0, 1], Trust::Continuous));
    let _ = story.read(&[1], 6);
    let cleared = story.provider.clone().unfollowed();
    assert!(cleared.metadata().is_none() && cleared.certificates().iter().all(|one| one.source().is_manual()));
    assert_eq!(trusted(&cleared), BTreeSet::from([0, 1]));
    assert_eq!(cleared.refreshed(&Observation::NotModified, false, || id(1), at(7)), Err(Refusal::NoMetadataUrl));
    assert_eq!(cleared.next_due(), cleared.next_notice_at());
    assert_eq!(story.provider.next_due(), Some(at(12)));
    assert_eq!(cleared.trusting_metadata(Trust::Tls), Err(Refusal::NoMetadataUrl));
}
