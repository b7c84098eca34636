//! Tests of the proof of a domain.

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
fn one_right_record_suffices_among_others() {
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
        assert_eq!(after.next_due(), Some(at(23)));
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
fn each_notice_of_a_challenge_is_given_once_and_none_of_a_proof_or_of_one_that_is_over() {
    let proof = challenge();
    assert_eq!((proof.with_notice(at(22)), proof.next_due()), (None, Some(at(23))));
    let week = proof.with_notice(at(23)).unwrap();
    assert_eq!((week.noticed, week.days_left(at(23)), week.next_due()), (Some(7), 7, Some(at(29))));
    assert_eq!(week.with_notice(at(24)), None);
    let day = week.with_notice(at(29)).unwrap();
    assert_eq!((day.noticed, day.next_due(), day.with_notice(at(29))), (Some(1), Some(at(30)), None));
    assert_eq!(proof.with_notice(at(29)).unwrap(), day);
    assert_eq!((proof.with_notice(at(30)), proven().with_notice(at(29))), (None, None));
    assert_eq!(day.renewed([9; 20], at(30)).next_due(), Some(at(53)));
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
fn silence_is_not_absence_for_thirty_days() {
    for silence in [Observation::Servfail, Observation::Timeout] {
        let mut proof = proven();
        let mut events = Vec::new();
        for day in 2..=33 {
            let (after, event) = proof.observed(&silence, at(day));
            assert_eq!((after.is_proven(), after.missing_since), (day < 32, None), "{day}");
            events.extend(event.map(|event| (day, event)));
            proof = after;
        }
        assert_eq!(events, [(9, ProofEvent::Unanswered), (32, ProofEvent::Revoked)]);
        assert_eq!((proof.next_due(), proof.outcome), (None, proven().observed(&silence, at(2)).0.outcome));
    }
}

#[test]
fn one_clear_answer_ends_the_silence() {
    let silent = |proof: DomainProof, days: std::ops::RangeInclusive<i64>| {
        days.fold(proof, |proof, day| proof.observed(&Observation::Timeout, at(day)).0)
    };
    // There again after it was reported, and before.
    let (there, event) = silent(proven(), 2..=12).observed(&right(&challenge()), at(13));
    assert_eq!((there.unanswered_since, event), (None, Some(ProofEvent::Restored)));
    let (there, event) = silent(proven(), 2..=5).observed(&right(&challenge()), at(6));
    assert_eq!((there.unanswered_since, event), (None, None));
    // Gone: the seven days begin now. Silence does not end them.
    let (gone, event) = silent(proven(), 2..=31).observed(&records(&[]), at(32));
    assert_eq!((gone.is_proven(), gone.missing_since, event), (true, Some(at(32)), Some(ProofEvent::Missing)));
    let (gone, event) = silent(gone, 33..=40).observed(&records(&[]), at(41));
    assert_eq!((gone.status, event), (ProofStatus::Revoked, Some(ProofEvent::Revoked)));
    // A challenge that is not proven yet ends by its own time.
    let waiting = silent(challenge(), 1..=29);
    assert_eq!((waiting.status, waiting.unanswered_since), (ProofStatus::Unproven, None));
}

#[test]
fn common_mistakes_are_named() {
    let value = challenge().record_value();
    for wrong in [
        format!("\"{value}\""),
        format!("'{value}'"),
        format!("\\\"{value}\\\""),
        format!("token=\"{}\"", challenge().token),
        format!("\u{201c}{value}\u{201d}"),
    ] {
        let (after, _) = challenge().observed(&records(&[&["v=spf1 -all"], &[&wrong]]), at(1));
        assert_eq!((after.outcome, after.mistake), (Some(Outcome::OtherValue), Some(Mistake::QuotedValue)), "{wrong}");
        let (after, _) = after.observed(&right(&challenge()), at(2));
        assert_eq!((after.is_proven(), after.mistake), (true, None));
    }
    let (other, _) = challenge().observed(&records(&[&["\"token=x\""]]), at(1));
    assert_eq!(other.mistake, None);

    let deep = DomainProof { domain: DomainName::parse("a.b.acme.example").unwrap(), ..challenge() };
    let doubled = ["a.b.acme.example", "b.acme.example", "acme.example"];
    let doubled = doubled.map(|zone| format!("_trustplane-challenge.a.b.acme.example.{zone}"));
    assert_eq!(deep.doubled_names(), doubled);
    assert_eq!(challenge().doubled_names(), ["_trustplane-challenge.acme.example.acme.example"]);
    assert!(challenge().is_in(&right(&challenge())) && !challenge().is_in(&records(&[&["x"]])));
    let (none, _) = challenge().observed(&records(&[]), at(1));
    assert_eq!(none.with_doubled_name().mistake, Some(Mistake::DoubledName));
    assert_eq!(other.with_doubled_name().mistake, None);
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
        // The times at which the record was last known to exist, and last known to be missing.
        let (mut seen, mut gone_since) = (None, None);
        // The time of the first check without a clear answer since the last one with it.
        let mut silent_since = None;
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
                    0 | 1 => { seen = Some(now); gone_since = None; silent_since = None; }
                    2 | 3 if seen.is_some() => { gone_since = gone_since.or(Some(now)); silent_since = None; }
                    4 if seen.is_some() => { silent_since = silent_since.or(Some(now)); }
                    _ => {}
                }
                let long_silent = kind == 4 && silent_since.is_some_and(|since| now.millis_since(since) >= SILENCE);
                let long_gone = kind < 4 && gone_since.is_some_and(|since| now.millis_since(since) >= GRACE);
                prop_assert_eq!(after.is_proven(), seen.is_some() && !long_gone && !long_silent);
                prop_assert_eq!(event == Some(ProofEvent::Revoked), long_gone || long_silent);
                prop_assert_eq!(event == Some(ProofEvent::Proven), proof.status == ProofStatus::Unproven && kind < 2);
                prop_assert_eq!(event == Some(ProofEvent::Missing), gone_since == Some(now));
            }
            prop_assert_eq!(after.next_due().is_none(), after.is_over(now));
            proof = match after.with_notice(now) {
                Some(noticed) => {
                    prop_assert!(after.noticed.is_none_or(|before| noticed.noticed < Some(before)));
                    prop_assert!(!noticed.is_over(now) && !noticed.is_proven());
                    noticed
                }
                None => after,
            };
            prop_assert!(proof.next_due().is_none_or(|due| due > now));
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
