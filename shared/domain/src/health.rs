//! The last test of an authorisation server or of an identity provider, and the time of the next one.
//!
//! A test is repeated daily for what is in use. A change of the outcome is reported once: the item holds the outcome that
//! was reported.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::directory::ids::{AuthorisationServerId, OrganisationId};
use crate::test_report::TestReport;
use crate::timestamp::{DAY, MINUTE, Timestamp};

/// Most minutes that a repetition comes later than a day, so that not all come at the same time.
const JITTER: i64 = 120;

/// The last test, and the time of the next one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// The tested thing.
    pub subject: Tested,
    /// The report of the last test; `None` before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<TestReport>,
    /// Issuer of the discovery document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// Ids of the keys.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub key_ids: BTreeSet<String>,
    /// Time of the next test.
    pub next_test_at: Timestamp,
}

/// The tested thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Tested {
    /// An authorisation server.
    AuthorisationServer {
        /// The organisation.
        organisation_id: OrganisationId,
        /// Its id.
        server_id: AuthorisationServerId,
    },
    /// The identity provider of a store.
    IdentityProvider {
        /// The id of the store.
        identity_store_id: String,
    },
}

/// Facts of one test, beside its report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Issuer of the discovery document.
    pub issuer: Option<String>,
    /// Ids of the keys; empty if there is no key set.
    pub key_ids: BTreeSet<String>,
}

/// A change between two tests that others learn of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
#[serde(rename_all = "snake_case")]
pub enum HealthEvent {
    /// Other checks fail than before, or none any more.
    OutcomeChanged,
    /// The discovery document has another issuer.
    IssuerChanged,
    /// The key set has none of the keys that it had.
    AllKeysChanged,
}

impl Health {
    /// Nothing tested yet: the first test comes in a day.
    pub fn new(subject: Tested, now: Timestamp) -> Self {
        let next_test_at = next(&subject, now);
        Self { subject, report: None, issuer: None, key_ids: BTreeSet::new(), next_test_at }
    }

    /// After a test, with its changes.
    pub fn tested(&self, report: TestReport, facts: Facts, now: Timestamp) -> (Self, Vec<HealthEvent>) {
        let failed = |report: &TestReport| report.failed().map(str::to_owned).collect::<BTreeSet<_>>();
        let before = self.report.as_ref().map(failed).unwrap_or_default();
        let mut events = Vec::new();
        if failed(&report) != before {
            events.push(HealthEvent::OutcomeChanged);
        }
        let has_other_issuer = facts.issuer.is_some() && self.issuer.is_some() && facts.issuer != self.issuer;
        if has_other_issuer {
            events.push(HealthEvent::IssuerChanged);
        }
        if !facts.key_ids.is_empty() && !self.key_ids.is_empty() && facts.key_ids.is_disjoint(&self.key_ids) {
            events.push(HealthEvent::AllKeysChanged);
        }
        let after = Self {
            subject: self.subject.clone(),
            report: Some(report),
            issuer: facts.issuer.or_else(|| self.issuer.clone()),
            key_ids: if facts.key_ids.is_empty() { self.key_ids.clone() } else { facts.key_ids },
            next_test_at: next(&self.subject, now),
        };
        (after, events)
    }

    /// Not in use: looked at again in a day.
    #[must_use]
    pub fn postponed(&self, now: Timestamp) -> Self {
        Self { next_test_at: next(&self.subject, now), ..self.clone() }
    }
}

/// A test in the audit log.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "HealthImage"))]
pub struct HealthRecord<'a> {
    success: Option<bool>,
    failed: Vec<&'a str>,
    issuer: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    events: &'a [HealthEvent],
}

impl<'a> HealthRecord<'a> {
    /// The last test, with the changes that it showed.
    pub fn of(health: &'a Health, events: &'a [HealthEvent]) -> Self {
        let report = health.report.as_ref();
        Self {
            success: report.map(|report| report.success),
            failed: report.into_iter().flat_map(TestReport::failed).collect(),
            issuer: health.issuer.as_deref(),
            events,
        }
    }
}

/// A day from now, and up to two hours more, which depend on the subject.
fn next(subject: &Tested, now: Timestamp) -> Timestamp {
    let id = match subject {
        Tested::AuthorisationServer { server_id, .. } => server_id.to_string(),
        Tested::IdentityProvider { identity_store_id } => identity_store_id.clone(),
    };
    let jitter = id.bytes().fold(0_i64, |sum, byte| (sum * 31 + i64::from(byte)) % JITTER);
    now.plus_millis(DAY + jitter * MINUTE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_report::TestCheck;

    fn now() -> Timestamp {
        Timestamp::parse("2026-01-01T00:00:00Z").unwrap()
    }

    fn report(failed: &[&str]) -> TestReport {
        let checks = ["a", "b"].map(|id| match failed.contains(&id) {
            true => TestCheck::fail(id, "wrong", "mend it"),
            false => TestCheck::pass(id, "right"),
        });
        TestReport::new(checks.to_vec(), now(), 1)
    }

    fn facts(issuer: &str, keys: &[&str]) -> Facts {
        let issuer = (!issuer.is_empty()).then(|| issuer.to_owned());
        Facts { issuer, key_ids: keys.iter().map(|key| (*key).to_owned()).collect() }
    }

    #[test]
    fn each_change_is_reported_once() {
        use HealthEvent::{AllKeysChanged, IssuerChanged, OutcomeChanged};
        let subject = Tested::IdentityProvider { identity_store_id: "d-1".to_owned() };
        let mut health = Health::new(subject, now());
        for (failed, facts, expected) in [
            (&[][..], facts("i", &["1"]), vec![]),
            (&["a"][..], facts("", &[]), vec![OutcomeChanged]),
            (&["a"][..], facts("", &[]), vec![]),
            (&["a", "b"][..], facts("", &[]), vec![OutcomeChanged]),
            (&[][..], facts("i", &["1", "2"]), vec![OutcomeChanged]),
            (&[][..], facts("i", &["2"]), vec![]),
            (&[][..], facts("j", &["3"]), vec![IssuerChanged, AllKeysChanged]),
            (&[][..], facts("j", &["3"]), vec![]),
        ] {
            let (after, events) = health.tested(report(failed), facts, now());
            assert_eq!(events, expected);
            health = after;
        }
        let json = serde_json::to_string(&health).unwrap();
        assert_eq!(serde_json::from_str::<Health>(&json).unwrap(), health);
    }

    #[test]
    fn a_repetition_comes_after_a_day_and_up_to_two_hours() {
        let waits: BTreeSet<i64> = (0..200)
            .map(|number| {
                let subject = Tested::IdentityProvider { identity_store_id: format!("d-{number}") };
                let health = Health::new(subject, now());
                assert_eq!(health.postponed(now()), health);
                health.next_test_at.millis_since(now())
            })
            .collect();
        assert!(waits.iter().all(|wait| (DAY..DAY + JITTER * MINUTE).contains(wait)));
        assert!(waits.len() > 50, "{waits:?}");
    }
}
