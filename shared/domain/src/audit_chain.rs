//! The hash chain over a tenant's audit records. It makes tampering visible.
//!
//! Records are sealed in batches after they are written. A [`ChainSeal`] contains the ids and hashes of its batch and
//! the hash of the previous seal. To change, remove or insert a sealed record, an attacker has to replace every later
//! seal and the head. The hash of each new seal is also logged, outside the table.
//!
//! Sealing does not rewrite a record. The hash before a record is found in its seal, and the seal by the record's id:
//! a seal has a [position](ChainSeal::position), which sorts like the ids of records, and only records from its position
//! on are found by it ([`RecentSeals`]). Other records are *linked*: the hash before one is written on the record itself.
//! These are records that are sealed out of order, those that were sealed before seals had positions, and those of a
//! chain's first seal: if all seals and the head are removed, they show that there was a chain.

mod recent;
mod verify;

use serde::{Deserialize, Serialize};
use ulid::Ulid;

pub use recent::RecentSeals;
pub use verify::{ArchivedSeal, Broken, KeptEnd, KeptRecord, Range, Verified, Verifier};

use crate::Timestamp;
use crate::audit::AuditRecord;

/// Hash before the first record and before the first seal.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Number of seals within which records may be out of order without being linked. Requests that run concurrently write
/// records in another order than that of their ids.
pub const DISORDER: usize = 8;

/// A record's entry in a seal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The record's id.
    pub id: String,
    /// The record's hash.
    pub hash: String,
}

/// Records to seal together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// The records in the order of writing.
    pub records: Vec<Entry>,
    /// Time after which the last of them may have been deleted; `None` if one of them is kept for ever.
    pub kept_until: Option<Timestamp>,
    /// True if an operator seals records that were not sealed in their time.
    pub is_resealing: bool,
}

/// A sealed batch of records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainSeal {
    /// The seal's number, from 1, without gaps.
    pub number: u64,
    /// Hash of the previous seal; [`GENESIS`] for the first.
    pub previous: String,
    /// The records in the order of sealing. This is the order of writing, as far as the table's stream preserves it.
    pub records: Vec<Entry>,
    /// Time of sealing.
    pub sealed_at: Timestamp,
    /// Newest record id of the chain as of [`DISORDER`] seals before. Records with lower ids are linked. `None` if all of
    /// its records are linked: in a chain's first seal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<String>,
    /// Time after which its records may have been deleted, because they were kept for long enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_until: Option<Timestamp>,
    /// True if an operator sealed records that were not sealed in their time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_resealing: bool,
    /// SHA-256 over all fields above.
    pub hash: String,
}

/// The end of a tenant's chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainHead {
    /// Number of seals.
    pub seals: u64,
    /// Number of sealed records.
    pub records: u64,
    /// Hash of the last seal.
    pub seal: String,
    /// Hash of the last sealed record.
    pub record: String,
    /// Newest record id of the chain after each of the last [`DISORDER`] seals, oldest first. Empty if the chain goes on
    /// from a seal without a position.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub newest: Vec<String>,
}

impl Default for ChainHead {
    fn default() -> Self {
        let genesis = || GENESIS.to_owned();
        Self { seals: 0, records: 0, seal: genesis(), record: genesis(), newest: Vec::new() }
    }
}

impl ChainHead {
    /// Returns true if a seal made `now` links the record of this id.
    pub fn links(&self, id: &str, now: Timestamp) -> bool {
        self.links_at(self.position(now).as_deref(), id, now)
    }

    /// Returns true if the next seal, which has this position and time, links the record of this id.
    fn links_at(&self, position: Option<&str>, id: &str, sealed_at: Timestamp) -> bool {
        let highest = highest(sealed_at);
        let last = self.newest.last().map_or(&highest, |last| last.max(&highest));
        position.is_none_or(|position| id < position) || last.as_str() < id
    }

    /// Seals `batch`. Returns the next seal and the new head, or `None` if there are no records.
    pub fn seal(&self, batch: Batch, now: Timestamp) -> Option<(ChainSeal, Self)> {
        let _ = batch.records.last()?;
        let mut seal = ChainSeal {
            number: self.seals + 1,
            previous: self.seal.clone(),
            records: batch.records,
            sealed_at: now,
            position: self.position(now),
            kept_until: batch.kept_until,
            is_resealing: batch.is_resealing,
            hash: String::new(),
        };
        seal.hash = seal.computed_hash();
        let head = self.after(&seal);
        Some((seal, head))
    }

    /// Returns the head after `seal`, which is the next one.
    fn after(&self, seal: &ChainSeal) -> Self {
        Self {
            seals: seal.number,
            records: self.records + u64::try_from(seal.records.len()).unwrap_or_default(),
            seal: seal.hash.clone(),
            record: seal.records.last().map_or_else(|| self.record.clone(), |entry| entry.hash.clone()),
            newest: self.newest_after(seal),
        }
    }

    /// Returns true if `other` is the same end. Where a chain goes on may be unknown to it.
    fn is(&self, other: &Self) -> bool {
        let newest = if other.newest.is_empty() { &self.newest } else { &other.newest };
        *self == Self { newest: newest.clone(), ..other.clone() }
    }

    /// Returns true if `seal` has a position that the next seal can have.
    fn continues_at(&self, seal: &ChainSeal) -> bool {
        let Some(position) = &seal.position else { return true };
        self.newest.first() == Some(position) || *position == highest(seal.sealed_at)
    }

    /// Returns the position of a seal made `now`.
    fn position(&self, now: Timestamp) -> Option<String> {
        match self.newest.first() {
            Some(first) => Some(first.clone()),
            None if self.seals == 0 => None,
            // It is not known which records were sealed: those up to now are linked.
            None => Some(highest(now)),
        }
    }

    fn newest_after(&self, seal: &ChainSeal) -> Vec<String> {
        // An id from a clock that was set forward must not make all later records late.
        let highest = highest(seal.sealed_at);
        let ids = seal.records.iter().map(|entry| &entry.id).filter(|id| **id <= highest && time_of(id).is_some());
        let last = ids.max();
        let Some(position) = &seal.position else {
            let first = last.filter(|_| self.seals == 0);
            return first.map(|first| vec![first.clone(); DISORDER]).unwrap_or_default();
        };
        let mut newest =
            if self.newest.first() == Some(position) { self.newest.clone() } else { vec![position.clone(); DISORDER] };
        let last = last.max(newest.last()).unwrap_or(position).clone();
        newest.push(last);
        newest.drain(..newest.len().saturating_sub(DISORDER));
        newest
    }
}

impl ChainSeal {
    /// Computes the hash of this seal's content. Each part is hashed with its length or its name, so two different
    /// contents never have the same encoding.
    pub fn computed_hash(&self) -> String {
        let mut text = format!("{}\n{}\n{}\n{}\n", self.number, self.previous, self.sealed_at, self.records.len());
        for Entry { id, hash } in &self.records {
            text.push_str(&format!("{}:{id}{}:{hash}\n", id.len(), hash.len()));
        }
        if let Some(position) = &self.position {
            text.push_str(&format!("position {}:{position}\n", position.len()));
        }
        if let Some(kept_until) = self.kept_until {
            text.push_str(&format!("kept_until {kept_until}\n"));
        }
        if self.is_resealing {
            text.push_str("resealing\n");
        }
        AuditRecord::hash(&text)
    }

    /// Returns each record's entry with the hash before it in the chain; `before` precedes the first.
    pub fn links<'a>(&'a self, before: &'a str) -> impl Iterator<Item = (&'a Entry, &'a str)> {
        let previous = std::iter::once(before).chain(self.records.iter().map(|entry| entry.hash.as_str()));
        self.records.iter().zip(previous)
    }
}

/// Returns the time of a record's id; `None` if it is not a ULID.
pub fn time_of(id: &str) -> Option<Timestamp> {
    let ulid = Ulid::from_string(id).ok().filter(|ulid| ulid.to_string() == id)?;
    i64::try_from(ulid.timestamp_ms()).ok().map(Timestamp::from_millis)
}

/// Returns the lowest and the highest id that a record of this time can have.
pub fn ids_at(time: Timestamp) -> (String, String) {
    let millis = u64::try_from(time.as_millis()).unwrap_or_default().min((1 << 48) - 1);
    let id = |random| Ulid::from_parts(millis, random).to_string();
    (id(0), id((1 << 80) - 1))
}

fn highest(time: Timestamp) -> String {
    ids_at(time).1
}
