//! The sealing of audit records, after they were published: in chained batches, by the first invocation that gets them.
//!
//! Requests do not wait for it. A seal, the head of the chain and each record's place in it are written in
//! one transaction, on the condition that the head is the one that was read and that no record has a place yet. So two
//! sealers at once make one chain, and a record that is delivered twice is sealed once.

use std::collections::{BTreeMap, BTreeSet};

use trustplane_domain::Timestamp;
use trustplane_domain::audit_chain::Entry;
use trustplane_domain::ids::TenantId;
use trustplane_runtime::EventCall;
use trustplane_store::{AuditItem, CommitError, StoreError, Stored, TenantKeys, Wanted, Writes};

/// Largest number of records of one seal. With the seal and the head, they are one transaction of at most 100 items.
const RECORDS: usize = 40;
/// Largest size of their texts, in bytes. A transaction has at most 4 MB, and an updated record counts with its whole
/// size.
const BYTES: usize = 2 * 1024 * 1024;
/// Attempts to make a seal while other sealers are faster.
const ATTEMPTS: usize = 10;

/// A record from the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Brought {
    pub(crate) tenant: TenantId,
    pub(crate) id: String,
    pub(crate) hash: String,
    pub(crate) bytes: usize,
}

/// The records that were not sealed, by the places they were given with. All others are sealed.
#[derive(Debug, Default)]
pub(crate) struct Sealed {
    /// Index of the first record that could not be sealed now.
    pub(crate) again: Option<usize>,
    /// Those that cannot be sealed as the table is, each with the reason.
    pub(crate) hopeless: BTreeMap<usize, String>,
}

/// A reason that records were not sealed.
#[derive(Debug)]
enum Fault {
    /// The table was unavailable, or other sealers always wrote first. A retry may succeed.
    Now(CommitError),
    /// The chain was changed by hand, so that it cannot go on, or the table refuses the seal for good.
    Chain(String),
}

impl From<CommitError> for Fault {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Store(StoreError::Broken(_)) => Self::Chain(error.to_string()),
            _ => Self::Now(error),
        }
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        CommitError::from(error).into()
    }
}

/// Seals these records.
pub(crate) async fn seal(event: &EventCall, records: &[(usize, &Brought)]) -> Sealed {
    let mut tenants: BTreeMap<TenantId, Vec<(usize, &Brought)>> = BTreeMap::new();
    for (place, record) in records {
        tenants.entry(record.tenant).or_default().push((*place, *record));
    }
    let mut sealed = Sealed::default();
    for (tenant, records) in tenants {
        for batch in batches(&records) {
            let places = batch.iter().map(|(place, _)| *place);
            match seal_batch(event, tenant, batch).await {
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

async fn seal_batch(event: &EventCall, tenant: TenantId, batch: &[(usize, &Brought)]) -> Result<(), Fault> {
    let grant = event.grant(tenant);
    let keys = TenantKeys::granted(&grant);
    let table = &event.platform.table;
    // The number of the seal that was not made, and the same number if such a seal was found after that.
    let (mut lost, mut found) = (None, None);
    for _ in 0..ATTEMPTS {
        let mut wanted = Wanted::default();
        wanted.key(&keys.audit_chain());
        batch.iter().for_each(|(_, record)| wanted.key(&keys.audit_record(&record.id)));
        lost.iter().for_each(|number| wanted.key(&keys.audit_seal(*number)));
        let mut read = table.read(wanted).await?;
        let head = read.take(&keys.audit_chain()).map_err(broken)?;
        let current = head.as_ref().map(|stored| stored.value.clone()).unwrap_or_default();
        // A seal is written with the head: one that was found in an earlier read is in the head of this one.
        if found.is_some_and(|number| current.seals < number) {
            return Err(Fault::Chain("the chain has a seal that its head does not count".to_owned()));
        }
        if let Some(number) = lost {
            found = read.take(&keys.audit_seal(number)).map_err(broken)?.map(|_| number);
        }
        let mut entries = Vec::new();
        let mut kept: Vec<Option<Stored<AuditItem>>> = Vec::new();
        let mut seen = BTreeSet::new();
        for (_, Brought { id, hash, .. }) in batch {
            if !seen.insert(id) {
                continue;
            }
            // By its hash in the stream: the seal shows if the item was changed or removed since, or cannot be read.
            let stored = read.take(&keys.audit_record(id)).ok().flatten();
            if stored.as_ref().is_some_and(|stored| stored.value.previous_hash.is_some()) {
                continue;
            }
            entries.push(Entry { id: id.clone(), hash: hash.clone() });
            kept.push(stored);
        }
        let Some((seal, next)) = current.seal(entries, Timestamp::now()) else { return Ok(()) };
        let writes = Writes::new().create(&keys.audit_seal(seal.number), &seal);
        let writes = match &head {
            Some(before) => writes.replace(before, &next),
            None => writes.create(&keys.audit_chain(), &next),
        };
        let links = kept.iter().zip(seal.links(&current.record));
        let writes = links.fold(writes, |writes, (stored, (_, previous))| match stored {
            Some(stored) => writes.seal(stored, previous),
            None => writes,
        });
        match table.note(&grant, writes).await {
            Ok(_) => {
                // In the log the hash is out of reach of writers of the table.
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

    #[test]
    fn a_seal_that_fails_for_good_does_not_hold_up_its_shard() {
        let error = |error: fn(Box<dyn std::error::Error + Send + Sync>) -> StoreError| error("x".into());
        assert!(matches!(Fault::from(error(StoreError::Broken)), Fault::Chain(_)));
        assert!(matches!(Fault::from(CommitError::Store(error(StoreError::Broken))), Fault::Chain(_)));
        assert!(matches!(Fault::from(error(StoreError::Unavailable)), Fault::Now(_)));
        for passing in [CommitError::Lost, CommitError::Store(error(StoreError::Unavailable))] {
            assert!(matches!(Fault::from(passing), Fault::Now(_)));
        }
    }
}
