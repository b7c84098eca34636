//! The proof that a tenant owns an e-mail domain: a TXT record that only the operator of the domain's DNS can set. It
//! follows the IETF draft "Domain Control Validation using DNS" (draft-ietf-dnsop-domain-verification-techniques).
//!
//! ```text
//! _trustplane-challenge.acme.example. TXT "token=<160 random bits, base 32> expiry=<RFC 3339>"
//!
//! Unproven -> Proven | Expired (30 days)      Proven -> Revoked (record gone for 7 days in a row)
//! ```

use serde::{Deserialize, Serialize};

use super::base32;
use super::domain_name::DomainName;
use super::page::SortKey;
use super::words::words;
use crate::Timestamp;
use crate::timestamp::DAY;

/// Label of the record, in front of the domain.
pub const CHALLENGE_LABEL: &str = "_trustplane-challenge";
/// Time limit for setting a challenge's record, in milliseconds.
pub const CHALLENGE_LIFE: i64 = 30 * DAY;
/// Time between two checks of a proven domain, in milliseconds.
pub const CHECK_INTERVAL: i64 = DAY;
/// Time for which the record of a proven domain may be missing, in milliseconds.
pub const GRACE: i64 = 7 * DAY;

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
    /// Time of the last DNS lookup.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked_at: Option<Timestamp>,
    /// Outcome of the last check.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// Values found in place of the expected one, at most 3.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub found: Vec<String>,
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
        /// The record came back before the proof was revoked.
        Restored = "restored",
        /// The proof was revoked.
        Revoked = "revoked",
        /// The challenge expired before its record was seen.
        Expired = "expired",
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
            checked_at: None,
            outcome: None,
            found: Vec::new(),
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

    /// Returns the time of the next automatic check: daily for a proven domain, at the end of the challenge for an
    /// unproven one.
    pub fn next_due(&self) -> Option<Timestamp> {
        match self.status {
            ProofStatus::Unproven => Some(self.expires_at),
            ProofStatus::Proven => {
                Some(self.checked_at.or(self.proven_at).unwrap_or(self.created_at).plus_millis(CHECK_INTERVAL))
            }
            ProofStatus::Expired | ProofStatus::Revoked => None,
        }
    }

    /// Updates the proof after a DNS lookup, and returns the event to publish. A proof that is over does not change.
    ///
    /// A failure of the name servers says nothing about the record: it neither starts nor ends the time for which the
    /// record is missing.
    #[must_use]
    pub fn observed(&self, observation: &Observation, now: Timestamp) -> (Self, Option<ProofEvent>) {
        if self.is_over(now) {
            return self.expired(now).unwrap_or_else(|| (self.clone(), None));
        }
        let (outcome, found) = self.judge(observation);
        let mut after = Self { checked_at: Some(now), outcome: Some(outcome), found, ..self.clone() };
        let event = match (self.status, outcome) {
            (ProofStatus::Unproven, Outcome::Verified) => {
                after.status = ProofStatus::Proven;
                after.proven_at = Some(now);
                Some(ProofEvent::Proven)
            }
            (ProofStatus::Proven, Outcome::Verified) => {
                after.missing_since = None;
                self.missing_since.map(|_| ProofEvent::Restored)
            }
            (ProofStatus::Proven, Outcome::NoRecord | Outcome::OtherValue) => match self.missing_since {
                None => {
                    after.missing_since = Some(now);
                    Some(ProofEvent::Missing)
                }
                Some(since) if now.millis_since(since) >= GRACE => {
                    after.status = ProofStatus::Revoked;
                    Some(ProofEvent::Revoked)
                }
                Some(_) => None,
            },
            _ => None,
        };
        (after, event)
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
                ..self.clone()
            };
            (after, Some(ProofEvent::Expired))
        })
    }

    /// Derives the outcome from a DNS lookup, and the values found instead of the expected one. One matching record is
    /// enough, because other records may share the name.
    fn judge(&self, observation: &Observation) -> (Outcome, Vec<String>) {
        let records = match observation {
            Observation::Servfail => return (Outcome::Servfail, Vec::new()),
            Observation::Timeout => return (Outcome::Timeout, Vec::new()),
            Observation::Records(records) if records.is_empty() => return (Outcome::NoRecord, Vec::new()),
            Observation::Records(records) => records,
        };
        // A record is one value, cut into strings of at most 255 bytes (RFC 1035, 3.3.14). RFC 7208, 3.3 joins them in
        // this way.
        let values: Vec<String> =
            records.iter().map(|strings| String::from_utf8_lossy(&strings.concat()).into_owned()).collect();
        if values.iter().any(|value| self.matches(value)) {
            return (Outcome::Verified, Vec::new());
        }
        let shown = |value: &String| value.chars().map(printable).take(MAX_SHOWN).collect();
        (Outcome::OtherValue, values.iter().take(3).map(shown).collect())
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

/// Largest number of characters shown of a found value.
const MAX_SHOWN: usize = 255;

fn printable(character: char) -> char {
    if character.is_control() { char::REPLACEMENT_CHARACTER } else { character }
}

#[cfg(test)]
mod tests;
