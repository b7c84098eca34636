//! The sealing of audit records, after they were published: in chained batches, by the first invocation that gets them.
//!
//! Requests do not wait for it. A seal and the head of the chain are written in one transaction, on the condition that the
//! head is the one that was read. So two sealers at once make one chain. A record that is delivered twice is sealed once:
//! the last seals are read with the head, and earlier ones if a record is older than those. A record is rewritten only if
//! its seal links it (`trustplane_domain::audit_chain`).

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt as _, stream};
use trustplane_domain::Timestamp;
use trustplane_domain::audit_chain::{Batch, ChainHead, ChainSeal, DISORDER, Entry, RecentSeals};
use trustplane_domain::ids::TenantId;
use trustplane_policy::Grant;
use trustplane_store::{
    AuditItem, CommitError, LenientListing, LoadError, StoreError, Stored, Table, TenantKeys, Writes,
};

/// Largest number of records of one seal. With the seal and the head, they are one transaction of at most 100 items.
pub(crate) const RECORDS: usize = 98;
/// Largest size of their texts, in bytes. A transaction has at most 4 MB, and a linked record counts with its whole size.
const BYTES: usize = 2 * 1024 * 1024;
/// Attempts to make a seal while other sealers are faster.
const ATTEMPTS: usize = 10;
/// Seals that are read with the head: enough to know that a record in its order is not sealed.
const RECENT: usize = 2 * DISORDER;
/// Seals of a page when records are looked for in earlier ones.
const EARLIER: usize = 100;
/// Tenants that are sealed concurrently.
const TENANTS: usize = 16;

/// A record to seal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unsealed {
    pub(crate) tenant: TenantId,
    pub(crate) id: String,
    pub(crate) hash: String,
    /// Time after which it may be deleted.
    pub(crate) kept_until: Option<Timestamp>,
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
pub(crate) enum Fault {
    /// The table was unavailable, or other sealers always wrote first. A retry may succeed.
    Now(CommitError),
    /// The chain was changed by hand, so that it cannot go on, or the table refuses the seal for good.
    Chain(String),
}

/// Seals records of one tenant.
#[derive(Debug)]
pub(crate) struct Sealer<'a> {
    pub(crate) table: &'a Table,
    pub(crate) grant: Grant,
    /// True for an operator who seals records that were not sealed in their time.
    pub(crate) is_resealing: bool,
}

impl From<CommitError> for Fault {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Store(StoreError::Broken(_)) => Self::Chain(error.to_string()),
            _ => Self::Now(error),
        }
    }
}

impl From<LoadError> for Fault {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Store(error) => CommitError::from(error).into(),
            LoadError::Absent(_) => Self::Chain(error.to_string()),
        }
    }
}

/// Seals these records: tenants concurrently, the records of a tenant in their order.
pub(crate) async fn seal(table: &Table, grant: impl Fn(TenantId) -> Grant, records: &[(usize, &Unsealed)]) -> Sealed {
    let mut tenants: BTreeMap<TenantId, Vec<(usize, &Unsealed)>> = BTreeMap::new();
    for (place, record) in records {
        tenants.entry(record.tenant).or_default().push((*place, *record));
    }
    let sealing = tenants.into_iter().map(|(tenant, records)| {
        let sealer = Sealer { table, grant: grant(tenant), is_resealing: false };
        async move { seal_tenant(&sealer, tenant, &records).await }
    });
    let sealed = stream::iter(sealing).buffer_unordered(TENANTS);
    let all = |all: Sealed, one: Sealed| Sealed {
        again: all.again.into_iter().chain(one.again).min(),
        hopeless: all.hopeless.into_iter().chain(one.hopeless).collect(),
    };
    sealed.fold(Sealed::default(), async |sealed, one| all(sealed, one)).await
}

async fn seal_tenant(sealer: &Sealer<'_>, tenant: TenantId, records: &[(usize, &Unsealed)]) -> Sealed {
    let mut sealed = Sealed::default();
    for batch in batches(records) {
        let places = batch.iter().map(|(place, _)| *place);
        let records: Vec<&Unsealed> = batch.iter().map(|(_, record)| *record).collect();
        match sealer.seal(&records).await {
            Ok(_) => {}
            Err(Fault::Now(error)) => {
                tracing::error!(error = %error, tenant = %tenant, "audit records not sealed");
                sealed.again = places.min();
                break;
            }
            Err(Fault::Chain(why)) => {
                tracing::error!(why, tenant = %tenant, "the chain of audit records cannot go on");
                sealed.hopeless.extend(places.map(|place| (place, why.clone())));
            }
        }
    }
    sealed
}

/// Splits the records into batches of one seal each.
fn batches<'a, 'r>(mut records: &'a [(usize, &'r Unsealed)]) -> Vec<&'a [(usize, &'r Unsealed)]> {
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

impl Sealer<'_> {
    /// Seals those of these records that are not sealed, with one seal. Returns their number.
    pub(crate) async fn seal(&self, batch: &[&Unsealed]) -> Result<usize, Fault> {
        let keys = TenantKeys::granted(&self.grant);
        // The head and the last seal differ if they were read while a seal was made, but not twice in the same way.
        let mut differing = None;
        for _ in 0..ATTEMPTS {
            let recent = keys.audit_seals().newest_first().one_call().page(RECENT, None);
            let (head, recent) = self.table.load((keys.audit_chain().optional(), recent.lenient())).await?;
            let current = head.value().cloned().unwrap_or_default();
            let (recent, is_whole) = readable(recent)?;
            let last = recent.first().map_or(0, |seal| seal.number);
            if last != current.seals {
                if differing == Some((current.seals, last)) {
                    let more = "the chain has a seal that its head does not count";
                    let fewer = "the chain has no seal of the number that its head counts";
                    return Err(Fault::Chain((if last > current.seals { more } else { fewer }).to_owned()));
                }
                differing = Some((current.seals, last));
                continue;
            }
            let now = Timestamp::now();
            let left = self.unsealed(keys, batch, &RecentSeals::new(&recent, is_whole)).await?;
            let (left, links) = self.linked(keys, left, &current, now).await?;
            let batch = Batch {
                records: left.iter().map(|record| Entry { id: record.id.clone(), hash: record.hash.clone() }).collect(),
                kept_until: kept_until(&left),
                is_resealing: self.is_resealing,
            };
            let Some((seal, next)) = current.seal(batch, now) else { return Ok(0) };
            let writes = Writes::new().create(&keys.audit_seal(&seal), &seal).and(head.write(&next));
            let links =
                seal.links(&current.record).filter_map(|(entry, previous)| Some((links.get(&entry.id)?, previous)));
            let writes = links.fold(writes, |writes, (record, previous)| writes.link(record, previous));
            match self.table.note(&self.grant, writes).await {
                Ok(_) => {
                    // In the log the hash is out of reach of writers of the table.
                    tracing::info!(tenant = %self.grant.tenant(), seal = seal.number, hash = seal.hash, "sealed");
                    return Ok(seal.records.len());
                }
                Err(CommitError::Lost) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(CommitError::Lost.into())
    }

    /// Returns the records that no seal holds, each once. Records that are older than the recent seals are looked for in
    /// earlier ones.
    async fn unsealed<'r>(
        &self,
        keys: TenantKeys,
        batch: &[&'r Unsealed],
        recent: &RecentSeals<'_>,
    ) -> Result<Vec<&'r Unsealed>, Fault> {
        let mut seen = BTreeSet::new();
        let mut left: Vec<&Unsealed> = batch.to_vec();
        left.retain(|record| seen.insert(&record.id) && !recent.holds(&record.id));
        let mut older: BTreeSet<&str> = left.iter().map(|record| record.id.as_str()).collect();
        older.retain(|id| !recent.reaches(id));
        let mut sealed = BTreeSet::new();
        let earlier = older.last().map(|newest| keys.audit_seals_until(newest));
        let mut after = None;
        while let Some(earlier) = earlier.as_ref().filter(|_| !older.is_empty()) {
            let mut listing = self.table.load(earlier.clone().page(EARLIER, after).lenient()).await?;
            after = listing.next.take();
            let (seals, _) = readable(listing)?;
            let found = RecentSeals::new(&seals, after.is_none());
            sealed.extend(older.iter().copied().filter(|id| found.holds(id)));
            older.retain(|id| !found.holds(id) && !found.reaches(id));
        }
        left.retain(|record| !sealed.contains(record.id.as_str()));
        Ok(left)
    }

    /// Returns the records to seal, and those of them that the next seal links, as they are stored. A record that is linked
    /// already is sealed.
    async fn linked<'r>(
        &self,
        keys: TenantKeys,
        mut records: Vec<&'r Unsealed>,
        head: &ChainHead,
        now: Timestamp,
    ) -> Result<(Vec<&'r Unsealed>, BTreeMap<String, Stored<AuditItem>>), Fault> {
        let mut stored = BTreeMap::new();
        let linked: Vec<&str> =
            records.iter().map(|record| record.id.as_str()).filter(|id| head.links(id, now)).collect();
        if linked.is_empty() {
            return Ok((records, stored));
        }
        let mut wanted = trustplane_store::Wanted::default();
        linked.iter().for_each(|id| wanted.key(&keys.audit_record(id)));
        let mut read = self.table.read(wanted).await.map_err(LoadError::from)?;
        for id in linked {
            // By its hash in the stream: the seal shows if the item was changed or removed since, or cannot be read.
            if let Some(item) = read.take(&keys.audit_record(id)).ok().flatten() {
                stored.insert(id.to_owned(), item);
            }
        }
        let is_linked =
            |record: &&Unsealed| stored.get(&record.id).is_some_and(|item| item.value.previous_hash.is_some());
        records.retain(|record| !is_linked(record));
        Ok((records, stored))
    }
}

/// The time after which all of these records may be deleted; `None` if one of them is kept for ever.
fn kept_until(records: &[&Unsealed]) -> Option<Timestamp> {
    let times: Option<Vec<Timestamp>> = records.iter().map(|record| record.kept_until).collect();
    times?.into_iter().max()
}

/// The seals of a listing, and true if no other follows.
fn readable(listing: LenientListing<ChainSeal>) -> Result<(Vec<ChainSeal>, bool), Fault> {
    let seals = listing.rows.into_iter().map(|row| row.map(|row| row.value));
    let unreadable = |key| Fault::Chain(format!("the seal `{key}` cannot be read"));
    Ok((seals.collect::<Result<_, _>>().map_err(unreadable)?, listing.next.is_none()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_holds_no_more_than_a_transaction_takes() {
        let unsealed = |bytes| Unsealed {
            tenant: TenantId::from_random([1; 16]),
            id: "x".to_owned(),
            hash: "y".to_owned(),
            kept_until: None,
            bytes,
        };
        let sizes = |bytes: usize, count: usize| {
            let record = unsealed(bytes);
            let records: Vec<_> = (0..count).map(|place| (place, &record)).collect();
            batches(&records).iter().map(|batch| batch.len()).collect::<Vec<_>>()
        };
        assert_eq!(sizes(1_000, 200), [98, 98, 4]);
        assert_eq!(sizes(1024 * 1024, 3), [2, 1]);
        assert_eq!(sizes(3 * 1024 * 1024, 2), [1, 1]);
        assert_eq!(sizes(1, 0), [] as [usize; 0]);
    }

    #[test]
    fn a_seal_that_fails_for_good_does_not_hold_up_its_shard() {
        let error = |error: fn(Box<dyn std::error::Error + Send + Sync>) -> StoreError| error("x".into());
        assert!(matches!(Fault::from(LoadError::Store(error(StoreError::Broken))), Fault::Chain(_)));
        assert!(matches!(Fault::from(CommitError::Store(error(StoreError::Broken))), Fault::Chain(_)));
        assert!(matches!(Fault::from(LoadError::Store(error(StoreError::Unavailable))), Fault::Now(_)));
        for passing in [CommitError::Lost, CommitError::Store(error(StoreError::Unavailable))] {
            assert!(matches!(Fault::from(passing), Fault::Now(_)));
        }
    }
}
