//! The proof that a tenant owns an e-mail domain: a TXT record that only who runs the domain's DNS can set, after the
//! IETF draft "Domain Control Validation using DNS" (draft-ietf-dnsop-domain-verification-techniques).
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

/// The label that the record is at, before the domain.
pub const CHALLENGE_LABEL: &str = "_trustplane-challenge";
/// How long a challenge waits for its record, in milliseconds.
pub const CHALLENGE_LIFE: i64 = 30 * DAY;
/// How often a proven domain is checked again, in milliseconds.
pub const CHECK_INTERVAL: i64 = DAY;
/// How long the record of a proven domain may be gone, in milliseconds.
pub const GRACE: i64 = 7 * DAY;

words! {
    /// Whether a domain is proven.
    ProofStatus {
        /// It waits for its record.
        Unproven = "Unproven",
        /// Its record was seen, and has not been gone for long.
        Proven = "Proven",
        /// Its record did not come in time. A new challenge is needed.
        Expired = "Expired",
        /// Its record was seen once and is gone. A new challenge is needed.
        Revoked = "Revoked",
    }
}

/// A challenge to prove a domain, and how far that has come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DomainProof {
    /// Which domain.
    pub domain: DomainName,
    /// What the record must say. No secret: it is published.
    pub token: String,
    /// Whether the domain is proven.
    pub status: ProofStatus,
    /// When the challenge was made.
    pub created_at: Timestamp,
    /// When it ends, if the record has not come until then.
    pub expires_at: Timestamp,
    /// When the record was first seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proven_at: Option<Timestamp>,
    /// Since when the record of a proven domain is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing_since: Option<Timestamp>,
    /// When DNS was last asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked_at: Option<Timestamp>,
    /// What came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// What was found in place of the record, at most 3 values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub found: Vec<String>,
}

words! {
    /// What came of a check.
    Outcome {
        /// The record is there.
        Verified = "verified",
        /// There is no TXT record.
        NoRecord = "no_record",
        /// There are TXT records, none of them right.
        OtherValue = "other_value",
        /// The domain's name servers fail to answer.
        Servfail = "servfail",
        /// The domain's name servers did not answer in time.
        Timeout = "timeout",
        /// The challenge ended before its record was seen. A new one is needed.
        Expired = "expired",
    }
}

/// What DNS answered to a question for the TXT records of [`DomainProof::record_name`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Observation {
    /// These records, each of one or more strings. None: no such name, or no TXT record there.
    Records(Vec<Vec<Vec<u8>>>),
    /// The name servers failed.
    Servfail,
    /// They did not answer in time.
    Timeout,
}

words! {
    /// What others are told of a proof.
    ProofEvent {
        /// The domain is proven.
        Proven = "proven",
        /// The record of a proven domain is gone, for the first time in a row.
        Missing = "missing",
        /// The record came back before the proof was revoked.
        Restored = "restored",
        /// The proof is revoked.
        Revoked = "revoked",
        /// The challenge ended before its record was seen.
        Expired = "expired",
    }
}

impl DomainProof {
    /// A new challenge.
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

    /// A new challenge in the place of this one, which is over. It says why it had to be made.
    #[must_use]
    pub fn renewed(&self, random: [u8; 20], now: Timestamp) -> Self {
        let outcome = if self.status == ProofStatus::Revoked { self.outcome } else { Some(Outcome::Expired) };
        Self { outcome, checked_at: self.checked_at, ..Self::challenge(self.domain.clone(), random, now) }
    }

    /// What a list of proofs can be sorted by.
    pub const SORTABLE: &[&'static str] = &["Domain", "Status", "ExpiresAt"];

    /// What this is sorted by under one of [`DomainProof::SORTABLE`].
    pub fn sort_key(&self, field: &str) -> SortKey<'_> {
        match field {
            "Domain" => self.domain.as_str().into(),
            "Status" => self.status.as_str().into(),
            "ExpiresAt" => SortKey::Number(self.expires_at.as_millis()),
            _ => SortKey::Absent,
        }
    }

    /// Whether it can no longer succeed, so that a new [`DomainProof::challenge`] takes its place.
    pub fn is_over(&self, now: Timestamp) -> bool {
        match self.status {
            ProofStatus::Unproven => self.expires_at <= now,
            ProofStatus::Proven => false,
            ProofStatus::Expired | ProofStatus::Revoked => true,
        }
    }

    /// Whether the domain counts as the tenant's.
    pub fn is_proven(&self) -> bool {
        self.status == ProofStatus::Proven
    }

    /// The name that the TXT record must be at.
    pub fn record_name(&self) -> String {
        format!("{CHALLENGE_LABEL}.{}", self.domain)
    }

    /// The value that the TXT record must have. `expiry` says until when it is looked for at first; a proven domain
    /// keeps the record for good.
    pub fn record_value(&self) -> String {
        format!("token={} expiry={}", self.token, self.expires_at)
    }

    /// When the proof has to be looked at next, without being asked: a proven one for its daily check, an unproven one
    /// when its challenge ends.
    pub fn next_due(&self) -> Option<Timestamp> {
        match self.status {
            ProofStatus::Unproven => Some(self.expires_at),
            ProofStatus::Proven => {
                Some(self.checked_at.or(self.proven_at).unwrap_or(self.created_at).plus_millis(CHECK_INTERVAL))
            }
            ProofStatus::Expired | ProofStatus::Revoked => None,
        }
    }

    /// The proof after DNS was asked, and what others are told. What is over stays as it is.
    ///
    /// Name servers that fail or do not answer say nothing of the record: they neither begin nor end a time of its
    /// being gone.
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

    /// The proof once its challenge has ended without its record, and what others are told: no need to ask DNS. None
    /// where it has not, or that was said already.
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

    /// What an observation means, and the values that stood where the record was looked for. Any one record that
    /// matches is enough: others share the name with it.
    fn judge(&self, observation: &Observation) -> (Outcome, Vec<String>) {
        let records = match observation {
            Observation::Servfail => return (Outcome::Servfail, Vec::new()),
            Observation::Timeout => return (Outcome::Timeout, Vec::new()),
            Observation::Records(records) if records.is_empty() => return (Outcome::NoRecord, Vec::new()),
            Observation::Records(records) => records,
        };
        // A record is one value, cut into strings of 255 bytes at most (RFC 1035, 3.3.14; RFC 7208, 3.3 joins them so).
        let values: Vec<String> =
            records.iter().map(|strings| String::from_utf8_lossy(&strings.concat()).into_owned()).collect();
        if values.iter().any(|value| self.matches(value)) {
            return (Outcome::Verified, Vec::new());
        }
        let shown = |value: &String| value.chars().map(printable).take(MOST_SHOWN).collect();
        (Outcome::OtherValue, values.iter().take(3).map(shown).collect())
    }

    /// Whether a value names the token. The rest of the value is for people, so it may be cut off or changed; base 32
    /// is read in either case.
    fn matches(&self, value: &str) -> bool {
        value
            .split_whitespace()
            .filter_map(|pair| pair.split_once('='))
            .any(|(key, token)| key.eq_ignore_ascii_case("token") && token.eq_ignore_ascii_case(&self.token))
    }
}

/// Characters of a found value that are shown.
const MOST_SHOWN: usize = 255;

fn printable(character: char) -> char {
    if character.is_control() { char::REPLACEMENT_CHARACTER } else { character }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(days: i64) -> Timestamp {
        Timestamp::from_millis(days * DAY)
    }

    fn challenge() -> DomainProof {
        DomainProof::challenge(DomainName::parse("acme.example").unwrap(), [3; 20], at(0))
    }

    fn records(values: &[&[&str]]) -> Observation {
        let record = |strings: &&[&str]| strings.iter().map(|text| text.as_bytes().to_vec()).collect();
        Observation::Records(values.iter().map(record).collect())
    }

    fn right(proof: &DomainProof) -> Observation {
        records(&[&[&proof.record_value()]])
    }

    fn proven() -> DomainProof {
        challenge().observed(&right(&challenge()), at(1)).0
    }

    #[test]
    fn the_record_says_what_to_set_where() {
        let proof = challenge();
        assert_eq!(proof.record_name(), "_trustplane-challenge.acme.example");
        assert_eq!(proof.record_value(), "token=ambqgaydambqgaydambqgaydambqgayd expiry=1970-01-31T00:00:00.000Z");
        assert!(proof.record_value().len() <= 255);
    }

    #[test]
    fn any_one_right_record_proves_whatever_stands_beside_it() {
        let token = challenge().token;
        let pair = format!("token={token}");
        let (head, tail) = pair.split_at(20);
        for observation in [
            right(&challenge()),
            records(&[&["v=spf1 -all"], &[&pair]]),
            records(&[&[head, tail]]),
            records(&[&[&pair.to_uppercase()]]),
            records(&[&[&format!("  expiry=never\t{pair}  ")]]),
        ] {
            let (after, event) = challenge().observed(&observation, at(1));
            assert_eq!((after.status, event), (ProofStatus::Proven, Some(ProofEvent::Proven)), "{observation:?}");
            assert_eq!((after.proven_at, after.next_due()), (Some(at(1)), Some(at(2))));
        }
    }

    #[test]
    fn a_check_that_fails_says_why() {
        let token = challenge().token;
        let near = format!("token={token}x");
        for (observation, outcome, found) in [
            (records(&[]), Outcome::NoRecord, vec![]),
            (Observation::Servfail, Outcome::Servfail, vec![]),
            (Observation::Timeout, Outcome::Timeout, vec![]),
            (records(&[&[&near]]), Outcome::OtherValue, vec![near.as_str()]),
            (records(&[&[&token]]), Outcome::OtherValue, vec![token.as_str()]),
            (records(&[&["token="]]), Outcome::OtherValue, vec!["token="]),
            (records(&[&["a", "b"], &["c"], &["d"], &["e"]]), Outcome::OtherValue, vec!["ab", "c", "d"]),
            (Observation::Records(vec![vec![vec![b'a', 0xff, 0x07]]]), Outcome::OtherValue, vec!["a\u{fffd}\u{fffd}"]),
        ] {
            let (after, event) = challenge().observed(&observation, at(1));
            assert_eq!((after.status, after.outcome, event), (ProofStatus::Unproven, Some(outcome), None));
            assert_eq!(after.found, found);
            assert_eq!(after.next_due(), Some(at(30)));
        }
        let long = "x".repeat(1_000);
        let (after, _) = challenge().observed(&records(&[&[&long]]), at(1));
        assert_eq!(after.found, [&long[..255]]);
    }

    #[test]
    fn a_challenge_ends_after_thirty_days_even_if_the_record_comes_then() {
        let just = challenge().observed(&right(&challenge()), at(30).plus_millis(-1)).0;
        assert!(just.is_proven());
        assert!(challenge().is_over(at(30)));
        let (late, event) = challenge().observed(&right(&challenge()), at(30));
        assert_eq!((late.status, event), (ProofStatus::Expired, Some(ProofEvent::Expired)));
        assert_eq!((late.outcome, late.next_due()), (Some(Outcome::Expired), None));
        assert_eq!(late.observed(&right(&challenge()), at(31)), (late, None));
    }

    #[test]
    fn a_new_challenge_takes_the_place_of_one_that_is_over() {
        let renewed = challenge().renewed([9; 20], at(30));
        assert_eq!((renewed.status, renewed.outcome), (ProofStatus::Unproven, Some(Outcome::Expired)));
        assert_eq!((renewed.created_at, renewed.expires_at), (at(30), at(60)));
        assert_ne!(renewed.token, challenge().token);
        assert!(!renewed.observed(&right(&challenge()), at(31)).0.is_proven());
    }

    #[test]
    fn a_proof_outlives_its_challenge_and_is_checked_daily() {
        let (later, event) = proven().observed(&right(&challenge()), at(400));
        assert_eq!((later.status, event), (ProofStatus::Proven, None));
        assert_eq!((later.proven_at, later.next_due()), (Some(at(1)), Some(at(401))));
    }

    #[test]
    fn a_record_gone_for_seven_days_in_a_row_revokes_the_proof() {
        let mut proof = proven();
        let mut events = Vec::new();
        for day in 2..=10 {
            let (after, event) = proof.observed(&records(&[]), at(day));
            events.extend(event.map(|event| (day, event)));
            proof = after;
        }
        assert_eq!(events, [(2, ProofEvent::Missing), (9, ProofEvent::Revoked)]);
        assert_eq!((proof.status, proof.next_due(), proof.is_over(at(9))), (ProofStatus::Revoked, None, true));
    }

    #[test]
    fn a_record_that_comes_back_starts_the_seven_days_anew() {
        let (proof, _) = proven().observed(&records(&[&["other"]]), at(2));
        let (proof, event) = proof.observed(&right(&challenge()), at(8));
        assert_eq!((event, proof.missing_since), (Some(ProofEvent::Restored), None));
        let (proof, event) = proof.observed(&records(&[]), at(9));
        assert_eq!((event, proof.is_proven()), (Some(ProofEvent::Missing), true));
    }

    #[test]
    fn silence_is_not_absence() {
        for silence in [Observation::Servfail, Observation::Timeout] {
            let mut proof = proven();
            for day in 2..40 {
                let (after, event) = proof.observed(&silence, at(day));
                assert_eq!((after.status, after.missing_since, event), (ProofStatus::Proven, None, None));
                proof = after;
            }
            let (proof, _) = proof.observed(&records(&[]), at(40));
            let (proof, event) = proof.observed(&silence, at(60));
            assert_eq!((proof.status, proof.missing_since, event), (ProofStatus::Proven, Some(at(40)), None));
        }
    }

    #[test]
    fn what_is_kept_is_read_back() {
        for proof in [challenge(), proven(), proven().observed(&records(&[&["x"]]), at(2)).0] {
            let kept = serde_json::to_value(&proof).unwrap();
            assert_eq!(serde_json::from_value::<DomainProof>(kept).unwrap(), proof);
        }
    }

    proptest! {
        #[test]
        fn over_any_history_the_proof_is_only_what_the_records_bear_out(steps in proptest::collection::vec((0_u8..5, 1_i64..400), 1..60)) {
            let mut proof = challenge();
            let mut now = at(0);
            // When the record was last known to be there, and last known to be gone.
            let (mut seen, mut gone_since) = (None, None);
            for (kind, hours) in steps {
                now = now.plus_millis(hours * DAY / 24);
                let observation = match kind {
                    0 | 1 => right(&challenge()),
                    2 => records(&[]),
                    3 => records(&[&["token=x"]]),
                    _ => Observation::Timeout,
                };
                let was_over = proof.is_over(now);
                let (after, event) = proof.observed(&observation, now);
                if was_over {
                    prop_assert!(!after.is_proven());
                    prop_assert_eq!(event.is_some(), proof.status == ProofStatus::Unproven);
                } else {
                    match kind {
                        0 | 1 => { seen = Some(now); gone_since = None; }
                        2 | 3 if seen.is_some() => { gone_since = gone_since.or(Some(now)); }
                        _ => {}
                    }
                    let long_gone = kind < 4 && gone_since.is_some_and(|since| now.millis_since(since) >= GRACE);
                    prop_assert_eq!(after.is_proven(), seen.is_some() && !long_gone);
                    prop_assert_eq!(event == Some(ProofEvent::Revoked), long_gone);
                    prop_assert_eq!(event == Some(ProofEvent::Proven), proof.status == ProofStatus::Unproven && kind < 2);
                    prop_assert_eq!(event == Some(ProofEvent::Missing), gone_since == Some(now));
                }
                prop_assert!(after.next_due().is_none_or(|due| due > now));
                prop_assert_eq!(after.next_due().is_none(), after.is_over(now));
                proof = after;
            }
        }

        #[test]
        fn any_records_are_read_without_a_panic(
            records in proptest::collection::vec(proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..20), 0..4), 0..6)
        ) {
            let (after, event) = challenge().observed(&Observation::Records(records.clone()), at(1));
            prop_assert_eq!((after.is_proven(), event), (false, None));
            prop_assert!(after.found.len() <= 3);
            prop_assert_eq!(after.outcome == Some(Outcome::NoRecord), records.is_empty());
        }
    }
}
