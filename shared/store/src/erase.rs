//! The deletion of all that a tenant has, in pages. A run that ends in the middle is continued by the next one, because what
//! a page leads to (claims, deliveries) is deleted before the page.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};
use trustplane_domain::audit::AuditRecord;
use trustplane_domain::webhook::WebhookId;
use trustplane_policy::{Grant, Kind};

use crate::due::INDEX;
use crate::item::Attributes;
use crate::keys::{TENANT, claims_partition};
use crate::{CommitError, Key, PrimaryKey, StoreError, Table, TenantKeys, Writes};

/// Items of a page: the most of one transaction.
const PAGE: i32 = 100;
/// Claims of a page.
const CLAIMS: i32 = 100;

/// A part of a tenant's items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Configuration, credentials and everything else that has no part of its own, but for the tenant itself.
    Own,
    /// Counts of denied attempts.
    Denials,
    /// Deliveries to a webhook.
    Deliveries(WebhookId),
    /// Audit records.
    AuditRecords,
    /// Seals of the audit records, and the head of their chain.
    Seals,
}

/// Items of one part, in one transaction.
#[derive(Debug)]
pub struct ErasePage {
    keys: TenantKeys,
    rows: Vec<Attributes>,
}

impl ErasePage {
    /// Returns true if the part has no more items.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Returns the number of items.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Returns the webhooks that audit records of the page are about: their deliveries are a part each.
    pub fn webhooks(&self) -> BTreeSet<WebhookId> {
        self.rows.iter().filter_map(webhook).collect()
    }

    /// Returns the claims of configurations, domains and roles of this page. Claims that earlier releases wrote are not on
    /// the list of the tenant's claims.
    fn claims(&self) -> Vec<Key<()>> {
        let claim = |row: &Attributes| {
            let field = |name: &str| text(row, name).map(str::to_owned);
            self.keys.claim_of(text(row, "entity")?, text(row, "sk")?, &field)
        };
        self.rows.iter().filter_map(claim).collect()
    }
}

impl Table {
    /// Reads a page of the items of a part, strongly consistent. One call.
    pub async fn page_to_erase(&self, grant: &Grant, part: Part) -> Result<ErasePage, StoreError> {
        let keys = TenantKeys::granted(grant);
        let output = self
            .client
            .query()
            .table_name(&self.name)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", AttributeValue::S(keys.part(part)))
            .limit(PAGE)
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(StoreError::of_sdk)?;
        let units = output.consumed_capacity().and_then(|capacity| capacity.capacity_units());
        self.meter.consumed(units.unwrap_or_default());
        // A response without a list is cut off. It must not be taken for a part that is empty.
        let mut rows = output.items.ok_or_else(|| StoreError::Unavailable("the response was empty".into()))?;
        rows.retain(|row| part != Part::Own || text(row, "sk") != Some(TENANT));
        Ok(ErasePage { keys, rows })
    }

    /// Releases the claims that the items of a page hold, then deletes the items.
    pub async fn erase(&self, grant: &Grant, page: &ErasePage) -> Result<(), CommitError> {
        for claim in page.claims() {
            self.release(grant, &claim).await?;
        }
        let keys = page.rows.iter().filter_map(|row| {
            let (pk, sk) = (text(row, "pk")?.to_owned(), text(row, "sk")?.to_owned());
            Some(Key::<()>::new(PrimaryKey { pk, sk, tenant: Some(grant.tenant()) }))
        });
        let writes = keys.fold(Writes::new(), |writes, key| writes.delete(&key));
        if writes.is_empty() {
            return Ok(());
        }
        self.note(grant, writes).await.map(drop)
    }

    /// Releases the claims that the tenant holds. Returns their number.
    pub async fn release_claims(&self, grant: &Grant) -> Result<usize, CommitError> {
        let (mut start, mut released) = (None, 0);
        loop {
            let output = self
                .client
                .query()
                .table_name(&self.name)
                .index_name(INDEX)
                .key_condition_expression("due_pk = :claims")
                .expression_attribute_values(":claims", AttributeValue::S(claims_partition(grant.tenant())))
                .limit(CLAIMS)
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(StoreError::of_sdk)?;
            let units = output.consumed_capacity().and_then(|capacity| capacity.capacity_units());
            self.meter.consumed(units.unwrap_or_default());
            for row in output.items() {
                let (Some(pk), Some(sk)) = (text(row, "pk"), text(row, "sk")) else { continue };
                let claim = Key::<()>::new(PrimaryKey { pk: pk.to_owned(), sk: sk.to_owned(), tenant: None });
                self.release(grant, &claim).await?;
                released += 1;
            }
            start = output.last_evaluated_key.filter(|key: &HashMap<_, _>| !key.is_empty());
            if start.is_none() {
                return Ok(released);
            }
        }
    }

    /// Releases a claim, unless another tenant holds it by now: the index is behind the table.
    async fn release(&self, grant: &Grant, claim: &Key<()>) -> Result<(), CommitError> {
        match self.note(grant, Writes::new().release(claim)).await {
            Ok(_) | Err(CommitError::Claimed) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// The webhook that an audit record is about.
fn webhook(row: &Attributes) -> Option<WebhookId> {
    let record: AuditRecord = serde_json::from_str(text(row, "record")?).ok()?;
    (record.resource_type == Kind::Webhook.as_str()).then(|| WebhookId::parse(&record.resource_id))?
}

fn text<'a>(row: &'a Attributes, name: &str) -> Option<&'a str> {
    row.get(name)?.as_s().ok().map(String::as_str)
}
