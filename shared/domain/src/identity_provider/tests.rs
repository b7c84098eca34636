//! The rules, each by example, and all together on random sequences of operations.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::certificate::{Fault, fixtures};
use crate::failure::{Conflict, Failure};
use crate::timestamp::DAY;

pub fn settings() -> Settings {
    Settings {
        entity_id: EntityId::parse("https://idp.example.com/saml").unwrap(),
        login_url: LoginUrl::parse("https://idp.example.com/sso").unwrap(),
        want_request_signed: false,
    }
}

/// A provider created at `now` with `certificates`, whose ids count from 1.
pub fn provider_with(certificates: Vec<Certificate>, now: Timestamp) -> IdentityProvider {
    create(certificates, now).unwrap()
}

fn create(certificates: Vec<Certificate>, now: Timestamp) -> Result<IdentityProvider, Refusal> {
    let mut count = 0;
    let new_id = || {
        count += 1;
        id(count)
    };
    IdentityProvider::create(IdentityProviderId::from_random([7; 16]), settings(), certificates, new_id, now)
}

fn id(number: u8) -> CertificateId {
    CertificateId::from_random([number; 16])
}

fn day(days: i64) -> Timestamp {
    Timestamp::parse("2026-01-01T00:00:00Z").unwrap().plus_millis(days * DAY)
}

/// Certificates by the days on which they begin and end. Made once: keys take time.
static POOL: LazyLock<Vec<Certificate>> = LazyLock::new(|| {
    [(-100, 50), (-100, 200), (-10, 100), (20, 400), (60, 90), (-200, -1)]
        .map(|(begin, end)| Certificate::from_pem(&fixtures::valid(day(begin), day(end)).pem()).unwrap())
        .to_vec()
});

const UNTIL_50: usize = 0;
const UNTIL_200: usize = 1;
const UNTIL_100: usize = 2;
const FROM_20: usize = 3;
const FROM_60: usize = 4;
const EXPIRED: usize = 5;

fn pool(at: usize) -> Certificate {
    POOL[at].clone()
}

#[test]
fn a_provider_begins_disabled_and_is_enabled_once_something_is_valid() {
    let provider = provider_with(vec![pool(FROM_20)], day(0));
    assert!(!provider.is_enabled());
    assert_eq!(provider.enable(day(0)), Err(Refusal::NothingValid));
    let enabled = provider.enable(day(20)).unwrap();
    assert!(enabled.is_enabled());
    assert_eq!(enabled.enable(day(500)), Ok(enabled.clone()));
    assert_eq!(enabled.check_delete(), Err(Refusal::StillEnabled));
    assert_eq!(enabled.disable().check_delete(), Ok(()));
    assert_eq!(enabled.disable().disable(), provider);
    assert_eq!(provider.enable(day(500)), Err(Refusal::NothingValid));
}

fn ids(provider: &IdentityProvider) -> Vec<CertificateId> {
    provider.certificates().iter().map(TrustedCertificate::id).collect()
}

#[test]
fn a_provider_has_one_to_ten_certificates_each_once() {
    let twice = vec![pool(UNTIL_50), pool(UNTIL_50), pool(UNTIL_200)];
    assert_eq!(ids(&create(twice, day(0)).unwrap()), [id(1), id(3)]);
    let more = |count: usize| {
        let one = || Certificate::from_pem(&fixtures::valid(day(-1), day(100)).pem()).unwrap();
        (0..count).map(|_| one()).collect::<Vec<_>>()
    };
    assert_eq!(create(more(10), day(0)).unwrap().certificates().len(), 10);
    assert_eq!(create(more(11), day(0)), Err(Refusal::CertificateLimit));
    assert_eq!(create(vec![], day(0)), Err(Refusal::NoCertificate));
    assert_eq!(create(vec![pool(EXPIRED)], day(0)), Err(Refusal::Certificate(Fault::Expired)));
}

#[test]
fn metadata_replaces_settings_and_certificates() {
    let provider = provider_with(vec![pool(UNTIL_50), pool(UNTIL_200)], day(0));
    let replace = |provider: &IdentityProvider, certificates: Vec<Certificate>, now: Timestamp| {
        let mut count = 10;
        let new_id = || {
            count += 1;
            id(count)
        };
        provider.replace(Settings { want_request_signed: true, ..settings() }, certificates, new_id, now)
    };
    let replaced = replace(&provider, vec![pool(UNTIL_100), pool(UNTIL_200)], day(0)).unwrap();
    assert!(replaced.settings().want_request_signed && !replaced.is_enabled());
    // What stays keeps its id, and its place before what is new.
    assert_eq!(ids(&replaced), [id(2), id(11)]);
    assert_eq!(replaced.certificates()[0], provider.certificates()[1]);
    let enabled = provider.enable(day(0)).unwrap();
    assert!(replace(&enabled, vec![pool(UNTIL_100)], day(0)).unwrap().is_enabled());
    assert_eq!(replace(&enabled, vec![pool(FROM_20)], day(0)), Err(Refusal::LastValidCertificate));
    assert_eq!(replace(&enabled, vec![], day(0)), Err(Refusal::NoCertificate));
    assert!(replace(&provider, vec![pool(FROM_20)], day(0)).is_ok());
    // Where everything has expired, anything is better.
    assert!(replace(&enabled, vec![pool(FROM_60)], day(300)).is_err());
    assert!(replace(&enabled.delete_certificate(id(2), day(0)).unwrap(), vec![pool(FROM_60)], day(55)).is_ok());
}

#[test]
fn the_fault_of_a_certificate_comes_before_duplicate_and_limit() {
    let mut certificates = vec![pool(UNTIL_50)];
    let another = || Certificate::from_pem(&fixtures::valid(day(-1), day(100)).pem()).unwrap();
    certificates.extend((1..MAX_CERTIFICATES).map(|_| another()));
    let full = provider_with(certificates, day(0));
    assert_eq!(full.import_certificate(id(9), pool(EXPIRED), day(0)), Err(Refusal::Certificate(Fault::Expired)));
    assert_eq!(full.import_certificate(id(9), pool(UNTIL_50), day(0)), Err(Refusal::DuplicateCertificate(id(1))));
    assert_eq!(full.import_certificate(id(9), pool(UNTIL_100), day(0)), Err(Refusal::CertificateLimit));
    // The same certificate in another text is the same.
    let other_text = Certificate::from_pem(&pool(UNTIL_50).pem().replace('\n', "")).unwrap();
    assert_eq!(full.import_certificate(id(9), other_text, day(0)), Err(Refusal::DuplicateCertificate(id(1))));
}

#[test]
fn a_certificate_is_replaced_without_an_outage() {
    let provider = provider_with(vec![pool(UNTIL_50)], day(0)).enable(day(0)).unwrap();
    assert_eq!(provider.delete_certificate(id(1), day(0)), Err(Refusal::LastValidCertificate));
    let both = provider.import_certificate(id(2), pool(FROM_20), day(0)).unwrap();
    // The successor is not valid yet.
    assert_eq!(both.delete_certificate(id(1), day(0)), Err(Refusal::LastValidCertificate));
    let replaced = both.delete_certificate(id(1), day(20)).unwrap();
    assert_eq!(replaced.delete_certificate(id(1), day(20)), Err(Refusal::NoSuchCertificate));
    assert_eq!(replaced.delete_certificate(id(2), day(20)), Err(Refusal::LastValidCertificate));
    assert!(replaced.disable().delete_certificate(id(2), day(20)).unwrap().certificates().is_empty());
}

#[test]
fn where_all_have_expired_one_makes_room_and_the_last_one_stays() {
    let both = provider_with(vec![pool(UNTIL_50), pool(UNTIL_100)], day(0)).enable(day(0)).unwrap();
    let one = both.delete_certificate(id(1), day(150)).unwrap();
    assert_eq!(one.delete_certificate(id(2), day(150)), Err(Refusal::LastValidCertificate));
    let renewed = one.import_certificate(id(3), pool(UNTIL_200), day(150)).unwrap();
    assert!(renewed.delete_certificate(id(2), day(150)).unwrap().trusts_something(day(150)));
}

#[test]
fn refusals_become_failures_that_say_what_to_do() {
    assert_eq!(
        Failure::from(Refusal::Certificate(Fault::Expired)),
        Failure::invalid("x509_certificate_in_pem", "holds a certificate that has expired")
    );
    let Failure::Conflict(Conflict::Duplicate, message) = Refusal::DuplicateCertificate(id(1)).into() else {
        panic!("another failure");
    };
    assert!(message.contains(&id(1).to_string()));
}

#[derive(Clone, Debug)]
enum Operation {
    Import(usize),
    Delete(usize),
    Replace(Vec<usize>),
    Enable,
    Disable,
    Update,
    Sweep,
    Wait(i64),
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        4 => (0..POOL.len()).prop_map(Operation::Import),
        4 => (0..POOL.len()).prop_map(Operation::Delete),
        2 => proptest::collection::vec(0..POOL.len(), 0..4).prop_map(Operation::Replace),
        3 => Just(Operation::Enable),
        1 => Just(Operation::Disable),
        1 => Just(Operation::Update),
        1 => Just(Operation::Sweep),
        2 => (0..40_i64).prop_map(Operation::Wait),
    ]
}

/// A provider, reduced to its certificates of the pool and to its being enabled.
#[derive(Clone, Debug, Default, PartialEq)]
struct Model {
    enabled: bool,
    certificates: Vec<usize>,
}

impl Model {
    fn of(provider: &IdentityProvider) -> Self {
        let find = |certificate: &TrustedCertificate| {
            POOL.iter().position(|known| known == certificate.certificate()).unwrap()
        };
        Self { enabled: provider.is_enabled(), certificates: provider.certificates().iter().map(find).collect() }
    }

    fn valid(&self, now: Timestamp) -> usize {
        self.certificates.iter().filter(|at| POOL[**at].is_valid(now)).count()
    }

    /// The expected result of the operation, or `None` where it should be refused.
    fn apply(&self, operation: &Operation, now: Timestamp) -> Option<Self> {
        let mut next = self.clone();
        match operation {
            Operation::Import(at) => {
                let fits = self.certificates.len() < 10 && !self.certificates.contains(at);
                next.certificates.push(*at);
                (fits && POOL[*at].not_after() > now).then_some(next)
            }
            Operation::Replace(all) => {
                next.certificates.retain(|at| all.contains(at));
                for at in all {
                    if !next.certificates.contains(at) {
                        next.certificates.push(*at);
                    }
                }
                let expired = all.iter().any(|at| POOL[*at].not_after() <= now);
                let breaks = self.enabled && next.valid(now) == 0 && self.valid(now) > 0;
                (!all.is_empty() && !expired && !breaks).then_some(next)
            }
            Operation::Delete(at) => {
                next.certificates.retain(|other| other != at);
                let breaks =
                    self.enabled && (self.certificates.len() == 1 || (next.valid(now) == 0 && self.valid(now) == 1));
                (self.certificates.contains(at) && !breaks).then_some(next)
            }
            Operation::Enable => {
                next.enabled = true;
                (self.enabled || self.valid(now) > 0).then_some(next)
            }
            Operation::Disable => {
                next.enabled = false;
                Some(next)
            }
            Operation::Update | Operation::Sweep | Operation::Wait(_) => Some(next),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn no_sequence_of_operations_leaves_an_enabled_provider_that_trusts_nothing(
        operations in proptest::collection::vec(operation(), 1..40),
    ) {
        let mut now = day(0);
        let mut provider = provider_with(vec![pool(UNTIL_50)], now);
        let mut next_id: u8 = 1;
        for operation in operations {
            let trusted = provider.trusts_something(now);
            let expected = Model::of(&provider).apply(&operation, now);
            let outcome = match &operation {
                Operation::Import(at) => {
                    next_id += 1;
                    provider.import_certificate(id(next_id), pool(*at), now)
                }
                Operation::Delete(at) => {
                    let known = provider.certificates().iter().find(|known| known.certificate() == &POOL[*at]);
                    provider.delete_certificate(known.map_or(id(0), TrustedCertificate::id), now)
                }
                Operation::Replace(all) => {
                    let certificates = all.iter().map(|at| pool(*at)).collect();
                    let new_id = || {
                        next_id += 1;
                        id(next_id)
                    };
                    provider.replace(settings(), certificates, new_id, now)
                }
                Operation::Enable => provider.enable(now),
                Operation::Disable => Ok(provider.disable()),
                Operation::Update => Ok(provider.update(Settings { want_request_signed: true, ..settings() }, now)),
                Operation::Sweep => Ok(provider.take_notices(now).1),
                Operation::Wait(days) => {
                    now = now.plus_millis(days * DAY);
                    Ok(provider.clone())
                }
            };
            prop_assert_eq!(outcome.as_ref().ok().map(Model::of), expected, "{:?}", operation);
            if let Ok(after) = outcome {
                provider = after;
            }
            prop_assert!(provider.certificates().len() <= MAX_CERTIFICATES);
            if provider.is_enabled() {
                prop_assert!(!provider.certificates().is_empty());
                // Only time takes away what an enabled provider trusts.
                if trusted && !matches!(operation, Operation::Wait(_)) {
                    prop_assert!(provider.trusts_something(now));
                }
            }
        }
        let json = serde_json::to_string(&provider).unwrap();
        prop_assert_eq!(serde_json::from_str::<IdentityProvider>(&json).unwrap(), provider);
    }
}
