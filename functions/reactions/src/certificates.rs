//! `notify-expiring-certificates`: word that a certificate of an identity provider is about to expire, or has.
//!
//! A notice is an audit record, written in the transaction that moves the provider's place on the due list. So it is
//! told once, however often the sweep runs, how late, or beside itself.

use std::collections::{BTreeSet, HashMap};
use std::error::Error;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};
use trustplane_domain::Timestamp;
use trustplane_domain::identity_provider::{IdentityProvider, IdentityProviderId, Notice};
use trustplane_domain::ids::TenantId;
use trustplane_domain::tenant::{Status, Tenant};
use trustplane_policy::{Image, Kind, Resource};
use trustplane_runtime::{Reaction, ReactionError};
use trustplane_store::keys::{self, DUE_SHARDS};
use trustplane_store::{CERTIFICATE, CommitError, Key, Read, StoreError, Told, Writes};

/// Keys of what is due that are asked for at once.
const PAGE: i32 = 500;
/// Providers that are read at once: with their tenants no more than the 100 items of a `BatchGetItem`.
const BATCH: usize = 50;
/// How often a provider is read again that somebody else wrote in between.
const ATTEMPTS: usize = 3;
/// No provider is begun with less time left than this: one that meets retries of every kind takes no longer.
const MARGIN: Duration = Duration::from_secs(30);

/// What a sweep did.
#[derive(Debug, Default, Serialize)]
struct Swept {
    /// Notices that were given.
    notices: usize,
    /// Providers that were due but are a suspended tenant's: they stay due.
    suspended: usize,
    /// Providers that time did not suffice for: the next sweep begins with other ones.
    left: usize,
    /// Providers, and parts of the due list, that something went wrong with.
    #[serde(skip)]
    failed: usize,
    #[serde(skip)]
    first_failure: String,
}

/// A certificate as it is when a notice of it is given.
#[derive(Debug, Serialize)]
struct View<'a> {
    identity_store_id: &'a str,
    idp_id: IdentityProviderId,
    idp_enabled: bool,
    subject_name: Option<&'a str>,
    fingerprint: &'a str,
    not_after: Timestamp,
    threshold_days: u16,
    days_left: i64,
}

/// Gives every notice that is due, and says how many: `{notices, suspended, left}`. What goes wrong with one provider
/// keeps none of the others from theirs, and is the error at the end, so that the sweep is tried again.
pub async fn notify_expiring(reaction: Reaction) -> Result<Value, ReactionError> {
    let mut swept = Swept::default();
    for shard in shards(reaction.now) {
        let mut after = None;
        loop {
            let table = &reaction.platform.table;
            let page = match table.due(CERTIFICATE, shard, reaction.now, PAGE, after).await {
                Ok(page) => page,
                Err(error) => {
                    swept.fail(1, &error);
                    break;
                }
            };
            for batch in page.keys.chunks(BATCH) {
                swept.sweep(&reaction, batch).await;
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
    }
    match swept.failed {
        0 => Ok(json!(swept)),
        failed => Err(format!("{failed} failed of what was due, the first: {}", swept.first_failure).into()),
    }
}

/// The shards of the due list, another one first every hour: where time never suffices, it is not always the same that
/// are left.
fn shards(now: Timestamp) -> impl Iterator<Item = u8> {
    const HOUR: i64 = 3_600_000;
    let first = now.as_millis().div_euclid(HOUR).rem_euclid(i64::from(DUE_SHARDS));
    (0..DUE_SHARDS).cycle().skip(usize::try_from(first).unwrap_or_default()).take(usize::from(DUE_SHARDS))
}

impl Swept {
    /// Gives the notices of these providers.
    async fn sweep(&mut self, reaction: &Reaction, due: &[Key]) {
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
        for key in due {
            if reaction.time_left() < MARGIN {
                self.left += 1;
                continue;
            }
            let tenant = key.tenant().and_then(|tenant| Some((tenant, *served.get(&tenant)?)));
            let told = match tenant {
                None => Err("its tenant cannot be read".into()),
                Some((_, false)) => {
                    self.suspended += 1;
                    continue;
                }
                Some((tenant, true)) => notify(reaction, tenant, key, &mut read).await,
            };
            match told {
                Ok(notices) => self.notices += notices,
                Err(error) => {
                    tracing::error!(error = %error, pk = key.pk(), sk = key.sk(), "identity provider");
                    self.fail(1, error.as_ref());
                }
            }
        }
    }

    fn fail(&mut self, count: usize, error: &dyn Error) {
        if self.failed == 0 {
            self.first_failure = error.to_string();
        }
        self.failed += count;
    }
}

fn tenant_key(reaction: &Reaction, tenant: TenantId) -> Key {
    keys::Tenant::granted(&reaction.grant(tenant)).tenant()
}

fn is_served(read: &mut Read, key: &Key) -> Result<bool, StoreError> {
    let tenant = read.take::<Tenant>(key)?.ok_or_else(|| StoreError::missing("tenant"))?;
    Ok(tenant.value.status == Status::Active)
}

/// Gives the notices of one provider, which has been read with its tenant: says how many.
async fn notify(
    reaction: &Reaction,
    tenant: TenantId,
    key: &Key,
    read: &mut Read,
) -> Result<usize, Box<dyn Error + Send + Sync>> {
    let table = &reaction.platform.table;
    let grant = reaction.grant(tenant);
    let store = key.identity_store().ok_or("it is no identity provider's place")?;
    let mut again = None;
    for _ in 0..ATTEMPTS {
        // It may have been deleted since it was listed.
        let Some(before) = again.as_mut().unwrap_or(&mut *read).take::<IdentityProvider>(key)? else { return Ok(0) };
        let (notices, after) = before.value.take_notices(reaction.now);
        if notices.is_empty() {
            return Ok(0);
        }
        let told: Vec<(Resource, Image)> =
            notices.iter().map(|notice| notice_of(&before.value, &store, notice)).collect();
        let told: Vec<Told<'_>> =
            told.iter().map(|(resource, after)| Told { resource, before: None, after: Some(after) }).collect();
        let writes = Writes::new().replace(&before, &after)?;
        match table.commit_all(&grant, &told, writes, None).await {
            Ok(_) => return Ok(notices.len()),
            Err(CommitError::Lost) => {
                let tenant = tenant_key(reaction, tenant);
                let mut new = table.read(&[key.clone(), tenant.clone()], None).await?;
                if !is_served(&mut new, &tenant)? {
                    return Ok(0);
                }
                again = Some(new);
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err("somebody else wrote it again and again".into())
}

fn notice_of(provider: &IdentityProvider, store: &str, notice: &Notice) -> (Resource, Image) {
    let trusted = provider.certificates().iter().find(|trusted| trusted.id() == notice.certificate);
    let view = View {
        identity_store_id: store,
        idp_id: notice.provider,
        idp_enabled: provider.is_enabled(),
        subject_name: trusted.map(|trusted| trusted.certificate().subject_name()),
        fingerprint: &notice.fingerprint,
        not_after: notice.not_after,
        threshold_days: notice.threshold,
        days_left: notice.days_left,
    };
    (Resource::new(Kind::IdpCertificate, notice.certificate.to_string()), Image::of(&view))
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
