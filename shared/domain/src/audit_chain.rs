//! The chain over a tenant's audit records: what makes a change of the past show.
//!
//! Records are sealed after they were written, in batches. A [`ChainSeal`] holds the ids and hashes of its batch and the
//! hash of the seal before it; so whoever changes, removes or slips in a sealed record would have to make every later
//! seal anew, and the head. The hash of each seal is logged when it is made, which is out of a table's reach.

mod verify;

use serde::{Deserialize, Serialize};
use ulid::Ulid;

pub use verify::{Broken, KeptEnd, KeptRecord, Range, Verified, Verifier};

use crate::Timestamp;
use crate::audit::AuditRecord;

/// What stands before the first record and before the first seal.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// A record as a seal holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The record's id.
    pub id: String,
    /// The record's hash.
    pub hash: String,
}

/// A batch of records, sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainSeal {
    /// From 1, with no gap.
    pub number: u64,
    /// The hash of the seal before; [`GENESIS`] before the first.
    pub previous: String,
    /// In the order in which they were sealed: that of their writing, as far as the table's stream tells it.
    pub records: Vec<Entry>,
    /// When.
    pub sealed_at: Timestamp,
    /// SHA-256 over all of the above.
    pub hash: String,
}

/// The end of a tenant's chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainHead {
    /// How many seals there are.
    pub seals: u64,
    /// How many records they hold.
    pub records: u64,
    /// The last seal's hash.
    pub seal: String,
    /// The last sealed record's hash.
    pub record: String,
}

impl Default for ChainHead {
    fn default() -> Self {
        Self { seals: 0, records: 0, seal: GENESIS.to_owned(), record: GENESIS.to_owned() }
    }
}

impl ChainHead {
    /// The next seal, over `records`, and the head behind it; `None` where there are none.
    pub fn seal(&self, records: Vec<Entry>, now: Timestamp) -> Option<(ChainSeal, Self)> {
        let last = records.last()?.hash.clone();
        let count = u64::try_from(records.len()).unwrap_or_default();
        let mut seal = ChainSeal {
            number: self.seals + 1,
            previous: self.seal.clone(),
            records,
            sealed_at: now,
            hash: String::new(),
        };
        seal.hash = seal.computed_hash();
        let head = Self { seals: seal.number, records: self.records + count, seal: seal.hash.clone(), record: last };
        Some((seal, head))
    }
}

impl ChainSeal {
    /// The hash of what this seal says. Each part stands in it with its length, so that no two seals run together.
    pub fn computed_hash(&self) -> String {
        let mut text = format!("{}\n{}\n{}\n{}\n", self.number, self.previous, self.sealed_at, self.records.len());
        for Entry { id, hash } in &self.records {
            text.push_str(&format!("{}:{id}{}:{hash}\n", id.len(), hash.len()));
        }
        AuditRecord::hash(&text)
    }

    /// Each record's hash and the one before it in the chain, of which the first is `before`.
    pub fn links<'a>(&'a self, before: &'a str) -> impl Iterator<Item = (&'a Entry, &'a str)> {
        let previous = std::iter::once(before).chain(self.records.iter().map(|entry| entry.hash.as_str()));
        self.records.iter().zip(previous)
    }
}

/// The time in a record's id; `None` where it is no ULID.
pub fn time_of(id: &str) -> Option<Timestamp> {
    let ulid = Ulid::from_string(id).ok().filter(|ulid| ulid.to_string() == id)?;
    i64::try_from(ulid.timestamp_ms()).ok().map(Timestamp::from_millis)
}

/// The first and the last id that a record of this time may have.
pub fn ids_at(time: Timestamp) -> (String, String) {
    let millis = u64::try_from(time.as_millis()).unwrap_or_default().min((1 << 48) - 1);
    let id = |random| Ulid::from_parts(millis, random).to_string();
    (id(0), id((1 << 80) - 1))
}
