//! Sweeps of the due list: reads all due items with their tenants, and handles each. A failure of one item does not
//! stop the others. The sweep then ends with an error, so that it is retried.

use std::collections::{BTreeSet, HashMap};
use std::error::Error;
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use serde_json::{Value, json};
use trustplane_domain::Timestamp;
use trustplane_domain::ids::TenantId;
use trustplane_domain::tenant::{Status, Tenant};
use trustplane_runtime::{Reaction, ReactionError};
use trustplane_store::keys::{self, DUE_SHARDS};
use trustplane_store::{Item, Key, Read, StoreError, Stored};

/// Largest number of due keys in one page.
const PAGE: i32 = 500;
/// Number of items in one read: with their tenants, at most the 100 of a `BatchGetItem`.
const BATCH: usize = 50;
/// Time that must be left to start an item. An item with retries of every kind takes no longer.
const MARGIN: Duration = Duration::from_secs(30);

/// An error of handling an item.
pub(crate) type Fault = Box<dyn Error + Send + Sync>;

/// Result of a sweep.
#[derive(Debug, Default)]
pub(crate) struct Swept {
    /// Sum of the items' results.
    done: usize,
    /// Number of due items of suspended tenants, which stay due.
    suspended: usize,
    /// Number of items that the time did not suffice for. The next sweep starts with other ones.
    left: usize,
    /// Number of items, and of shards of the due list, that failed.
    failed: usize,
    first_failure: String,
}

/// Handles all due items of `kind`, `at_once` of them concurrently. `see` gets an item that was read after it was
/// listed, so it may not be due any more. It returns the number of things done.
pub(crate) async fn sweep<T: Item, F: Future<Output = Result<usize, Fault>>>(
    reaction: &Reaction,
    kind: &str,
    at_once: usize,
    see: impl Fn(TenantId, Stored<T>) -> F,
) -> Swept {
    let mut swept = Swept::default();
    for shard in shards(reaction.now) {
        let mut after = None;
        loop {
            let page = match reaction.platform.table.due(kind, shard, reaction.now, PAGE, after).await {
                Ok(page) => page,
                Err(error) => {
                    swept.fail(1, &error);
                    break;
                }
            };
            for batch in page.keys.chunks(BATCH) {
                swept.batch(reaction, batch, at_once, &see).await;
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
    }
    swept
}

/// Reads an item again after a concurrent write. Returns `None` if it was deleted or its tenant is suspended.
pub(crate) async fn again<T: Item>(
    reaction: &Reaction,
    tenant: TenantId,
    key: &Key,
) -> Result<Option<Stored<T>>, StoreError> {
    let tenant = tenant_key(reaction, tenant);
    let mut read = reaction.platform.table.read(&[key.clone(), tenant.clone()], None).await?;
    if is_served(&mut read, &tenant)? { read.take(key) } else { Ok(None) }
}

impl Swept {
    /// Returns the counts `{<done>, suspended, left}`, or the error.
    pub(crate) fn said(self, done: &str) -> Result<Value, ReactionError> {
        match self.failed {
            0 => Ok(json!({done: self.done, "suspended": self.suspended, "left": self.left})),
            failed => Err(format!("{failed} failed of what was due, the first: {}", self.first_failure).into()),
        }
    }

    async fn batch<T: Item, F: Future<Output = Result<usize, Fault>>>(
        &mut self,
        reaction: &Reaction,
        due: &[Key],
        at_once: usize,
        see: &impl Fn(TenantId, Stored<T>) -> F,
    ) {
        if reaction.time_left() < MARGIN {
            self.left += due.len();
            return;
        }
        let tenants: BTreeSet<TenantId> = due.iter().filter_map(Key::tenant).collect();
        let tenants = tenants.into_iter().map(|tenant| (tenant, tenant_key(reaction, tenant)));
        let tenants: HashMap<TenantId, Key> = tenants.collect();
        let wanted: Vec<Key> = due.iter().chain(tenants.values()).cloned().collect();
        let mut read = match reaction.platform.table.read(&wanted, None).await {
            Ok(read) => read,
            Err(error) => return self.fail(due.len(), &error),
        };
        let mut served = HashMap::new();
        for (tenant, key) in tenants {
            match is_served(&mut read, &key) {
                Ok(is_served) => drop(served.insert(tenant, is_served)),
                Err(error) => tracing::error!(error = %error, pk = key.pk(), "tenant"),
            }
        }
        let mut waiting = Vec::new();
        for key in due {
            match key.tenant().and_then(|tenant| Some((tenant, *served.get(&tenant)?))) {
                None => self.fail_item(key, "its tenant cannot be read".into()),
                Some((_, false)) => self.suspended += 1,
                Some((tenant, true)) => match read.take::<T>(key) {
                    // The item may have been deleted since it was listed.
                    Ok(found) => waiting.extend(found.map(|item| (tenant, item))),
                    Err(error) => self.fail_item(key, error.into()),
                },
            }
        }
        let begun = waiting.into_iter().map(|(tenant, item)| async move {
            let key = item.key.clone();
            let outcome = if reaction.time_left() < MARGIN { None } else { Some(see(tenant, item).await) };
            (key, outcome)
        });
        let mut ended = stream::iter(begun).buffer_unordered(at_once);
        while let Some((key, outcome)) = ended.next().await {
            match outcome {
                None => self.left += 1,
                Some(Ok(done)) => self.done += done,
                Some(Err(error)) => self.fail_item(&key, error),
            }
        }
    }

    fn fail_item(&mut self, key: &Key, error: Fault) {
        tracing::error!(error = %error, pk = key.pk(), sk = key.sk(), "due");
        self.fail(1, error.as_ref());
    }

    fn fail(&mut self, count: usize, error: &dyn Error) {
        if self.failed == 0 {
            self.first_failure = error.to_string();
        }
        self.failed += count;
    }
}

/// Iterates over the shards of the due list. Each hour starts with another one, so that insufficient time does not
/// always leave the same shards.
pub(crate) fn shards(now: Timestamp) -> impl Iterator<Item = u8> {
    const HOUR: i64 = 3_600_000;
    let first = now.as_millis().div_euclid(HOUR).rem_euclid(i64::from(DUE_SHARDS));
    (0..DUE_SHARDS).cycle().skip(usize::try_from(first).unwrap_or_default()).take(usize::from(DUE_SHARDS))
}

fn tenant_key(reaction: &Reaction, tenant: TenantId) -> Key {
    keys::Tenant::granted(&reaction.grant(tenant)).tenant()
}

fn is_served(read: &mut Read, key: &Key) -> Result<bool, StoreError> {
    let tenant = read.take::<Tenant>(key)?.ok_or_else(|| StoreError::missing("tenant"))?;
    Ok(tenant.value.status == Status::Active)
}

#[cfg(test)]
mod tests {
    use super::*;

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
