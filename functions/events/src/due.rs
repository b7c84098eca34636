//! Sweeps of the due lists: each due item is read with its tenant, and changed as its sweep decides. A failure of one item
//! does not keep the others from their turn; it is the error at the end, so that the sweep is tried again.

use std::collections::{BTreeSet, HashMap};
use std::error::Error;
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use serde_json::{Value, json};
use trustplane_domain::Timestamp;
use trustplane_domain::ids::TenantId;
use trustplane_domain::tenant::{Status, Tenant};
use trustplane_policy::{Grant, Image, Resource};
use trustplane_runtime::{EventCall, EventError};
use trustplane_store::keys::DUE_SHARDS;
use trustplane_store::{AuditedChange, CommitError, Item, Key, Read, StoreError, Stored, TenantKeys, Wanted, Writes};

/// Keys of due items in one page.
const PAGE: i32 = 500;
/// Items in one read: with their tenants no more than the 100 of a `BatchGetItem`.
const BATCH: usize = 50;
/// Time that an item needs at most, with retries of every kind: none is begun with less time left.
const MARGIN: Duration = Duration::from_secs(30);
/// Attempts to change an item that other requests write at the same time.
const ATTEMPTS: usize = 3;

/// The budget of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    /// Items that are handled at the same time.
    pub(crate) at_once: usize,
    /// Items that a run handles at most. The others stay due, and the longest due come first.
    pub(crate) most: usize,
}

impl Budget {
    /// A budget without a limit but the time of a run.
    pub(crate) fn at_once(at_once: usize) -> Self {
        Self { at_once, most: usize::MAX }
    }

    /// Splits due items into those that are handled after `begun` others, and those that are left.
    fn split<T>(self, due: &[T], begun: usize) -> (&[T], &[T]) {
        due.split_at(due.len().min(self.most.saturating_sub(begun)))
    }
}

/// An item that was not handled.
pub(crate) type Fault = Box<dyn Error + Send + Sync>;

/// The change of a due item.
pub(crate) struct Decision<T> {
    /// The item as it will be.
    pub(crate) after: T,
    /// The audit records.
    pub(crate) changes: Vec<Change>,
    /// The number that the sweep counts for this item.
    pub(crate) count: usize,
    /// The grant that the policies gave; without one, the function acts for itself.
    pub(crate) grant: Option<Grant>,
    /// Further writes of the same transaction.
    pub(crate) writes: Writes,
}

/// A change that others learn of: it gets an audit record.
pub(crate) struct Change {
    pub(crate) resource: Resource,
    pub(crate) before: Option<Image>,
    pub(crate) after: Option<Image>,
}

/// The outcome of a sweep.
#[derive(Debug, Default)]
pub(crate) struct Swept {
    /// The counts of all items together.
    done: usize,
    /// Due items of suspended tenants: they stay due.
    suspended: usize,
    /// Items that the time or the budget of the run did not suffice for: the next sweep begins with other ones.
    left: usize,
    /// Items that were listed and taken on.
    begun: usize,
    /// Items, and parts of the due list, that failed.
    failed: usize,
}

/// Sweeps the due list of `T` within a budget. `decide` gets an item that was read after it was listed,
/// and returns `None` if it is not due any more.
pub(crate) async fn sweep<T: Item>(
    event: &EventCall,
    budget: Budget,
    decide: impl AsyncFn(&Stored<T>) -> Result<Option<Decision<T>>, Fault>,
) -> Swept {
    let mut swept = Swept::default();
    for shard in shards(event.now) {
        let mut after = None;
        loop {
            let page = match event.platform.table.due::<T>(shard, event.now, PAGE, after).await {
                Ok(page) => page,
                Err(error) => {
                    tracing::error!(error = %error, shard, "a part of the due list");
                    swept.failed += 1;
                    break;
                }
            };
            for batch in page.keys.chunks(BATCH) {
                swept.batch(event, batch, budget, &decide).await;
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
    }
    swept
}

/// Changes an item as `decide` says; reads it again after a lost race. Returns the count.
async fn change<T: Item>(
    event: &EventCall,
    tenant: TenantId,
    mut before: Stored<T>,
    decide: &impl AsyncFn(&Stored<T>) -> Result<Option<Decision<T>>, Fault>,
) -> Result<usize, Fault> {
    let (own_grant, table) = (event.grant(tenant), &event.platform.table);
    for _ in 0..ATTEMPTS {
        let Some(Decision { after, changes, count, grant, writes }) = decide(&before).await? else { return Ok(0) };
        let writes = Writes::new().replace(&before, &after).and(writes);
        let changes: Vec<AuditedChange<'_>> = changes.iter().map(Change::audited).collect();
        match table.commit_all(grant.as_ref().unwrap_or(&own_grant), &changes, writes, None).await {
            Ok(_) => return Ok(count),
            Err(CommitError::Lost) => {}
            Err(error) => return Err(error.into()),
        }
        let reads = (TenantKeys::granted(&own_grant).tenant().expected(), before.key.clone().optional());
        let (owner, found) = table.load(reads).await?;
        match found.item {
            Some(item) if owner.value.status == Status::Active => before = item,
            _ => return Ok(0),
        }
    }
    Err("other requests wrote it again and again".into())
}

impl Change {
    fn audited(&self) -> AuditedChange<'_> {
        AuditedChange { resource: &self.resource, before: self.before.as_ref(), after: self.after.as_ref() }
    }
}

impl Swept {
    /// The response of the sweep: `{<done>, suspended, left}`, or the error.
    pub(crate) fn response(self, done: &str) -> Result<Value, EventError> {
        match self.failed {
            0 => Ok(json!({done: self.done, "suspended": self.suspended, "left": self.left})),
            failed => {
                Err(format!("{failed} failed of what was due: the log of this run has each with its cause").into())
            }
        }
    }

    async fn batch<T: Item>(
        &mut self,
        event: &EventCall,
        due: &[Key<T>],
        budget: Budget,
        decide: &impl AsyncFn(&Stored<T>) -> Result<Option<Decision<T>>, Fault>,
    ) {
        let affordable = if event.time_left() < MARGIN { 0 } else { due.len() };
        let (due, left) = due.split_at(affordable);
        let (due, over) = budget.split(due, self.begun);
        self.left += left.len() + over.len();
        self.begun += due.len();
        if due.is_empty() {
            return;
        }
        let tenants: BTreeSet<TenantId> = due.iter().filter_map(Key::tenant).collect();
        let tenants: HashMap<TenantId, Key<Tenant>> =
            tenants.into_iter().map(|tenant| (tenant, TenantKeys::granted(&event.grant(tenant)).tenant())).collect();
        let mut wanted = Wanted::default();
        due.iter().for_each(|key| wanted.key(key));
        tenants.values().for_each(|key| wanted.key(key));
        let mut read = match event.platform.table.read(wanted).await {
            Ok(read) => read,
            Err(error) => {
                tracing::error!(error = %error, items = due.len(), "a batch of due items");
                self.failed += due.len();
                return;
            }
        };
        let mut active = HashMap::new();
        for (tenant, key) in tenants {
            match is_active(&mut read, &key) {
                Ok(is_active) => drop(active.insert(tenant, is_active)),
                Err(error) => tracing::error!(error = %error, pk = key.pk(), "tenant"),
            }
        }
        let mut waiting = Vec::new();
        for key in due {
            match key.tenant().and_then(|tenant| Some((tenant, *active.get(&tenant)?))) {
                // Logged with its tenant.
                None => self.failed += 1,
                Some((_, false)) => self.suspended += 1,
                Some((tenant, true)) => match read.take(key) {
                    // It may have been deleted since it was listed.
                    Ok(found) => waiting.extend(found.map(|item| (tenant, item))),
                    Err(error) => self.fail(key, error.into()),
                },
            }
        }
        let begun = waiting.into_iter().map(|(tenant, item)| async move {
            let key = item.key.clone();
            let outcome =
                if event.time_left() < MARGIN { None } else { Some(change(event, tenant, item, decide).await) };
            (key, outcome)
        });
        let mut ended = stream::iter(begun).buffer_unordered(budget.at_once);
        while let Some((key, outcome)) = ended.next().await {
            match outcome {
                None => self.left += 1,
                Some(Ok(done)) => self.done += done,
                Some(Err(error)) => self.fail(&key, error),
            }
        }
    }

    fn fail<T>(&mut self, key: &Key<T>, error: Fault) {
        tracing::error!(error = %error, pk = key.pk(), sk = key.sk(), "due");
        self.failed += 1;
    }
}

/// The shards of a due list, another one first every hour: where time never suffices, the same ones are not always left.
pub(crate) fn shards(now: Timestamp) -> impl Iterator<Item = u8> {
    const HOUR: i64 = 3_600_000;
    let first = now.as_millis().div_euclid(HOUR).rem_euclid(i64::from(DUE_SHARDS));
    (0..DUE_SHARDS).cycle().skip(usize::try_from(first).unwrap_or_default()).take(usize::from(DUE_SHARDS))
}

fn is_active(read: &mut Read, key: &Key<Tenant>) -> Result<bool, StoreError> {
    let tenant = read.take(key)?.ok_or_else(|| StoreError::missing("tenant"))?;
    Ok(tenant.value.status == Status::Active)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_handles_no_more_than_its_budget() {
        let budget = Budget { at_once: 1, most: 5 };
        let due = [1, 2, 3];
        assert_eq!(budget.split(&due, 0), (&due[..], &[][..]));
        assert_eq!(budget.split(&due, 3), (&[1, 2][..], &[3][..]));
        assert_eq!(budget.split(&due, 5), (&[][..], &due[..]));
        assert_eq!(Budget::at_once(1).split(&due, 1_000_000), (&due[..], &[][..]));
    }

    #[test]
    fn every_shard_is_swept_and_each_is_the_first_in_its_turn() {
        let mut firsts = BTreeSet::new();
        for hour in -1..i64::from(DUE_SHARDS) {
            let order: Vec<u8> = shards(Timestamp::from_millis(hour * 3_600_000 + 7)).collect();
            firsts.insert(order[0]);
            assert_eq!(order.iter().collect::<BTreeSet<_>>().len(), order.len());
            assert_eq!(order.len(), usize::from(DUE_SHARDS));
        }
        assert_eq!(firsts.len(), usize::from(DUE_SHARDS));
    }
}
