//! The proof that a tenant owns an e-mail domain: a TXT record that only the operator of the domain's DNS can set. It
//! follows the IETF draft "Domain Control Validation using DNS" (draft-ietf-dnsop-domain-verification-techniques).
//!
//! ```text
//! _trustplane-challenge.acme.example. TXT "token=<160 random bits, base 32> expiry=<RFC 3339>"
//!
//! Unproven -> Proven | Expired (30 days)
//! Proven -> Revoked (record gone for 7 days in a row, or no clear answer for 30 days)
//! ```

use serde::{Deserialize, Serialize};

use super::base32;
use super::domain_name::DomainName;
use super::page::SortKey;
use super::words::words;
use crate::Timestamp;
use crate::expiry::{Notices, days_left};
use crate::timestamp::DAY;

/// Label of the record, in front of the domain.
pub const CHALLENGE_LABEL: &str = "_trustplane-challenge";
/// Time limit for setting a challenge's record, in milliseconds.
pub const CHALLENGE_LIFE: i64 = 30 * DAY;
/// Days before the end of a challenge at which a notice is given, if its record was not found by then.
pub const THRESHOLDS: [u16; 2] = [7, 1];
/// Time between two checks of a proven domain, in milliseconds.
pub const CHECK_INTERVAL: i64 = DAY;
/// Time for which the record of a proven domain may be missing, in milliseconds.
pub const GRACE: i64 = 7 * DAY;

/// Time for which the name servers of a proven domain may fail to give a clear answer, in milliseconds.
pub const SILENCE: i64 = 30 * DAY;
/// Largest number of names at which a misplaced record is looked for.
const MAX_DOUBLED: usize = 3;

words! {
    /// Status of a domain's proof.
    ProofStatus {
        /// The record was not found so far.
        Unproven = "Unproven",
        /// The record was found, and has not been missing for long.
        Proven = "Proven",
        /// The record was not found in time. A new challenge is needed.
        Expired = "Expired",
        /// The record was found once, and has been missing for too long. A new challenge is needed.
        Revoked = "Revoked",
    }
}

/// A challenge to prove a domain, and its progress.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DomainProof {
    /// The domain to prove.
    pub domain: DomainName,
    /// Token for the record. It is not a secret, because DNS publishes it.
    pub token: String,
    /// Status of the proof.
    pub status: ProofStatus,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time limit for the record to appear.
    pub expires_at: Timestamp,
    /// Time at which the record was first seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proven_at: Option<Timestamp>,
    /// Time since which the record of a proven domain is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing_since: Option<Timestamp>,
    /// Time since which the name servers of a proven domain have not given a clear answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unanswered_since: Option<Timestamp>,
    /// Time of the last DNS lookup.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked_at: Option<Timestamp>,
    /// Outcome of the last check.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// Values found in place of the expected one, at most 3.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub found: Vec<String>,
    /// The mistake that explains the outcome of the last check.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mistake: Option<Mistake>,
    /// The threshold of the last notice that the challenge expires, in days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noticed: Option<u16>,
}

words! {
    /// Outcomes of a check.
    Outcome {
        /// The record was found.
        Verified = "verified",
        /// No TXT record was found.
        NoRecord = "no_record",
        /// TXT records were found, but none with the token.
        OtherValue = "other_value",
        /// The domain's name servers reported a failure.
        Servfail = "servfail",
        /// The domain's name servers did not respond in time.
        Timeout = "timeout",
        /// The challenge expired before its record was seen. A new one is needed.
        Expired = "expired",
    }
}

words! {
    /// Common mistakes in the setting of the record.
    Mistake {
        /// The value has quotes as part of it.
        QuotedValue = "quoted_value",
        /// The name of the domain or of its zone was appended to the name of the record.
        DoubledName = "doubled_name",
    }
}

/// Result of a DNS lookup of the TXT records at [`DomainProof::record_name`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Observation {
    /// The records, each with one or more strings. Empty if the name or a TXT record does not exist.
    Records(Vec<Vec<Vec<u8>>>),
    /// The name servers reported a failure.
    Servfail,
    /// The name servers did not respond in time.
    Timeout,
}

words! {
    /// Events of a proof.
    ProofEvent {
        /// The domain was proven.
        Proven = "proven",
        /// The record of a proven domain is missing for the first time in a row.
        Missing = "missing",
        /// The name servers of a proven domain have not given a clear answer for 7 days.
        Unanswered = "unanswered",
        /// The record came back, or is answered for again, before the proof was revoked.
        Restored = "restored",
        /// The proof was revoked.
        Revoked = "revoked",
        /// The challenge expires soon, and its record was not seen.
        Expiring = "expiring",
        /// The challenge expired before its record was seen.
        Expired = "expired",
    }
}

impl Mistake {
    /// Returns what to do about it, for people.
    pub fn advice(self) -> &'static str {
        match self {
            Self::QuotedValue => "the value has quotes as part of it: enter it without quotes",
            Self::DoubledName => {
                "the record is there with the name of the zone twice: enter its name without the zone, \
                 which the DNS provider appends"
            }
        }
    }
}

impl DomainProof {
    /// Creates a challenge.
    pub fn challenge(domain: DomainName, random: [u8; 20], now: Timestamp) -> Self {
        Self {
            domain,
            token: base32::encode(&random),
            status: ProofStatus::Unproven,
            created_at: now,
            expires_at: now.plus_millis(CHALLENGE_LIFE),
            proven_at: None,
            missing_since: None,
            unanswered_since: None,
            checked_at: None,
            outcome: None,
            found: Vec::new(),
            mistake: None,
            noticed: None,
        }
    }

    /// Creates a challenge that replaces this one, which is over. Keeps the reason why it is over.
    #[must_use]
    pub fn renewed(&self, random: [u8; 20], now: Timestamp) -> Self {
        let outcome = if self.status == ProofStatus::Revoked { self.outcome } else { Some(Outcome::Expired) };
        Self { outcome, checked_at: self.checked_at, ..Self::challenge(self.domain.clone(), random, now) }
    }

    /// Fields that a list can be sorted by.
    pub const SORTABLE: &[&'static str] = &["Domain", "Status", "ExpiresAt"];

    /// Returns the value of the field, one of [`DomainProof::SORTABLE`], to sort by.
    pub fn sort_key(&self, field: &str) -> SortKey<'_> {
        match field {
            "Domain" => self.domain.as_str().into(),
            "Status" => self.status.as_str().into(),
            "ExpiresAt" => SortKey::Number(self.expires_at.as_millis()),
            _ => SortKey::Absent,
        }
    }

    /// Returns true if it can no longer succeed, so that a new [`DomainProof::challenge`] replaces it.
    pub fn is_over(&self, now: Timestamp) -> bool {
        match self.status {
            ProofStatus::Unproven => self.expires_at <= now,
            ProofStatus::Proven => false,
            ProofStatus::Expired | ProofStatus::Revoked => true,
        }
    }

    /// Returns true if the domain counts as the tenant's.
    pub fn is_proven(&self) -> bool {
        self.status == ProofStatus::Proven
    }

    /// Returns the name of the TXT record.
    pub fn record_name(&self) -> String {
        format!("{CHALLENGE_LABEL}.{}", self.domain)
    }

    /// Returns the value of the TXT record. `expiry` is the time limit for its first appearance; the record of a proven
    /// domain stays for good.
    pub fn record_value(&self) -> String {
        format!("token={} expiry={}", self.token, self.expires_at)
    }

    /// Returns the time of the next automatic check: daily for a proven domain, at the notices and at the end of the
    /// challenge for an unproven one.
    pub fn next_due(&self) -> Option<Timestamp> {
        match self.status {
            ProofStatus::Unproven => Some(self.notices().next_at().unwrap_or(self.expires_at)),
            ProofStatus::Proven => {
                Some(self.checked_at.or(self.proven_at).unwrap_or(self.created_at).plus_millis(CHECK_INTERVAL))
            }
            ProofStatus::Expired | ProofStatus::Revoked => None,
        }
    }

    /// Updates the proof after a DNS lookup, and returns the event to publish. A proof that is over does not change.
    ///
    /// A failure of the name servers says nothing about the record: it neither starts nor ends the time for which the
    /// record is missing. After [`SILENCE`] without one clear answer the proof is revoked, too.
    #[must_use]
    pub fn observed(&self, observation: &Observation, now: Timestamp) -> (Self, Option<ProofEvent>) {
        if self.is_over(now) {
            return self.expired(now).unwrap_or_else(|| (self.clone(), None));
        }
        let Judgement { outcome, found, mistake } = self.judge(observation);
        let mut after = Self { checked_at: Some(now), outcome: Some(outcome), found, mistake, ..self.clone() };
        let event = match (self.status, outcome) {
            (ProofStatus::Unproven, Outcome::Verified) => {
                after.status = ProofStatus::Proven;
                after.proven_at = Some(now);
                Some(ProofEvent::Proven)
            }
            (ProofStatus::Proven, Outcome::Verified) => {
                (after.missing_since, after.unanswered_since) = (None, None);
                let was_reported = self.missing_since.is_some() || self.is_unanswered_for(GRACE);
                was_reported.then_some(ProofEvent::Restored)
            }
            (ProofStatus::Proven, Outcome::NoRecord | Outcome::OtherValue) => {
                after.unanswered_since = None;
                match self.missing_since {
                    None => {
                        after.missing_since = Some(now);
                        Some(ProofEvent::Missing)
                    }
                    Some(since) if now.millis_since(since) >= GRACE => {
                        after.status = ProofStatus::Revoked;
                        Some(ProofEvent::Revoked)
                    }
                    Some(_) => None,
                }
            }
            (ProofStatus::Proven, Outcome::Servfail | Outcome::Timeout) => {
                let since = self.unanswered_since.unwrap_or(now);
                after.unanswered_since = Some(since);
                if now.millis_since(since) >= SILENCE {
                    after.status = ProofStatus::Revoked;
                    Some(ProofEvent::Revoked)
                } else {
                    let is_new = after.is_unanswered_for(GRACE) && !self.is_unanswered_for(GRACE);
                    is_new.then_some(ProofEvent::Unanswered)
                }
            }
            _ => None,
        };
        (after, event)
    }

    /// Takes the notice that the challenge expires soon, if one is due. Each is given once; of several that are overdue, the
    /// latest alone.
    #[must_use]
    pub fn with_notice(&self, now: Timestamp) -> Option<Self> {
        let is_waiting = self.status == ProofStatus::Unproven && !self.is_over(now);
        let threshold = self.notices().due(now).filter(|_| is_waiting)?;
        Some(Self { noticed: Some(threshold), ..self.clone() })
    }

    /// Returns the days to the end of the challenge, rounded up.
    pub fn days_left(&self, now: Timestamp) -> i64 {
        days_left(self.expires_at, now)
    }

    fn notices(&self) -> Notices {
        Notices { thresholds: &THRESHOLDS, end: self.expires_at, since: self.created_at, given: self.noticed }
    }

    /// Returns true if the last check came so long after the last clear answer.
    fn is_unanswered_for(&self, time: i64) -> bool {
        let unanswered = self.checked_at.zip(self.unanswered_since);
        unanswered.is_some_and(|(checked_at, since)| checked_at.millis_since(since) >= time)
    }

    /// Returns names at which the record is found if the domain or a zone above it was appended to its name.
    pub fn doubled_names(&self) -> Vec<String> {
        let zones = std::iter::successors(Some(self.domain.as_str()), |zone| zone_above(zone)).take(MAX_DOUBLED);
        zones.map(|zone| format!("{}.{zone}", self.record_name())).collect()
    }

    /// Returns true if the records of a lookup have the token.
    pub fn is_in(&self, observation: &Observation) -> bool {
        matches!(self.judge(observation).outcome, Outcome::Verified)
    }

    /// Notes that the record was found at one of [`DomainProof::doubled_names`], where the last check found none.
    #[must_use]
    pub fn with_doubled_name(self) -> Self {
        let is_explained = self.outcome == Some(Outcome::NoRecord);
        Self { mistake: if is_explained { Some(Mistake::DoubledName) } else { self.mistake }, ..self }
    }

    /// Expires the proof if its challenge ended without its record, and returns the event to publish. Needs no DNS
    /// lookup. Returns `None` if the challenge has not ended, or if this was done already.
    #[must_use]
    pub fn expired(&self, now: Timestamp) -> Option<(Self, Option<ProofEvent>)> {
        (self.status == ProofStatus::Unproven && self.is_over(now)).then(|| {
            let after = Self {
                status: ProofStatus::Expired,
                outcome: Some(Outcome::Expired),
                found: Vec::new(),
                mistake: None,
                ..self.clone()
            };
            (after, Some(ProofEvent::Expired))
        })
    }

    /// Derives the outcome from a DNS lookup. One matching record is enough, because other records may share the name.
    fn judge(&self, observation: &Observation) -> Judgement {
        let only = |outcome| Judgement { outcome, found: Vec::new(), mistake: None };
        let records = match observation {
            Observation::Servfail => return only(Outcome::Servfail),
            Observation::Timeout => return only(Outcome::Timeout),
            Observation::Records(records) if records.is_empty() => return only(Outcome::NoRecord),
            Observation::Records(records) => records,
        };
        // A record is one value, cut into strings of at most 255 bytes (RFC 1035, 3.3.14). RFC 7208, 3.3 joins them in
        // this way.
        let values: Vec<String> =
            records.iter().map(|strings| String::from_utf8_lossy(&strings.concat()).into_owned()).collect();
        if values.iter().any(|value| self.matches(value)) {
            return only(Outcome::Verified);
        }
        let is_quoted = values.iter().any(|value| self.matches(&value.replace(QUOTES, "")));
        let shown = |value: &String| value.chars().map(printable).take(MAX_SHOWN).collect();
        Judgement {
            outcome: Outcome::OtherValue,
            found: values.iter().take(3).map(shown).collect(),
            mistake: is_quoted.then_some(Mistake::QuotedValue),
        }
    }

    /// Returns true if a value contains the token. The rest of the value is for people, so it may be missing or
    /// changed. Base 32 is case-insensitive.
    fn matches(&self, value: &str) -> bool {
        value
            .split_whitespace()
            .filter_map(|pair| pair.split_once('='))
            .any(|(key, token)| key.eq_ignore_ascii_case("token") && token.eq_ignore_ascii_case(&self.token))
    }
}

/// The outcome of a lookup, the values found in place of the expected one, and the mistake that explains them.
struct Judgement {
    outcome: Outcome,
    found: Vec<String>,
    mistake: Option<Mistake>,
}

/// Quotes, and the backslash that escapes them in zone files.
const QUOTES: &[char] = &['"', '\'', '\\', '\u{201c}', '\u{201d}', '\u{2018}', '\u{2019}'];

/// The zone above a domain that can have one: one with a dot.
fn zone_above(domain: &str) -> Option<&str> {
    domain.split_once('.').map(|(_, above)| above).filter(|above| above.contains('.'))
}

/// Largest number of characters shown of a found value.
const MAX_SHOWN: usize = 255;

fn printable(character: char) -> char {
    if character.is_control() { char::REPLACEMENT_CHARACTER } else { character }
}

#[cfg(test)]
mod tests;
