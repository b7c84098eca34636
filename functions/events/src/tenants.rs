//! `erase-tenants`: deletes tenants whose waiting period is over.
//!
//! The stage of a deletion is in the tenant, which is deleted last. So a run that is killed, or that has too little time, is
//! continued by the next one. Claims of domains, redirect URIs and roles are released first. The audit log follows two days
//! after the other items, when the table's stream no longer delivers its records.

use std::time::Duration;

use serde_json::{Value, json};
use trustplane_domain::tenant::{Stage, Tenant, View};
use trustplane_policy::{Grant, Image, Kind, Resource};
use trustplane_runtime::{EventCall, EventError};
use trustplane_store::{AuditedChange, CommitError, Key, Part, Stored, TenantKeys, Writes};

use crate::due::{Fault, shards};

/// Keys of due tenants in one page.
const PAGE: i32 = 100;
/// Time that a page of items needs at most, with retries: none is begun with less time left.
const MARGIN: Duration = Duration::from_secs(20);
/// Attempts to write what DynamoDB or another run writes at the same time.
const ATTEMPTS: usize = 5;

/// The outcome of a run for one tenant.
enum Outcome {
    /// Nothing more is due.
    Done,
    /// The tenant and all of its items are deleted.
    Deleted,
    /// The run has no time left.
    Left,
}

/// Deletes what is due: `{items, tenants, left}`, the numbers of deleted items and tenants, and of tenants that the run had
/// no time for.
pub async fn erase(event: EventCall) -> Result<Value, EventError> {
    let (mut items, mut tenants, mut left, mut failed) = (0, 0, 0, 0);
    for shard in shards(event.now) {
        let mut after = None;
        loop {
            let page = match event.platform.table.due::<Tenant>(shard, event.now, PAGE, after).await {
                Ok(page) => page,
                Err(error) => {
                    tracing::error!(error = %error, shard, "a part of the due list");
                    failed += 1;
                    break;
                }
            };
            for key in &page.keys {
                match (Deletion { event: &event, items: &mut items }).advance(key).await {
                    Ok(Outcome::Done) => {}
                    Ok(Outcome::Deleted) => tenants += 1,
                    Ok(Outcome::Left) => left += 1,
                    Err(error) => {
                        tracing::error!(error = %error, pk = key.pk(), "the deletion of a tenant");
                        failed += 1;
                    }
                }
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
    }
    match failed {
        0 => Ok(json!({"items": items, "tenants": tenants, "left": left})),
        failed => Err(format!("{failed} deletions failed: the log of this run has each with its cause").into()),
    }
}

/// The deletion of one tenant.
struct Deletion<'a> {
    event: &'a EventCall,
    items: &'a mut usize,
}

impl Deletion<'_> {
    /// Takes all steps that are due.
    async fn advance(mut self, key: &Key<Tenant>) -> Result<Outcome, Fault> {
        let tenant = key.tenant().ok_or("a tenant has no id")?;
        let table = &self.event.platform.table;
        let grant = self.event.grant(tenant);
        let keys = TenantKeys::granted(&grant);
        for _ in 0..ATTEMPTS {
            let Some(before) = table.load(keys.tenant().optional()).await?.item else { return Ok(Outcome::Done) };
            let stage = before.value.deletion.map(|deletion| deletion.stage);
            let (Some(after), Some(stage)) = (before.value.advanced(self.event.now), stage) else {
                return Ok(Outcome::Done);
            };
            let is_finished = match stage {
                Stage::Waiting => true,
                Stage::Items => self.erase_items(&grant, keys).await?,
                Stage::AuditLog => self.erase_audit_log(&grant).await?,
            };
            if !is_finished {
                return Ok(Outcome::Left);
            }
            let written = match stage {
                Stage::Waiting => self.change(&grant, &before, &after, Some(image(&after))).await,
                Stage::Items => self.change(&grant, &before, &after, None).await,
                Stage::AuditLog => {
                    let last = Writes::new().remove(&before).delete(&keys.listed(before.value.created_at));
                    table.note(&grant, last).await.map(drop)
                }
            };
            match written {
                Ok(()) if stage == Stage::AuditLog => {
                    tracing::info!(tenant = %tenant, "the tenant and its audit log are deleted");
                    return Ok(Outcome::Deleted);
                }
                // The next step may be due, and a tenant that was changed meanwhile is read again.
                Ok(()) | Err(CommitError::Lost) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err("other requests wrote it again and again".into())
    }

    async fn change(
        &self,
        grant: &Grant,
        before: &Stored<Tenant>,
        after: &Tenant,
        shown: Option<Image>,
    ) -> Result<(), CommitError> {
        let resource = Resource::new(Kind::Tenant, before.value.tenant_id.to_string());
        let was = image(&before.value);
        let change = AuditedChange { resource: &resource, before: Some(&was), after: shown.as_ref() };
        let writes = Writes::new().replace(before, after);
        self.event.platform.table.commit(grant, &change, writes, None).await.map(drop)
    }

    /// Deletes everything but the tenant and its audit log. Returns false if time did not suffice.
    async fn erase_items(&mut self, grant: &Grant, keys: TenantKeys) -> Result<bool, Fault> {
        if self.is_late() {
            return Ok(false);
        }
        let table = &self.event.platform.table;
        // A webhook names its deliveries, so they go first.
        for webhook in table.load(keys.webhooks().lenient()).await?.rows.into_iter().flatten() {
            if !self.erase_part(grant, Part::Deliveries(webhook.value.id)).await? {
                return Ok(false);
            }
        }
        *self.items += table.release_claims(grant).await?;
        Ok(self.erase_part(grant, Part::Own).await? && self.erase_part(grant, Part::Denials).await?)
    }

    /// Deletes the audit log, and deliveries to webhooks that the tenant had deleted, which only the log names.
    async fn erase_audit_log(&mut self, grant: &Grant) -> Result<bool, Fault> {
        Ok(self.erase_part(grant, Part::AuditRecords).await? && self.erase_part(grant, Part::Seals).await?)
    }

    /// Deletes a part page by page.
    async fn erase_part(&mut self, grant: &Grant, part: Part) -> Result<bool, Fault> {
        let table = &self.event.platform.table;
        let mut lost = 0;
        while !self.is_late() {
            let page = table.page_to_erase(grant, part).await?;
            if page.is_empty() {
                return Ok(true);
            }
            if part == Part::AuditRecords {
                for webhook in page.webhooks() {
                    if !Box::pin(self.erase_part(grant, Part::Deliveries(webhook))).await? {
                        return Ok(false);
                    }
                }
            }
            match table.erase(grant, &page).await {
                Ok(()) => *self.items += page.len(),
                // DynamoDB deletes expired items, or another run is at it.
                Err(CommitError::Lost) if lost < ATTEMPTS => lost += 1,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(false)
    }

    fn is_late(&self) -> bool {
        self.event.time_left() < MARGIN
    }
}

fn image(tenant: &Tenant) -> Image {
    Image::of(&View::new(tenant, tenant.suspended_because.as_deref()))
}
