//! Writes: one transaction of the change, its audit record and the kept response.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Delete, Put, ReturnConsumedCapacity, TransactWriteItem, Update,
};
use trustplane_aws::{DYNAMODB, ResponseClass};
use trustplane_domain::Timestamp;
use trustplane_domain::audit::{AuditRecord, Outcome};
use trustplane_domain::credential::Credential;
use trustplane_domain::ids::TenantId;
use trustplane_domain::timestamp::DAY;
use trustplane_policy::{Attempt, Attribution, Grant, Image, Resource};
use ulid::Ulid;

use crate::item::{Attributes, attributes};
use crate::read::key_attributes;
use crate::writes::{Operation, Write};
use crate::{
    AuditItem, CommitError, Count, Idempotency, Item as _, Key, PrimaryKey, StoreError, Table, TenantKeys, Writes,
};

/// Denied attempts of one credential that are recorded in a minute: enough to see what somebody is at, and too few to
/// fill a log, or a bill, with.
pub const DENIALS: u64 = 30;

/// A change, for the audit log.
#[derive(Debug)]
pub struct AuditedChange<'a> {
    /// The resource that was changed.
    pub resource: &'a Resource,
    /// As it was.
    pub before: Option<&'a Image>,
    /// As it is.
    pub after: Option<&'a Image>,
}

/// A committed transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Ids of its audit records, in the order of the changes. Empty for a write that is not a change, such as a remembered
    /// observation.
    pub audit_records: Vec<String>,
}

impl Table {
    /// Writes a change with its audit record, and the response to keep for a retry if there is one: all or nothing.
    ///
    /// INVARIANT: every key is the grant's tenant's own, or is one that is claimed for it.
    pub async fn commit(
        &self,
        grant: &Grant,
        change: &AuditedChange<'_>,
        writes: Writes,
        keep: Option<(&Key<Idempotency>, &Idempotency)>,
    ) -> Result<Committed, CommitError> {
        self.commit_all(grant, std::slice::from_ref(change), writes, keep).await
    }

    /// Writes several changes in one transaction, with one audit record per change, in this order.
    pub async fn commit_all(
        &self,
        grant: &Grant,
        changes: &[AuditedChange<'_>],
        writes: Writes,
        keep: Option<(&Key<Idempotency>, &Idempotency)>,
    ) -> Result<Committed, CommitError> {
        let mut transaction = self.transaction(grant, writes)?;
        let kept = keep.map(|(key, response)| self.kept(key, response, grant)).transpose()?;
        transaction.extend(kept);
        let mut id = first_id(grant.at())?;
        let mut audit_records = Vec::with_capacity(changes.len());
        for change in changes {
            let resource = (change.resource.kind.as_str(), change.resource.id.as_str());
            let images = (change.before, change.after);
            let item = self.audit_record(grant.attribution(), resource, images, Outcome::Allowed, &id.to_string())?;
            transaction.push(self.put(item, "attribute_not_exists(pk)", None)?);
            audit_records.push(id.to_string());
            id = id.increment().map_err(|_| StoreError::broken("no more ids in this millisecond"))?;
        }
        self.send(transaction).await?;
        Ok(Committed { audit_records })
    }

    /// Writes an observation without an audit record: what was seen or used, such as the day of a last use.
    pub async fn note(&self, grant: &Grant, writes: Writes) -> Result<Committed, CommitError> {
        let transaction = self.transaction(grant, writes)?;
        self.send(transaction).await?;
        Ok(Committed { audit_records: Vec::new() })
    }

    /// Notes on a credential that it was used on the day of this midnight, unless that is noted already. Its version stays:
    /// nobody who changes the credential minds.
    pub async fn note_use(&self, credential: &Key<Credential>, day: Timestamp) -> Result<(), StoreError> {
        let updated = self
            .client
            .update_item()
            .table_name(&self.name)
            .set_key(Some(key_attributes(credential.pk(), credential.sk())))
            .update_expression("SET last_used_at = :day")
            .condition_expression(
                "attribute_exists(pk) AND (attribute_not_exists(last_used_at) OR last_used_at < :day)",
            )
            .expression_attribute_values(":day", AttributeValue::S(day.to_string()))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        match updated {
            Ok(output) => {
                let units = output.consumed_capacity().and_then(|capacity| capacity.capacity_units());
                self.meter.written(units.unwrap_or_default());
                Ok(())
            }
            // Another process has noted it.
            Err(error)
                if error.as_service_error().is_some_and(UpdateItemError::is_conditional_check_failed_exception) =>
            {
                Ok(())
            }
            Err(error) => Err(StoreError::of_sdk(error)),
        }
    }

    /// Records a denied attempt, if no more than [`DENIALS`] of its credential were recorded in this minute:
    /// [`CommitError::Lost`] where there were. The count is the table's, so the bound holds over all processes.
    pub async fn record_denied(&self, attempt: &Attempt) -> Result<(), CommitError> {
        let attribution = attempt.attribution();
        let count = TenantKeys::audited(attribution).denials(&attribution.actor.id, attribution.at);
        let writes = Writes::new().one_more_until(&count, DENIALS, attribution.at.plus_millis(DAY));
        let writes = writes.into_inner()?.into_iter().map(|write| self.entry(attribution.tenant, write));
        let mut transaction = writes.collect::<Result<Vec<_>, _>>()?;
        let id = first_id(attribution.at)?.to_string();
        let item = self.audit_record(attribution, attempt.resource(), (None, None), Outcome::Denied, &id)?;
        transaction.push(self.put(item, "attribute_not_exists(pk)", None)?);
        self.send(transaction).await
    }

    fn transaction(&self, grant: &Grant, writes: Writes) -> Result<Vec<Entry>, StoreError> {
        writes.into_inner()?.into_iter().map(|write| self.entry(grant.tenant(), write)).collect()
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
                Ok(Entry { owner: Owner::Claim, ..claim })
            }
            Operation::Hold(item, configuration) => {
                let condition = "attribute_not_exists(pk) OR (tenant_id = :tenant AND \
                                 (attribute_not_exists(configuration_id) OR configuration_id = :configuration))";
                let holder = (":configuration", AttributeValue::S(configuration.to_string()));
                let held = self.put(item, condition, owner.into_iter().chain([holder]))?;
                Ok(Entry { owner: Owner::Claim, ..held })
            }
            Operation::Remove(read) => self.remove(&write.key, Some("item_version = :version"), version(read)),
            Operation::Delete => self.remove(&write.key, None, None),
            Operation::Release => {
                let condition = Some("attribute_not_exists(pk) OR tenant_id = :tenant");
                Ok(Entry { owner: Owner::Claim, ..self.remove(&write.key, condition, owner)? })
            }
            Operation::Count(change, most, end) => self.count(&write.key, change, most, end),
            Operation::Link { hash, previous } => self.link(&write.key, hash, previous),
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

    /// The kept response: over none, or over one that is past its time but not deleted yet.
    fn kept(&self, key: &Key<Idempotency>, response: &Idempotency, grant: &Grant) -> Result<Entry, StoreError> {
        let item = attributes(key, 1, response)?;
        let now = AttributeValue::S(grant.at().to_string());
        let kept = self.put(item, "attribute_not_exists(pk) OR kept_until <= :now", Some((":now", now)))?;
        Ok(Entry { owner: Owner::Idempotency, ..kept })
    }

    fn put(
        &self,
        item: Attributes,
        condition: &str,
        values: impl IntoIterator<Item = (&'static str, AttributeValue)>,
    ) -> Result<Entry, StoreError> {
        let mut put = Put::builder().table_name(&self.name).set_item(Some(item)).condition_expression(condition);
        for (name, value) in values {
            put = put.expression_attribute_values(name, value);
        }
        let put = put.build().map_err(StoreError::broken)?;
        Ok(Entry::of(TransactWriteItem::builder().put(put).build()))
    }

    fn link(&self, key: &PrimaryKey, hash: String, previous: String) -> Result<Entry, StoreError> {
        let update = Update::builder()
            .table_name(&self.name)
            .set_key(Some(key_attributes(&key.pk, &key.sk)))
            .update_expression("SET previous_hash = :previous")
            .condition_expression("#hash = :hash AND attribute_not_exists(previous_hash)")
            .expression_attribute_names("#hash", "hash")
            .expression_attribute_values(":hash", AttributeValue::S(hash))
            .expression_attribute_values(":previous", AttributeValue::S(previous))
            .build()
            .map_err(StoreError::broken)?;
        Ok(Entry::of(TransactWriteItem::builder().update(update).build()))
    }

    fn count(&self, key: &PrimaryKey, change: i64, most: u64, end: Option<Timestamp>) -> Result<Entry, StoreError> {
        let number = |number: String| AttributeValue::N(number);
        let expiry = if end.is_some() { ", #ttl = :ttl" } else { "" };
        let mut update = Update::builder();
        if let Some(end) = end {
            update = update
                .expression_attribute_names("#ttl", "ttl")
                .expression_attribute_values(":ttl", number(end.as_seconds_rounded_up().to_string()));
        }
        let update = update
            .table_name(&self.name)
            .set_key(Some(key_attributes(&key.pk, &key.sk)))
            .update_expression(format!("SET entity = :entity{expiry} ADD children :change, item_version :one"))
            .condition_expression("attribute_not_exists(children) OR children < :most")
            .expression_attribute_values(":entity", AttributeValue::S(Count::ENTITY.to_owned()))
            .expression_attribute_values(":change", number(change.to_string()))
            .expression_attribute_values(":one", number("1".to_owned()))
            .expression_attribute_values(":most", number(most.to_string()))
            .build()
            .map_err(StoreError::broken)?;
        Ok(Entry::of(TransactWriteItem::builder().update(update).build()))
    }

    fn remove(
        &self,
        key: &PrimaryKey,
        condition: Option<&str>,
        value: Option<(&str, AttributeValue)>,
    ) -> Result<Entry, StoreError> {
        let mut delete = Delete::builder()
            .table_name(&self.name)
            .set_key(Some(key_attributes(&key.pk, &key.sk)))
            .set_condition_expression(condition.map(ToOwned::to_owned));
        if let Some((name, value)) = value {
            delete = delete.expression_attribute_values(name, value);
        }
        let delete = delete.build().map_err(StoreError::broken)?;
        Ok(Entry::of(TransactWriteItem::builder().delete(delete).build()))
    }

    /// The item that an audit record is kept as: its canonical text, and the hash of that.
    fn audit_record(
        &self,
        attribution: &Attribution,
        (resource_type, resource_id): (&str, &str),
        (before, after): (Option<&Image>, Option<&Image>),
        outcome: Outcome,
        id: &str,
    ) -> Result<Attributes, StoreError> {
        let record = AuditRecord {
            id: id.to_owned(),
            tenant_id: attribution.tenant,
            occurred_at: attribution.at,
            actor: serde_json::to_value(&attribution.actor).map_err(StoreError::broken)?,
            action: attribution.action.clone(),
            resource_type: resource_type.to_owned(),
            resource_id: resource_id.to_owned(),
            outcome,
            before: before.map(|image| image.as_json().clone()),
            after: after.map(|image| image.as_json().clone()),
            determining_policies: attribution.determining_policies.clone(),
            source_ip: attribution.origin.source_ip.clone(),
            user_agent: attribution.origin.user_agent.clone(),
            request_id: attribution.origin.request_id.clone(),
            interaction_id: attribution.origin.interaction_id.clone(),
        };
        let text = record.canonical();
        let ttl = self.audit_retention.map(|kept| attribution.at.plus_millis(kept).as_seconds_rounded_up());
        let item = AuditItem { hash: AuditRecord::hash(&text), record: text, previous_hash: None, ttl };
        attributes(&TenantKeys::audited(attribution).audit_record(id), 1, &item)
    }

    async fn send(&self, transaction: Vec<Entry>) -> Result<(), CommitError> {
        let owners: Vec<Owner> = transaction.iter().map(|entry| entry.owner).collect();
        // The SDK sends one client request token with all attempts, so an attempt whose response was lost, cut off or
        // garbage is not committed twice.
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
                    self.meter.written(capacity.capacity_units().unwrap_or_default());
                }
                Ok(())
            }
            Err(error) => Err(commit_error(error, &owners)),
        }
    }
}

/// An entry of a transaction, and the owner of its item, which the error of a failed entry depends on.
struct Entry {
    item: TransactWriteItem,
    owner: Owner,
}

/// Owner of the item that an entry of a transaction writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    /// The grant's tenant's own.
    Tenant,
    /// A claim across tenants.
    Claim,
    /// The response kept for a retry.
    Idempotency,
}

impl Entry {
    fn of(item: TransactWriteItem) -> Self {
        Self { item, owner: Owner::Tenant }
    }
}

/// Reads why a transaction was cancelled out of the reasons, one per entry.
fn commit_error<R>(error: SdkError<TransactWriteItemsError, R>, owners: &[Owner]) -> CommitError
where
    R: std::fmt::Debug + Send + Sync + 'static,
{
    let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error() else {
        return StoreError::of_sdk(error).into();
    };
    let codes: Vec<&str> =
        cancelled.cancellation_reasons().iter().map(|reason| reason.code().unwrap_or("None")).collect();
    let class_of = |code: &str| ResponseClass::of_code(DYNAMODB, Some(code));
    let worst = codes.iter().map(|code| class_of(code)).max().unwrap_or(ResponseClass::Permanent);
    if worst != ResponseClass::RetryNow {
        let reason = format!("transaction cancelled: {}", codes.join(", "));
        return CommitError::Store(StoreError::of_class(worst, reason));
    }
    let mut failing = codes.iter().zip(owners).filter(|(code, _)| class_of(code) != ResponseClass::Success);
    if failing.clone().any(|(_, owner)| *owner == Owner::Idempotency) {
        CommitError::InProgress
    } else if failing.any(|(code, owner)| *owner == Owner::Claim && *code == "ConditionalCheckFailed") {
        CommitError::Claimed
    } else {
        CommitError::Lost
    }
}

/// An id for the first audit record of a transaction; those after it count on, so that they sort in their order.
fn first_id(at: Timestamp) -> Result<Ulid, StoreError> {
    let mut random = [0_u8; 16];
    getrandom::fill(&mut random).map_err(|error| StoreError::broken(error.to_string()))?;
    let millis = u64::try_from(at.as_millis()).unwrap_or_default();
    // Of the 80 random bits the first stays 0, so that there is room to count.
    Ok(Ulid::from_parts(millis, u128::from_be_bytes(random) & (u128::MAX >> 49)))
}
