//! Whether a tenant's audit log is as it was written: its records held against its seals.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{ChainHead, ChainSeal, time_of};
use crate::Timestamp;
use crate::audit::AuditRecord;
use crate::ids::TenantId;
use crate::timestamp::DAY;

/// How much older than the end of the chain a record may be when it is sealed. Records come to be sealed in the order of
/// their writing, whatever holds them up, and a record's time is at most minutes before its writing.
const LATE: i64 = DAY / 24;

/// How long a record may wait to be sealed while nothing newer is sealed: the day for which a stream holds it.
const WAITING: i64 = DAY;

const ADDED: &str = "it was added when the log was already past its time";

/// A record as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptRecord {
    /// The key it is kept under.
    pub id: String,
    /// The canonical text.
    pub text: String,
    /// The hash it is said to have.
    pub hash: String,
    /// The hash before it in the chain; `None` until it is sealed.
    pub previous_hash: Option<String>,
}

/// The times of the records that are looked at, both included. All seals are looked at, whatever the range.
#[derive(Clone, Copy, Debug, Default)]
pub struct Range {
    /// From this time on.
    pub from: Option<Timestamp>,
    /// Up to this time.
    pub to: Option<Timestamp>,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// Records that were looked at.
    pub records: usize,
    /// The time of the newest sealed record; `None` where none is sealed.
    pub sealed_through: Option<Timestamp>,
    /// Whether nothing is broken.
    pub intact: bool,
    /// What is broken first, in the order of the chain.
    pub first_broken: Option<Broken>,
}

/// A place where the log is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Broken {
    /// The seal that tells of it, if one does.
    pub seal: Option<u64>,
    /// The record, if it is one.
    pub id: Option<String>,
    /// What is wrong.
    pub reason: &'static str,
}

/// A verification on its way: first the records, in any order, then the seals in theirs, then the end. Records that are
/// written and sealed meanwhile do no harm.
#[derive(Debug)]
pub struct Verifier {
    tenant: TenantId,
    range: Range,
    started: Timestamp,
    records: usize,
    /// Records that no seal was met for yet.
    unsealed: BTreeMap<String, Seen>,
    end: ChainHead,
    newest: Option<Timestamp>,
    first: Option<((u64, usize), Broken)>,
}

/// What is remembered of a record.
#[derive(Debug)]
struct Seen {
    hash: String,
    previous_hash: Option<String>,
    fault: Option<&'static str>,
}

impl Range {
    fn holds(&self, time: Option<Timestamp>) -> bool {
        time.is_none_or(|time| self.from.is_none_or(|from| from <= time) && self.to.is_none_or(|to| time <= to))
    }
}

impl Verifier {
    /// Begins with the log of `tenant`; `started` is the time before anything is read.
    pub fn new(tenant: TenantId, range: Range, started: Timestamp) -> Self {
        Self {
            tenant,
            range,
            started,
            records: 0,
            unsealed: BTreeMap::new(),
            end: ChainHead::default(),
            newest: None,
            first: None,
        }
    }

    /// Takes a record.
    pub fn record(&mut self, kept: KeptRecord) {
        if !self.range.holds(time_of(&kept.id)) {
            return;
        }
        self.records += 1;
        let fault = match AuditRecord::read(&kept.text, &kept.hash) {
            Err(_) => Some("it was changed: its hash is not that of its text"),
            Ok(record) if record.id != kept.id || record.tenant_id != self.tenant => {
                Some("it is kept in another record's place")
            }
            Ok(_) => None,
        };
        let seen = Seen { hash: kept.hash, previous_hash: kept.previous_hash, fault };
        let _ = self.unsealed.insert(kept.id, seen);
    }

    /// Takes the next seal.
    pub fn seal(&mut self, seal: &ChainSeal) {
        let fault = if seal.number != self.end.seals + 1 {
            Some("a seal before it is missing")
        } else if seal.previous != self.end.seal {
            Some("it does not follow from the seal before it")
        } else if seal.hash != seal.computed_hash() {
            Some("the seal was changed")
        } else {
            None
        };
        if let Some(reason) = fault {
            self.broken((seal.number, 0), None, reason);
        }
        // What was sealed after the beginning may have been written after it was looked for.
        let meanwhile = self.started <= seal.sealed_at;
        let before = std::mem::take(&mut self.end.record);
        for (place, (entry, previous)) in seal.links(&before).enumerate() {
            let place = (seal.number, place);
            let time = time_of(&entry.id);
            let late = match (time, self.newest) {
                (Some(time), Some(newest)) => newest.millis_since(time) > LATE,
                (time, _) => time.is_none(),
            };
            // A time that had not come yet when it was sealed (a clock set forward) says nothing of what follows.
            self.newest = self.newest.max(time.map(|time| time.min(seal.sealed_at)));
            if !self.range.holds(time) {
                continue;
            }
            let reason = match self.unsealed.remove(&entry.id) {
                None if meanwhile => None,
                None => Some("it was removed, or is sealed twice"),
                Some(Seen { fault: Some(fault), .. }) => Some(fault),
                Some(seen) if seen.hash != entry.hash => Some("it was changed since it was sealed"),
                Some(Seen { previous_hash: None, .. }) if meanwhile => None,
                Some(seen) if seen.previous_hash.as_deref() != Some(previous) => {
                    Some("its `previous_hash` was changed")
                }
                Some(_) if late => Some(ADDED),
                Some(_) => None,
            };
            if let Some(reason) = reason {
                self.broken(place, Some(&entry.id), reason);
            }
        }
        self.end = ChainHead {
            seals: seal.number,
            records: self.end.records + u64::try_from(seal.records.len()).unwrap_or_default(),
            seal: seal.hash.clone(),
            record: seal.records.last().map_or(before, |entry| entry.hash.clone()),
        };
    }

    /// Ends. `head` is the end of the chain as it is kept, and there is no seal left behind the last that was taken.
    pub fn finish(mut self, head: Option<&ChainHead>) -> Verified {
        if *head.unwrap_or(&ChainHead::default()) != self.end {
            self.broken((self.end.seals, usize::MAX), None, "the end of the chain is not the last seal");
        }
        for (id, seen) in std::mem::take(&mut self.unsealed) {
            let overdue = time_of(&id).is_none_or(|time| {
                self.newest.is_some_and(|newest| newest.millis_since(time) > LATE)
                    || self.started.millis_since(time) > WAITING
            });
            let reason = match seen {
                Seen { fault: Some(fault), .. } => Some(fault),
                Seen { previous_hash: Some(_), .. } => Some("it says that it is sealed, and no seal holds it"),
                _ if overdue => Some(ADDED),
                _ => None,
            };
            if let Some(reason) = reason {
                self.broken((u64::MAX, 0), Some(&id), reason);
            }
        }
        let first_broken = self.first.map(|(_, broken)| broken);
        Verified { records: self.records, sealed_through: self.newest, intact: first_broken.is_none(), first_broken }
    }

    /// Remembers what is broken, if nothing before it in the chain is.
    fn broken(&mut self, place: (u64, usize), id: Option<&str>, reason: &'static str) {
        let seal = Some(place.0).filter(|number| *number != u64::MAX);
        let broken = (place, Broken { seal, id: id.map(str::to_owned), reason });
        if self.first.as_ref().is_none_or(|first| broken < *first) {
            self.first = Some(broken);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::{Entry, GENESIS, ids_at};
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
            let head = self.head.clone().unwrap_or_default();
            let records = &mut self.records[places];
            let entries =
                records.iter().map(|record| Entry { id: record.id.clone(), hash: record.hash.clone() }).collect();
            let at = records.iter().filter_map(|record| time_of(&record.id)).max().unwrap().plus_millis(60_000);
            let (seal, next) = head.seal(entries, at).unwrap();
            for (record, (_, previous)) in records.iter_mut().zip(seal.links(&head.record)) {
                record.previous_hash = Some(previous.to_owned());
            }
            self.seals.push(seal);
            self.head = Some(next);
        }

        fn verified_at(&self, range: Range, started: i64) -> Verified {
            let mut verifier = Verifier::new(tenant(), range, Timestamp::from_millis(started));
            self.records.iter().cloned().for_each(|record| verifier.record(record));
            self.seals.iter().for_each(|seal| verifier.seal(seal));
            verifier.finish(self.head.as_ref())
        }

        fn verified(&self) -> Verified {
            self.verified_at(Range::default(), START + 10_000_000)
        }
    }

    /// Nine records a second apart, of which seven are sealed, in three seals.
    fn log() -> Log {
        let mut log = Log::new((0..9).map(|n| kept(START + n * 1_000, "put")).collect());
        log.seal(0..3);
        log.seal(3..4);
        log.seal(4..7);
        log
    }

    #[test]
    fn a_log_that_nobody_touched_is_intact() {
        let verified = log().verified();
        assert_eq!((verified.records, verified.intact, verified.first_broken), (9, true, None));
        assert_eq!(verified.sealed_through, Some(Timestamp::from_millis(START + 6_000)));
        assert_eq!(log().records[0].previous_hash.as_deref(), Some(GENESIS));
        assert_eq!(log().records[4].previous_hash, Some(log().records[3].hash.clone()));
        let empty = Log::new(Vec::new()).verified();
        assert_eq!((empty.records, empty.intact, empty.sealed_through), (0, true, None));
    }

    #[test]
    fn each_record_that_is_changed_or_removed_is_found() {
        for place in 0..9 {
            let mut changed = log();
            changed.records[place].text = changed.records[place].text.replace("put", "get");
            let found = changed.verified().first_broken.unwrap();
            assert_eq!(found.id.as_ref(), Some(&changed.records[place].id));
            // With a hash that fits: found once it is sealed.
            let mut changed = log();
            let other = kept(START + i64::try_from(place).unwrap() * 1_000, "get");
            let previous_hash = changed.records[place].previous_hash.take();
            changed.records[place] = KeptRecord { previous_hash, ..other };
            assert_eq!(changed.verified().intact, place >= 7, "{place}");
            let mut removed = log();
            let gone = removed.records.remove(place);
            assert_eq!(removed.verified().first_broken.and_then(|broken| broken.id), (place < 7).then_some(gone.id));
        }
        let mut swapped = log();
        let text = swapped.records[1].text.clone();
        (swapped.records[0].hash, swapped.records[0].text) = (swapped.records[1].hash.clone(), text);
        assert!(!swapped.verified().intact);
    }

    #[test]
    fn each_seal_that_is_changed_or_removed_is_found_and_so_is_the_head() {
        for place in 0..3 {
            let mut removed = log();
            let _ = removed.seals.remove(place);
            assert!(!removed.verified().intact);
            let mut emptied = log();
            let _ = emptied.seals[place].records.remove(0);
            assert!(!emptied.verified().intact);
            // Made to fit in itself, it does not fit the next one, or the head.
            emptied.seals[place].hash = emptied.seals[place].computed_hash();
            assert!(!emptied.verified().intact);
        }
        let mut headless = log();
        headless.head = None;
        assert!(!headless.verified().intact);
        let mut all = log();
        all.seals.clear();
        assert!(!all.verified().intact);
        all.head = None;
        assert_eq!(all.verified().first_broken.unwrap().reason, "it says that it is sealed, and no seal holds it");
    }

    #[test]
    fn a_record_that_is_slipped_in_is_found_by_its_time() {
        let mut log = log();
        // An hour and more before the end of the chain, sealed or not.
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
        // As it was read: before the last seal was made, of which one record was not yet written.
        log.records[7].previous_hash = None;
        let _ = log.records.pop();
        let started = log.seals[3].sealed_at.as_millis();
        assert!(log.verified_at(Range::default(), started).intact);
        assert!(!log.verified_at(Range::default(), started + 1).intact);
    }

    #[test]
    fn a_range_looks_at_its_records_and_at_every_seal() {
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
            sizes in proptest::collection::vec(1..5_usize, 1..6),
            victim: prop::sample::Index,
            at: prop::sample::Index,
        ) {
            let count: usize = sizes.iter().sum();
            let mut log = Log::new((0..count).map(|n| kept(START + i64::try_from(n).unwrap(), "put")).collect());
            let mut from = 0;
            for size in sizes {
                log.seal(from..from + size);
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
}
