//! The sealing of audit records, after they were published: in chained batches, by whoever is given them first.
//!
//! Nobody who writes a record waits for this. A seal, the head of the chain and each record's place in it are written in
//! one transaction, on the condition that the head is the one that was read and that no record has a place yet. So two
//! sealers at once make one chain, and a record that is delivered twice is sealed once.

use std::collections::{BTreeMap, BTreeSet};

use trustplane_domain::Timestamp;
use trustplane_domain::audit_chain::{ChainHead, Entry};
use trustplane_domain::ids::TenantId;
use trustplane_runtime::Reaction;
use trustplane_store::{AuditItem, CommitError, Stored, Writes, keys};

/// Records of one seal at most. With the seal and the head they are one transaction of at most 100 items.
const RECORDS: usize = 40;
/// Bytes of their texts at most: a transaction has at most 4 MB, and a record that is written on counts whole.
const BYTES: usize = 2 * 1024 * 1024;
/// How often a seal is made again where another sealer was faster.
const ATTEMPTS: usize = 10;

/// A record that the stream brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Brought {
    pub(crate) tenant: TenantId,
    pub(crate) id: String,
    pub(crate) hash: String,
    pub(crate) bytes: usize,
}

/// Seals these records; says where the first is that could not be.
pub(crate) async fn seal(reaction: &Reaction, records: &[&Brought]) -> Result<(), usize> {
    let mut tenants: BTreeMap<TenantId, Vec<(usize, &Brought)>> = BTreeMap::new();
    for (place, record) in records.iter().enumerate() {
        tenants.entry(record.tenant).or_default().push((place, record));
    }
    let mut failed = None;
    for (tenant, records) in tenants {
        for batch in batches(&records) {
            if let Err(error) = seal_batch(reaction, tenant, batch).await {
                tracing::error!(error = %error, tenant = %tenant, "audit records not sealed");
                let first = batch.first().map(|(place, _)| *place);
                failed = failed.into_iter().chain(first).min();
                break;
            }
        }
    }
    failed.map_or(Ok(()), Err)
}

/// The records as they go into one seal each.
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

async fn seal_batch(reaction: &Reaction, tenant: TenantId, batch: &[(usize, &Brought)]) -> Result<(), CommitError> {
    let grant = reaction.grant(tenant);
    let part = keys::Tenant::granted(&grant);
    let table = &reaction.platform.table;
    for _ in 0..ATTEMPTS {
        let mut wanted = vec![part.audit_chain()];
        wanted.extend(batch.iter().map(|(_, record)| part.audit_record(&record.id)));
        let mut read = table.read(&wanted, None).await?;
        let head: Option<Stored<ChainHead>> = read.take(&part.audit_chain())?;
        let standing = head.as_ref().map(|stored| stored.value.clone()).unwrap_or_default();
        let mut entries = Vec::new();
        let mut kept: Vec<Option<Stored<AuditItem>>> = Vec::new();
        let mut seen = BTreeSet::new();
        for (_, Brought { id, hash, .. }) in batch {
            if !seen.insert(id) {
                continue;
            }
            let stored = read.take::<AuditItem>(&part.audit_record(id))?;
            if stored.as_ref().is_some_and(|stored| stored.value.previous_hash.is_some()) {
                continue;
            }
            // As it was written: if it was changed or removed since, the seal tells of it.
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
                // Out of reach of whoever may write the table.
                tracing::info!(tenant = %tenant, seal = seal.number, hash = seal.hash, "sealed");
                return Ok(());
            }
            Err(CommitError::Lost) => {}
            Err(error) => return Err(error),
        }
    }
    Err(CommitError::Lost)
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
