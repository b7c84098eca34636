//! Sealing of published audit records in chained batches.
//!
//! A write of a record does not wait for its seal. A seal, the head of the chain and the records' places in the chain
//! are written in one transaction. Its conditions are that the head is unchanged since it was read, and that no record
//! has a place yet. So concurrent sealers create one chain, and a record that is delivered twice is sealed once.

use std::collections::{BTreeMap, BTreeSet};

use trustplane_domain::Timestamp;
use trustplane_domain::audit_chain::{ChainHead, ChainSeal, Entry};
use trustplane_domain::ids::TenantId;
use trustplane_runtime::Reaction;
use trustplane_store::{AuditItem, CommitError, StoreError, Stored, Writes, keys};

/// Largest number of records of one seal. With the seal and the head, they are one transaction of at most 100 items.
const RECORDS: usize = 40;
/// Largest size of their texts, in bytes. A transaction has at most 4 MB, and an updated record counts with its whole
/// size.
const BYTES: usize = 2 * 1024 * 1024;
/// Largest number of attempts for a seal while other sealers write first.
const ATTEMPTS: usize = 10;

/// A record from the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Brought {
    pub(crate) tenant: TenantId,
    pub(crate) id: String,
    pub(crate) hash: String,
    pub(crate) bytes: usize,
}

/// Result of sealing some records, by their indices. All other records are sealed.
#[derive(Debug, Default)]
pub(crate) struct Sealed {
    /// Index of the first record that could not be sealed now.
    pub(crate) again: Option<usize>,
    /// Indices of records that cannot be sealed in the table's state, with the reason.
    pub(crate) hopeless: BTreeMap<usize, String>,
}

/// Reasons why records were not sealed.
#[derive(Debug)]
enum Fault {
    /// The table was unavailable, or other sealers always wrote first. A retry may succeed.
    Now(CommitError),
    /// The chain was tampered with, so it cannot continue.
    Chain(String),
}

impl From<CommitError> for Fault {
    fn from(error: CommitError) -> Self {
        Self::Now(error)
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Now(error.into())
    }
}

/// Seals these records.
pub(crate) async fn seal(reaction: &Reaction, records: &[(usize, &Brought)]) -> Sealed {
    let mut tenants: BTreeMap<TenantId, Vec<(usize, &Brought)>> = BTreeMap::new();
    for (place, record) in records {
        tenants.entry(record.tenant).or_default().push((*place, *record));
    }
    let mut sealed = Sealed::default();
    for (tenant, records) in tenants {
        for batch in batches(&records) {
            let places = batch.iter().map(|(place, _)| *place);
            match seal_batch(reaction, tenant, batch).await {
                Ok(()) => {}
                Err(Fault::Now(error)) => {
                    tracing::error!(error = %error, tenant = %tenant, "audit records not sealed");
                    sealed.again = sealed.again.into_iter().chain(places).min();
                    break;
                }
                Err(Fault::Chain(why)) => {
                    tracing::error!(why, tenant = %tenant, "the chain of audit records cannot go on");
                    sealed.hopeless.extend(places.map(|place| (place, why.clone())));
                }
            }
        }
    }
    sealed
}

/// Splits the records into batches of one seal each.
fn batches<'a, 'r>(mut records: &'a [(usize, &'r Brought)]) -> Vec<&'a [(usize, &'r Brought)]> {
    let mut batches = Vec::new();
    while !records.is_empty() {
        let mut bytes = 0;
        let fitting = records.iter().take(RECORDS).take_while(|(_, record)| {
            bytes += record.bytes;
            bytes <= BYTES
        });
        let (batch, rest) = records.split_at(fitting.count().max(1));
        batches.push(batch);
        records = rest;
    }
    batches
}

async fn seal_batch(reaction: &Reaction, tenant: TenantId, batch: &[(usize, &Brought)]) -> Result<(), Fault> {
    let grant = reaction.grant(tenant);
    let part = keys::Tenant::granted(&grant);
    let table = &reaction.platform.table;
    // The number of the seal that was not written, and a later seal with that number, if one was found.
    let (mut lost, mut found) = (None, None);
    for _ in 0..ATTEMPTS {
        let mut wanted = vec![part.audit_chain()];
        wanted.extend(batch.iter().map(|(_, record)| part.audit_record(&record.id)));
        wanted.extend(lost.map(|number| part.audit_seal(number)));
        let mut read = table.read(&wanted, None).await?;
        let head: Option<Stored<ChainHead>> = read.take(&part.audit_chain()).map_err(broken)?;
        let standing = head.as_ref().map(|stored| stored.value.clone()).unwrap_or_default();
        // A seal is written together with the head, so a seal from an earlier read must be in the head of this read.
        if found.is_some_and(|number| standing.seals < number) {
            return Err(Fault::Chain("the chain has a seal that its end does not know of".to_owned()));
        }
        if let Some(number) = lost {
            found = read.take::<ChainSeal>(&part.audit_seal(number)).map_err(broken)?.map(|_| number);
        }
        let mut entries = Vec::new();
        let mut kept: Vec<Option<Stored<AuditItem>>> = Vec::new();
        let mut seen = BTreeSet::new();
        for (_, Brought { id, hash, .. }) in batch {
            if !seen.insert(id) {
                continue;
            }
            // Sealed with its original content. If it was changed or removed since, or is unreadable, the seal shows
            // this.
            let stored = read.take::<AuditItem>(&part.audit_record(id)).ok().flatten();
            if stored.as_ref().is_some_and(|stored| stored.value.previous_hash.is_some()) {
                continue;
            }
            entries.push(Entry { id: id.clone(), hash: hash.clone() });
            kept.push(stored);
        }
        let Some((seal, next)) = standing.seal(entries, Timestamp::now()) else { return Ok(()) };
        let mut writes = Writes::new().create(&part.audit_seal(seal.number), &seal)?;
        writes = match &head {
            Some(before) => writes.replace(before, &next)?,
            None => writes.create(&part.audit_chain(), &next)?,
        };
        for (stored, (_, previous)) in kept.iter().zip(seal.links(&standing.record)) {
            if let Some(stored) = stored {
                writes = writes.seal(stored, previous);
            }
        }
        match table.note(&grant, writes).await {
            Ok(_) => {
                // Logged out of reach of anyone who can write to the table.
                tracing::info!(tenant = %tenant, seal = seal.number, hash = seal.hash, "sealed");
                return Ok(());
            }
            Err(CommitError::Lost) => lost = Some(seal.number),
            Err(error) => return Err(error.into()),
        }
    }
    Err(CommitError::Lost.into())
}

/// Converts the error of an unreadable item of the chain.
fn broken(error: StoreError) -> Fault {
    Fault::Chain(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_holds_no_more_than_a_transaction_takes() {
        let brought =
            |bytes| Brought { tenant: TenantId::from_random([1; 16]), id: "x".to_owned(), hash: "y".to_owned(), bytes };
        let sizes = |bytes: usize, count: usize| {
            let record = brought(bytes);
            let records: Vec<_> = (0..count).map(|place| (place, &record)).collect();
            batches(&records).iter().map(|batch| batch.len()).collect::<Vec<_>>()
        };
        assert_eq!(sizes(1_000, 100), [40, 40, 20]);
        assert_eq!(sizes(1024 * 1024, 3), [2, 1]);
        assert_eq!(sizes(3 * 1024 * 1024, 2), [1, 1]);
        assert_eq!(sizes(1, 0), [] as [usize; 0]);
    }
}
