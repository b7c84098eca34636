//! The hash chain over a tenant's audit records. It makes tampering visible.
//!
//! Records are sealed in batches after they are written. A [`ChainSeal`] contains the ids and hashes of its batch and
//! the hash of the previous seal. To change, remove or insert a sealed record, an attacker has to replace every later
//! seal and the head. The hash of each new seal is also logged, outside the table.

mod verify;

use serde::{Deserialize, Serialize};
use ulid::Ulid;

pub use verify::{Broken, KeptEnd, KeptRecord, Range, Verified, Verifier};

use crate::Timestamp;
use crate::audit::AuditRecord;

/// Hash before the first record and before the first seal.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// A record's entry in a seal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The record's id.
    pub id: String,
    /// The record's hash.
    pub hash: String,
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
}

impl Default for ChainHead {
    fn default() -> Self {
        Self { seals: 0, records: 0, seal: GENESIS.to_owned(), record: GENESIS.to_owned() }
    }
}

impl ChainHead {
    /// Seals `records`. Returns the next seal and the new head, or `None` if there are no records.
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
    /// Computes the hash of this seal's content. Each part is hashed with its length, so two different contents never
    /// have the same encoding.
    pub fn computed_hash(&self) -> String {
        let mut text = format!("{}\n{}\n{}\n{}\n", self.number, self.previous, self.sealed_at, self.records.len());
        for Entry { id, hash } in &self.records {
            text.push_str(&format!("{}:{id}{}:{hash}\n", id.len(), hash.len()));
        }
        AuditRecord::hash(&text)
    }

    /// Returns each record's hash with the hash before it in the chain; `before` precedes the first.
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
