//! Verifies a tenant's audit log: compares the stored records with the seals.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{ChainHead, ChainSeal, time_of};
use crate::Timestamp;
use crate::audit::AuditRecord;
use crate::ids::TenantId;
use crate::timestamp::DAY;

/// Largest age of a record, relative to the end of the chain, when it is sealed. Records are sealed in the order of
/// writing, even after a delay, and a record's time is at most minutes before its writing.
const LATE: i64 = DAY / 24;

/// Longest time that a record waits for its seal while no newer record is sealed: the day for which a stream keeps it.
const WAITING: i64 = DAY;

const ADDED: &str = "it was added when the log was already past its time";

/// A record as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptRecord {
    /// The key that it is stored under.
    pub id: String,
    /// The canonical text.
    pub text: String,
    /// The stored hash.
    pub hash: String,
    /// The hash before it in the chain, if it is linked.
    pub previous_hash: Option<String>,
}

/// The end of a chain as it is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum KeptEnd {
    /// No end is stored, as before the first seal.
    #[default]
    Absent,
    /// The stored item is not an end of a chain.
    Unreadable,
    /// The stored end.
    Head(ChainHead),
}

/// Number and hash of a seal, as they are archived outside the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchivedSeal {
    /// The seal's number.
    pub number: u64,
    /// The seal's hash.
    pub hash: String,
}

/// Range of record times to verify, both ends included. Seals are verified regardless of the range.
#[derive(Clone, Copy, Debug, Default)]
pub struct Range {
    /// Earliest time.
    pub from: Option<Timestamp>,
    /// Latest time.
    pub to: Option<Timestamp>,
}

/// Result of a verification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// Number of verified records.
    pub records: usize,
    /// Time of the newest sealed record; `None` if no record is sealed.
    pub sealed_through: Option<Timestamp>,
    /// True if the log has no defect.
    pub intact: bool,
    /// The first defect in the order of the chain.
    pub first_broken: Option<Broken>,
    /// Number of verified records that an operator sealed later than in their time (`reseal`).
    pub resealed: usize,
    /// Number of the archived seal that the chain was compared with; `None` if the archive has none.
    pub archived: Option<u64>,
    /// The last seal, for the archive.
    #[serde(skip)]
    pub last: Option<ArchivedSeal>,
}

/// A defect in the log.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Broken {
    /// Number of the seal that shows the defect, if a seal shows it.
    pub seal: Option<u64>,
    /// Id of the record, if the defect is about a record.
    pub id: Option<String>,
    /// Description of the defect.
    pub reason: &'static str,
}

/// A verification in progress. It takes the records first, in any order, then the seals in order, then the end. Records
/// that are written and sealed meanwhile cause no false result.
#[derive(Debug)]
pub struct Verifier {
    tenant: TenantId,
    range: Range,
    started: Timestamp,
    records: usize,
    resealed: usize,
    /// Records without a seal so far.
    unsealed: BTreeMap<String, Seen>,
    end: ChainHead,
    /// Number of the last seal seen, readable or not.
    met: u64,
    newest: Option<Timestamp>,
    /// The newest seal of the archive, which was read before the chain.
    archived: Option<ArchivedSeal>,
    first: Option<((u64, usize), Broken)>,
}

/// State of one record.
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
    /// Starts the verification of `tenant`'s log; `started` is the time before the first read.
    pub fn new(tenant: TenantId, range: Range, started: Timestamp) -> Self {
        Self {
            tenant,
            range,
            started,
            records: 0,
            resealed: 0,
            unsealed: BTreeMap::new(),
            end: ChainHead::default(),
            met: 0,
            newest: None,
            archived: None,
            first: None,
        }
    }

    /// Demands that the chain holds this seal, which the archive has.
    #[must_use]
    pub fn with_archived(self, archived: Option<ArchivedSeal>) -> Self {
        Self { archived, ..self }
    }

    /// Adds a record.
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

    /// Adds an item that is stored in the place of a record, under this id, but is not a readable record.
    pub fn no_record(&mut self, id: String) {
        if !self.range.holds(time_of(&id)) {
            return;
        }
        self.records += 1;
        let seen = Seen { hash: String::new(), previous_hash: None, fault: Some("it is not an audit record") };
        let _ = self.unsealed.insert(id, seen);
    }

    /// Adds an item that is stored in the place of the next seal, but is not a readable seal.
    pub fn no_seal(&mut self) {
        self.met += 1;
        self.broken((self.met, 0), None, "the seal cannot be read");
    }

    /// Adds the next seal.
    pub fn seal(&mut self, seal: &ChainSeal) {
        let fault = if seal.number != self.end.seals + 1 {
            Some("a seal before it is missing")
        } else if seal.previous != self.end.seal {
            Some("it does not follow from the seal before it")
        } else if seal.hash != seal.computed_hash() {
            Some("the seal was changed")
        } else if !self.end.continues_at(seal) {
            Some("its position was changed")
        } else {
            None
        };
        if let Some(reason) = fault {
            self.broken((seal.number, 0), None, reason);
        }
        if self.archived.as_ref().is_some_and(|archived| archived.number == seal.number && archived.hash != seal.hash) {
            self.broken((seal.number, 0), None, "it is not the seal of this number that the archive has");
        }
        // Records sealed after the start may have been written after the records were read.
        let meanwhile = self.started <= seal.sealed_at;
        let expired = seal.kept_until.is_some_and(|until| until <= self.started);
        let before = self.end.clone();
        for (place, (entry, previous)) in seal.links(&before.record).enumerate() {
            let place = (seal.number, place);
            let time = time_of(&entry.id);
            let late = match (time, self.newest) {
                (Some(time), Some(newest)) => newest.millis_since(time) > LATE,
                (time, _) => time.is_none(),
            };
            // A time in the future of the seal (from a clock set forward) must not affect later records.
            self.newest = self.newest.max(time.map(|time| time.min(seal.sealed_at)));
            if !self.range.holds(time) {
                continue;
            }
            let linked = before.links_at(seal.position.as_deref(), &entry.id, seal.sealed_at);
            let reason = match self.unsealed.remove(&entry.id) {
                None if meanwhile || expired => None,
                None => Some("it was removed, or is sealed twice"),
                Some(Seen { fault: Some(fault), .. }) => Some(fault),
                Some(seen) if seen.hash != entry.hash => Some("it was changed since it was sealed"),
                Some(Seen { previous_hash: Some(found), .. }) if found != previous => {
                    Some("its `previous_hash` was changed")
                }
                Some(Seen { previous_hash: None, .. }) if linked && !meanwhile => {
                    Some("its `previous_hash` was changed")
                }
                Some(_) if late && seal.is_resealing && time.is_some() => {
                    self.resealed += 1;
                    None
                }
                Some(_) if late => Some(ADDED),
                Some(_) => None,
            };
            if let Some(reason) = reason {
                self.broken(place, Some(&entry.id), reason);
            }
        }
        self.met = seal.number;
        self.end = before.after(seal);
    }

    /// Completes the verification with the end of the chain. No seal exists after the last one added.
    pub fn finish(mut self, end: &KeptEnd) -> Verified {
        let fault = match end {
            KeptEnd::Unreadable => Some("the end of the chain cannot be read"),
            KeptEnd::Absent if self.end == ChainHead::default() => None,
            KeptEnd::Head(head) if self.end.is(head) => None,
            KeptEnd::Absent | KeptEnd::Head(_) => Some("the end of the chain is not the last seal"),
        };
        if let Some(reason) = fault {
            self.broken((self.met, usize::MAX), None, reason);
        }
        if self.archived.as_ref().is_some_and(|archived| self.met < archived.number) {
            self.broken((self.met, usize::MAX), None, "the archive has a later seal: the end of the chain was removed");
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
        Verified {
            records: self.records,
            sealed_through: self.newest,
            intact: first_broken.is_none(),
            first_broken,
            resealed: self.resealed,
            archived: self.archived.map(|archived| archived.number),
            last: (self.end.seals > 0).then_some(ArchivedSeal { number: self.end.seals, hash: self.end.seal }),
        }
    }

    /// Stores a defect, unless an earlier place in the chain has one.
    fn broken(&mut self, place: (u64, usize), id: Option<&str>, reason: &'static str) {
        let seal = Some(place.0).filter(|number| *number != u64::MAX);
        let broken = (place, Broken { seal, id: id.map(str::to_owned), reason });
        if self.first.as_ref().is_none_or(|first| broken < *first) {
            self.first = Some(broken);
        }
    }
}

#[cfg(test)]
mod tests;
