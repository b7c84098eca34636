//! Tests that build a log, tamper with it, and verify it.

use proptest::prelude::*;
use serde_json::json;

use super::super::{Batch, DISORDER, Entry, GENESIS, ids_at};
use super::*;
use crate::audit::Outcome;

const START: i64 = 1_767_323_045_678;

fn tenant() -> TenantId {
    TenantId::from_random([1; 16])
}

fn kept(millis: i64, name: &str) -> KeptRecord {
    let id = ids_at(Timestamp::from_millis(millis)).0;
    let record = AuditRecord {
        id: id.clone(),
        tenant_id: tenant(),
        occurred_at: Timestamp::from_millis(millis),
        actor: json!({}),
        action: name.to_owned(),
        resource_type: "tenant".to_owned(),
        resource_id: "x".to_owned(),
        outcome: Outcome::Allowed,
        before: None,
        after: None,
        determining_policies: Vec::new(),
        source_ip: None,
        user_agent: None,
        request_id: "r".to_owned(),
        interaction_id: None,
    };
    let text = record.canonical();
    KeptRecord { id, hash: AuditRecord::hash(&text), text, previous_hash: None }
}

/// A log: records, seals and head.
#[derive(Clone, Debug)]
struct Log {
    records: Vec<KeptRecord>,
    seals: Vec<ChainSeal>,
    head: Option<ChainHead>,
}

impl Log {
    fn new(records: Vec<KeptRecord>) -> Self {
        Self { records, seals: Vec::new(), head: None }
    }

    /// Seals these records, a minute after the last of them.
    fn seal(&mut self, places: std::ops::Range<usize>) {
        self.seal_with(places, Batch::default());
    }

    fn seal_with(&mut self, places: std::ops::Range<usize>, batch: Batch) {
        let head = self.head.clone().unwrap_or_default();
        let (records, at) = self.entries(places.clone());
        let (seal, next) = head.seal(Batch { records, ..batch }, at).unwrap();
        for (record, (entry, previous)) in self.records[places].iter_mut().zip(seal.links(&head.record)) {
            record.previous_hash = head.links(&entry.id, at).then(|| previous.to_owned());
        }
        self.seals.push(seal);
        self.head = Some(next);
    }

    /// Seals these records as seals were made before they had positions.
    fn seal_without_position(&mut self, places: std::ops::Range<usize>) {
        let head = self.head.clone().unwrap_or_default();
        let (records, sealed_at) = self.entries(places.clone());
        let count = u64::try_from(records.len()).unwrap();
        let mut seal = ChainSeal {
            number: head.seals + 1,
            previous: head.seal.clone(),
            records,
            sealed_at,
            position: None,
            kept_until: None,
            is_resealing: false,
            hash: String::new(),
        };
        seal.hash = seal.computed_hash();
        for (record, (_, previous)) in self.records[places.clone()].iter_mut().zip(seal.links(&head.record)) {
            record.previous_hash = Some(previous.to_owned());
        }
        let record = self.records[places.end - 1].hash.clone();
        let (seals, records) = (seal.number, head.records + count);
        self.head = Some(ChainHead { seals, records, seal: seal.hash.clone(), record, newest: Vec::new() });
        self.seals.push(seal);
    }

    fn entries(&self, places: std::ops::Range<usize>) -> (Vec<Entry>, Timestamp) {
        let records = &self.records[places];
        let entries = records.iter().map(|record| Entry { id: record.id.clone(), hash: record.hash.clone() }).collect();
        let last = records.iter().filter_map(|record| time_of(&record.id)).max().unwrap();
        (entries, last.plus_millis(60_000))
    }

    fn verified_at(&self, range: Range, started: i64) -> Verified {
        let mut verifier = Verifier::new(tenant(), range, Timestamp::from_millis(started));
        self.records.iter().cloned().for_each(|record| verifier.record(record));
        self.seals.iter().for_each(|seal| verifier.seal(seal));
        verifier.finish(&self.head.clone().map_or(KeptEnd::Absent, KeptEnd::Head))
    }

    fn verified(&self) -> Verified {
        self.verified_at(Range::default(), START + 10_000_000)
    }
}

/// Builds a log of nine records, a second apart. Seven of them are sealed, in three seals.
fn log() -> Log {
    let mut log = Log::new((0..9).map(|n| kept(START + n * 1_000, "put")).collect());
    log.seal(0..3);
    log.seal(3..4);
    log.seal(4..7);
    log
}

/// The same log, of which the first seals were made before they had positions.
fn old_log(old: usize) -> Log {
    let mut log = Log::new((0..9).map(|n| kept(START + n * 1_000, "put")).collect());
    for (number, places) in [0..3, 3..4, 4..7].into_iter().enumerate() {
        if number < old { log.seal_without_position(places) } else { log.seal(places) }
    }
    log
}

fn logs() -> [Log; 4] {
    [log(), old_log(1), old_log(2), old_log(3)]
}

#[test]
fn a_log_that_nobody_touched_is_intact() {
    for log in logs() {
        let verified = log.verified();
        assert_eq!((verified.records, verified.intact, verified.first_broken, verified.resealed), (9, true, None, 0));
        assert_eq!(verified.sealed_through, Some(Timestamp::from_millis(START + 6_000)));
        assert_eq!(log.records[0].previous_hash.as_deref(), Some(GENESIS));
    }
    // Only the records of the first seal are rewritten.
    let linked = |log: Log| log.records.iter().filter(|record| record.previous_hash.is_some()).count();
    assert_eq!((linked(log()), linked(old_log(3))), (3, 7));
    assert_eq!(old_log(2).records[4].previous_hash, Some(log().records[3].hash.clone()));
    let empty = Log::new(Vec::new()).verified();
    assert_eq!((empty.records, empty.intact, empty.sealed_through), (0, true, None));
}

#[test]
fn each_record_that_is_changed_or_removed_is_found() {
    for log in logs() {
        for place in 0..9 {
            let mut changed = log.clone();
            changed.records[place].text = changed.records[place].text.replace("put", "get");
            let found = changed.verified().first_broken.unwrap();
            assert_eq!(found.id.as_ref(), Some(&changed.records[place].id));
            // With a matching hash, the defect appears once the record is sealed.
            let mut changed = log.clone();
            let other = kept(START + i64::try_from(place).unwrap() * 1_000, "get");
            let previous_hash = changed.records[place].previous_hash.take();
            let is_linked = previous_hash.is_some();
            changed.records[place] = KeptRecord { previous_hash, ..other };
            assert_eq!(changed.verified().intact, place >= 7, "{place}");
            let mut removed = log.clone();
            let gone = removed.records.remove(place);
            assert_eq!(removed.verified().first_broken.and_then(|broken| broken.id), (place < 7).then_some(gone.id));
            // A hash before it that is another, or is not there although it is linked.
            let mut moved = log.clone();
            moved.records[place].previous_hash = Some("0".to_owned());
            assert!(!moved.verified().intact, "{place}");
            moved.records[place].previous_hash = None;
            assert_eq!(moved.verified().intact, !is_linked, "{place}");
        }
        let mut swapped = log.clone();
        let text = swapped.records[1].text.clone();
        (swapped.records[0].hash, swapped.records[0].text) = (swapped.records[1].hash.clone(), text);
        assert!(!swapped.verified().intact);
    }
}

#[test]
fn each_seal_that_is_changed_or_removed_is_found_and_so_is_the_head() {
    for log in logs() {
        for place in 0..3 {
            let mut removed = log.clone();
            let _ = removed.seals.remove(place);
            assert!(!removed.verified().intact);
            let mut emptied = log.clone();
            let _ = emptied.seals[place].records.remove(0);
            assert!(!emptied.verified().intact);
            // The seal is consistent in itself, but not with the next seal or the head.
            emptied.seals[place].hash = emptied.seals[place].computed_hash();
            assert!(!emptied.verified().intact);
        }
        let mut headless = log.clone();
        headless.head = None;
        assert!(!headless.verified().intact);
        let mut all = log.clone();
        all.seals.clear();
        assert!(!all.verified().intact);
        all.head = None;
        assert_eq!(all.verified().first_broken.unwrap().reason, "it says that it is sealed, and no seal holds it");
    }
}

#[test]
fn a_seal_that_is_moved_is_found_although_it_has_a_hash_of_its_own() {
    let mut log = log();
    let last = log.seals.last_mut().unwrap();
    last.position = Some(ids_at(Timestamp::from_millis(START + 3_000)).0);
    last.hash = last.computed_hash();
    log.head.as_mut().unwrap().seal = last.hash.clone();
    assert_eq!(log.verified().first_broken.unwrap().reason, "its position was changed");
}

#[test]
fn records_that_were_kept_for_long_enough_may_be_gone() {
    let mut log = Log::new((0..3).map(|n| kept(START + n * 1_000, "put")).collect());
    let until = Timestamp::from_millis(START + 5_000_000);
    log.seal_with(0..2, Batch { kept_until: Some(until), ..Batch::default() });
    log.seal(2..3);
    let _ = log.records.remove(0);
    assert!(!log.verified_at(Range::default(), START + 4_999_999).intact);
    assert!(log.verified_at(Range::default(), START + 5_000_000).intact);
    // The time is part of the hash.
    log.seals[0].kept_until = None;
    assert_eq!(log.verified().first_broken.unwrap().reason, "the seal was changed");
}

#[test]
fn a_record_that_an_operator_seals_late_is_counted() {
    let mut log = log();
    log.records.push(kept(START - 7_200_000, "lost"));
    assert_eq!(log.verified().first_broken.unwrap().reason, ADDED);
    let place = log.records.len() - 1;
    log.seal_with(place..place + 1, Batch { is_resealing: true, ..Batch::default() });
    let verified = log.verified();
    assert_eq!((verified.intact, verified.resealed, verified.first_broken), (true, 1, None));
    assert!(log.records[place].previous_hash.is_some());
    log.seals[3].is_resealing = false;
    assert_eq!(log.verified().first_broken.unwrap().reason, "the seal was changed");
}

#[test]
fn a_record_that_is_slipped_in_is_found_by_its_time() {
    let mut log = log();
    // At least an hour before the end of the chain, sealed or not.
    log.records.push(kept(START - 3_600_000, "slipped in"));
    assert_eq!(log.verified().first_broken.unwrap().reason, ADDED);
    let place = log.records.len() - 1;
    log.seal(place..place + 1);
    let found = log.verified().first_broken.unwrap();
    assert_eq!((found.seal, found.reason), (Some(4), ADDED));
}

#[test]
fn what_waits_is_not_broken_before_its_day_is_over() {
    let log = Log::new(vec![kept(START, "put")]);
    assert!(log.verified_at(Range::default(), START + WAITING).intact);
    assert!(!log.verified_at(Range::default(), START + WAITING + 1).intact);
}

#[test]
fn what_is_sealed_while_it_is_verified_does_no_harm() {
    let mut log = log();
    log.seal(7..9);
    // The state as it was read before the last seal was made, when one of its records was not yet written.
    log.records[7].previous_hash = None;
    let _ = log.records.pop();
    let started = log.seals[3].sealed_at.as_millis();
    assert!(log.verified_at(Range::default(), started).intact);
    assert!(!log.verified_at(Range::default(), started + 1).intact);
}

#[test]
fn a_range_verifies_its_records_and_every_seal() {
    let at = |n: i64| Some(Timestamp::from_millis(START + n * 1_000));
    let mut log = log();
    log.records[1].text.push(' ');
    let range = |from, to| Range { from, to };
    assert_eq!(log.verified_at(range(at(2), at(5)), START + 10_000_000).records, 4);
    assert!(log.verified_at(range(at(2), None), START + 10_000_000).intact);
    assert!(!log.verified_at(range(None, at(1)), START + 10_000_000).intact);
    log.seals[0].records[1].hash.push('0');
    assert!(!log.verified_at(range(at(2), None), START + 10_000_000).intact);
}

proptest! {
    #[test]
    fn however_it_is_batched_it_is_intact_and_no_byte_may_change(
        sizes in proptest::collection::vec(1..5_usize, 1..2 * DISORDER),
        old in 0..4_usize,
        victim: prop::sample::Index,
        at: prop::sample::Index,
    ) {
        let count: usize = sizes.iter().sum();
        let mut log = Log::new((0..count).map(|n| kept(START + i64::try_from(n).unwrap(), "put")).collect());
        let mut from = 0;
        for (number, size) in sizes.into_iter().enumerate() {
            let places = from..from + size;
            if number < old { log.seal_without_position(places) } else { log.seal(places) }
            from += size;
        }
        prop_assert!(log.verified().intact);
        let record = &mut log.records[victim.index(count)];
        let at = at.index(record.text.len());
        record.text.replace_range(at..=at, if record.text[at..].starts_with('x') { "y" } else { "x" });
        let id = record.id.clone();
        prop_assert_eq!(log.verified().first_broken.and_then(|broken| broken.id), Some(id));
    }
}

#[test]
fn an_unreadable_record_seal_or_end_is_broken_at_its_place() {
    let verified = |meddle: &dyn Fn(&mut Verifier), end: &KeptEnd| {
        let log = log();
        let mut verifier = Verifier::new(tenant(), Range::default(), Timestamp::from_millis(START + 10_000_000));
        log.records.iter().skip(1).cloned().for_each(|record| verifier.record(record));
        meddle(&mut verifier);
        log.seals.iter().for_each(|seal| verifier.seal(seal));
        verifier.finish(end).first_broken.unwrap()
    };
    let first = log().records[0].clone();
    let head = KeptEnd::Head(log().head.unwrap());
    let sealed = verified(&|verifier| verifier.no_record(first.id.clone()), &head);
    let reported = (sealed.seal, sealed.id, sealed.reason);
    assert_eq!(reported, (Some(1), Some(first.id.clone()), "it is not an audit record"));
    // Stored among the records, but in no seal, whatever its id.
    let with_more = |verifier: &mut Verifier| {
        verifier.record(first.clone());
        verifier.no_record("no id".to_owned());
    };
    let added = verified(&with_more, &head);
    assert_eq!((added.seal, added.id.as_deref(), added.reason), (None, Some("no id"), "it is not an audit record"));
    let seal = verified(&|verifier| (verifier.record(first.clone()), verifier.no_seal()).1, &head);
    assert_eq!((seal.seal, seal.reason), (Some(1), "the seal cannot be read"));
    let after_the_last = |verifier: &mut Verifier| {
        verifier.record(first.clone());
        log().seals[..2].iter().for_each(|seal| verifier.seal(seal));
        verifier.no_seal();
    };
    let mut verifier = Verifier::new(tenant(), Range::default(), Timestamp::from_millis(START + 10_000_000));
    log().records.into_iter().skip(1).for_each(|record| verifier.record(record));
    after_the_last(&mut verifier);
    let last = verifier.finish(&head).first_broken.unwrap();
    assert_eq!((last.seal, last.reason), (Some(3), "the seal cannot be read"));
    let end = verified(&|verifier| verifier.record(first.clone()), &KeptEnd::Unreadable);
    assert_eq!((end.seal, end.reason), (Some(3), "the end of the chain cannot be read"));
    // Also where no seal exists yet.
    let empty = Verifier::new(tenant(), Range::default(), Timestamp::from_millis(START)).finish(&KeptEnd::Unreadable);
    assert!(!empty.intact);
}
