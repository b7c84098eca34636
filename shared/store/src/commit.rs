//! Writing: one transaction of the change, its audit record and the kept reply.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Delete, Put, ReturnConsumedCapacity, TransactWriteItem, Update,
};
use trustplane_domain::audit::{AuditRecord, Outcome};
use trustplane_domain::ids::TenantId;
use trustplane_policy::{Grant, Image, Resource};
use ulid::Ulid;

use crate::error::passing;
use crate::item::{Attributes, attributes};
use crate::read::key_attributes;
use crate::writes::{Operation, Write};
use crate::{CommitError, Count, Idempotency, Item as _, Key, StoreError, Table, Writes, keys};

/// What the audit log is told of a change.
#[derive(Debug)]
pub struct Told<'a> {
    /// What was changed.
    pub resource: &'a Resource,
    /// As it was.
    pub before: Option<&'a Image>,
    /// As it is.
    pub after: Option<&'a Image>,
}

/// A transaction that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The ids of its audit records, which sort in the order they were told in; none of a write that is not a change
    /// (a remembered observation).
    pub audit_records: Vec<String>,
}

impl Table {
    /// Writes a change with its audit record, and the reply to keep if a retry may come for it: all or nothing.
    ///
    /// INVARIANT: every key is the grant's tenant's own, or is one that is claimed for it.
    pub async fn commit(
        &self,
        grant: &Grant,
        told: &Told<'_>,
        writes: Writes,
        keep: Option<(&Key, &Idempotency)>,
    ) -> Result<Committed, CommitError> {
        self.commit_all(grant, std::slice::from_ref(told), writes, keep).await
    }

    /// As [`Table::commit`], of which there is more than one thing to tell: an audit record each, in this order.
    pub async fn commit_all(
        &self,
        grant: &Grant,
        told: &[Told<'_>],
        writes: Writes,
        keep: Option<(&Key, &Idempotency)>,
    ) -> Result<Committed, CommitError> {
        let mut transaction = self.transaction(grant, writes)?;
        let kept = keep.map(|(key, reply)| self.kept(key, reply, grant)).transpose()?;
        transaction.extend(kept);
        let mut id = first_id(grant)?;
        let mut audit_records = Vec::with_capacity(told.len());
        for told in told {
            let item = audit_record(grant, told, &id.to_string())?;
            transaction.push(self.put(item, "attribute_not_exists(pk)", None)?);
            audit_records.push(id.to_string());
            id = id.increment().map_err(|_| StoreError::broken("no more ids in this millisecond"))?;
        }
        self.send(transaction).await?;
        Ok(Committed { audit_records })
    }

    /// Writes what was merely seen or used, with no audit record: a refreshed observation, the day of a last use.
    pub async fn note(&self, grant: &Grant, writes: Writes) -> Result<Committed, CommitError> {
        let transaction = self.transaction(grant, writes)?;
        self.send(transaction).await?;
        Ok(Committed { audit_records: Vec::new() })
    }

    fn transaction(&self, grant: &Grant, writes: Writes) -> Result<Vec<Entry>, StoreError> {
        writes.into_inner().into_iter().map(|write| self.entry(grant.tenant(), write)).collect()
    }

    fn entry(&self, tenant: TenantId, write: Write) -> Result<Entry, StoreError> {
        if write.key.tenant.is_some_and(|owner| owner != tenant) {
            return Err(StoreError::broken("a write outside the grant's tenant"));
        }
        let version = |version: u64| Some((":version", AttributeValue::N(version.to_string())));
        let owner = Some((":tenant", AttributeValue::S(tenant.to_string())));
        match write.operation {
            Operation::Create(item) => self.put(item, "attribute_not_exists(pk)", None),
            Operation::Replace(item, read) => self.put(item, "item_version = :version", version(read)),
            Operation::Put(item) => {
                let put = Put::builder().table_name(&self.name).set_item(Some(item)).build();
                Ok(Entry::of(TransactWriteItem::builder().put(put.map_err(StoreError::broken)?).build()))
            }
            Operation::Claim(item) => {
                let claim = self.put(item, "attribute_not_exists(pk) OR tenant_id = :tenant", owner)?;
                Ok(Entry { claim: true, ..claim })
            }
            Operation::Remove(read) => self.delete(&write.key, "item_version = :version", version(read)),
            Operation::Release => self.delete(&write.key, "attribute_not_exists(pk) OR tenant_id = :tenant", owner),
            Operation::Count(change, most) => self.count(&write.key, change, most),
            Operation::Check(read) => {
                let check = ConditionCheck::builder()
                    .table_name(&self.name)
                    .set_key(Some(key_attributes(&write.key.pk, &write.key.sk)))
                    .condition_expression("item_version = :version")
                    .expression_attribute_values(":version", AttributeValue::N(read.to_string()))
                    .build()
                    .map_err(StoreError::broken)?;
                Ok(Entry::of(TransactWriteItem::builder().condition_check(check).build()))
            }
        }
    }

    /// The kept reply: over none, or over one that is past its time but not swept away yet.
    fn kept(&self, key: &Key, reply: &Idempotency, grant: &Grant) -> Result<Entry, StoreError> {
        let item = attributes(key, 1, reply)?;
        let now = AttributeValue::S(grant.at().to_string());
        self.put(item, "attribute_not_exists(pk) OR kept_until <= :now", Some((":now", now)))
    }

    fn put(
        &self,
        item: Attributes,
        condition: &str,
        value: Option<(&str, AttributeValue)>,
    ) -> Result<Entry, StoreError> {
        let mut put = Put::builder().table_name(&self.name).set_item(Some(item)).condition_expression(condition);
        if let Some((name, value)) = value {
            put = put.expression_attribute_values(name, value);
        }
        let put = put.build().map_err(StoreError::broken)?;
        Ok(Entry::of(TransactWriteItem::builder().put(put).build()))
    }

    fn count(&self, key: &Key, change: i64, most: u64) -> Result<Entry, StoreError> {
        let number = |number: String| AttributeValue::N(number);
        let update = Update::builder()
            .table_name(&self.name)
            .set_key(Some(key_attributes(&key.pk, &key.sk)))
            .update_expression("SET entity = :entity ADD children :change, item_version :one")
            .condition_expression("attribute_not_exists(children) OR children < :most")
            .expression_attribute_values(":entity", AttributeValue::S(Count::ENTITY.to_owned()))
            .expression_attribute_values(":change", number(change.to_string()))
            .expression_attribute_values(":one", number("1".to_owned()))
            .expression_attribute_values(":most", number(most.to_string()))
            .build()
            .map_err(StoreError::broken)?;
        Ok(Entry::of(TransactWriteItem::builder().update(update).build()))
    }

    fn delete(&self, key: &Key, condition: &str, value: Option<(&str, AttributeValue)>) -> Result<Entry, StoreError> {
        let mut delete = Delete::builder()
            .table_name(&self.name)
            .set_key(Some(key_attributes(&key.pk, &key.sk)))
            .condition_expression(condition);
        if let Some((name, value)) = value {
            delete = delete.expression_attribute_values(name, value);
        }
        let delete = delete.build().map_err(StoreError::broken)?;
        Ok(Entry::of(TransactWriteItem::builder().delete(delete).build()))
    }

    async fn send(&self, transaction: Vec<Entry>) -> Result<(), CommitError> {
        let claims: Vec<bool> = transaction.iter().map(|entry| entry.claim).collect();
        // The SDK sends one client request token with all its attempts, so an attempt whose answer was lost is not
        // made twice.
        let sent = self
            .client
            .transact_write_items()
            .set_transact_items(Some(transaction.into_iter().map(|entry| entry.item).collect()))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        match sent {
            Ok(output) => {
                for capacity in output.consumed_capacity() {
                    self.meter.consumed(capacity.capacity_units().unwrap_or_default());
                }
                Ok(())
            }
            Err(error) => Err(commit_error(error, &claims)),
        }
    }
}

/// An entry of a transaction, and whether it claims something across tenants.
struct Entry {
    item: TransactWriteItem,
    claim: bool,
}

impl Entry {
    fn of(item: TransactWriteItem) -> Self {
        Self { item, claim: false }
    }
}

/// Reads why a transaction was cancelled out of the reasons, one an entry.
fn commit_error<R>(error: SdkError<TransactWriteItemsError, R>, claims: &[bool]) -> CommitError
where
    R: std::fmt::Debug + Send + Sync + 'static,
{
    let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error() else {
        return StoreError::of_sdk(error).into();
    };
    let codes: Vec<&str> =
        cancelled.cancellation_reasons().iter().map(|reason| reason.code().unwrap_or("None")).collect();
    let failed = |code: &str| code != "None";
    let lost = |code: &str| matches!(code, "ConditionalCheckFailed" | "TransactionConflict");
    if codes.iter().any(|code| failed(code) && !lost(code)) {
        let all_passing = codes.iter().filter(|code| failed(code) && !lost(code)).all(|code| passing(Some(code)));
        let reason = format!("transaction cancelled: {}", codes.join(", "));
        return CommitError::Store(if all_passing {
            StoreError::Unavailable(reason.into())
        } else {
            StoreError::broken(reason)
        });
    }
    let claimed = codes.iter().zip(claims).any(|(code, claim)| *claim && *code == "ConditionalCheckFailed");
    if claimed { CommitError::Claimed } else { CommitError::Lost }
}

/// An id for the first audit record of a transaction; those after it count on, so that they sort in their order.
fn first_id(grant: &Grant) -> Result<Ulid, StoreError> {
    let mut random = [0_u8; 16];
    getrandom::fill(&mut random).map_err(|error| StoreError::broken(error.to_string()))?;
    let millis = u64::try_from(grant.at().as_millis()).unwrap_or_default();
    // Of the 80 random bits the first stays 0, so that there is room to count.
    Ok(Ulid::from_parts(millis, u128::from_be_bytes(random) & (u128::MAX >> 49)))
}

/// The item that the audit record of a change is kept as: its canonical text, and the hash of that.
fn audit_record(grant: &Grant, told: &Told<'_>, id: &str) -> Result<Attributes, StoreError> {
    let actor = serde_json::to_value(grant.actor()).map_err(StoreError::broken)?;
    let record = AuditRecord {
        id: id.to_owned(),
        tenant_id: grant.tenant(),
        occurred_at: grant.at(),
        actor,
        action: grant.action().to_owned(),
        resource_type: told.resource.kind.as_str().to_owned(),
        resource_id: told.resource.id.clone(),
        outcome: Outcome::Allowed,
        before: told.before.map(|image| image.as_json().clone()),
        after: told.after.map(|image| image.as_json().clone()),
        determining_policies: grant.determining_policies().to_vec(),
        source_ip: grant.origin().source_ip.clone(),
        user_agent: grant.origin().user_agent.clone(),
        request_id: grant.origin().request_id.clone(),
        interaction_id: grant.origin().interaction_id.clone(),
    };
    let key = keys::Tenant::granted(grant).audit_record(id);
    let mut item = key_attributes(&key.pk, &key.sk);
    let text = record.canonical();
    let hash = AuditRecord::hash(&text);
    for (name, value) in [("entity", "audit-record".to_owned()), ("record", text), ("hash", hash)] {
        item.insert(name.to_owned(), AttributeValue::S(value));
    }
    item.insert("item_version".to_owned(), AttributeValue::N("1".to_owned()));
    Ok(item)
}
