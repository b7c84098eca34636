//! Reading: everything a request needs, in one round trip.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, ReturnConsumedCapacity};
use futures_util::future::try_join_all;

use trustplane_domain::ids::TenantId;

use crate::item::{Attributes, stored};
use crate::{Item, Key, StoreError, Stored, Table, TenantRow};

/// How often unprocessed keys are asked for again.
const ROUNDS: u32 = 5;
/// Keys of one `BatchGetItem`: DynamoDB takes no more.
const BATCH: usize = 100;

/// What was read: items by their keys, and the rows of a listing.
#[derive(Debug, Default)]
pub struct Read {
    items: HashMap<(String, String), Attributes>,
    rows: Vec<Attributes>,
    next: Option<String>,
}

/// A listing: rows of one partition, strongly consistent, in the order of their sort keys.
#[derive(Clone, Debug)]
pub struct Query {
    pub(crate) pk: String,
    pub(crate) prefix: String,
    /// The first and the last sort key, in place of a prefix.
    pub(crate) between: Option<(String, String)>,
    /// Whether one call is all that is read: 1 MB at most.
    pub(crate) one_call: bool,
    pub(crate) newest_first: bool,
    pub(crate) after: Option<String>,
    pub(crate) limit: Option<usize>,
}

/// The rows of a listing.
#[derive(Debug)]
pub struct Listing<T> {
    /// In the order asked for.
    pub rows: Vec<Stored<T>>,
    /// The sort key to go on after; `None` at the end.
    pub next: Option<String>,
}

/// The rows of a listing, in which there may be some that are none.
#[derive(Debug)]
pub struct Sifted<T> {
    /// In the order asked for; the key of what could not be read.
    pub rows: Vec<Result<Stored<T>, Key>>,
    /// The sort key to go on after; `None` at the end.
    pub next: Option<String>,
}

impl Query {
    /// All rows of a tenant's partition whose sort key begins with `prefix`.
    pub fn prefix(tenant: crate::keys::Tenant, prefix: impl Into<String>) -> Self {
        Self::whole(tenant.partition(), prefix.into())
    }

    /// The seals of a tenant's audit records, in their order.
    pub fn audit_seals(tenant: crate::keys::Tenant) -> Self {
        Self::whole(tenant.audit_seals(), crate::keys::AUDIT_SEALS.to_owned())
    }

    fn whole(pk: String, prefix: String) -> Self {
        Self { pk, prefix, between: None, one_call: false, newest_first: false, after: None, limit: None }
    }

    /// A tenant's audit records, newest first.
    pub fn audit_log(tenant: crate::keys::Tenant) -> Self {
        Self::whole(tenant.audit_log(), String::new()).newest_first()
    }

    /// Only rows from the sort key `first` to `last`, both included.
    #[must_use]
    pub fn between(mut self, first: String, last: String) -> Self {
        self.between = Some((first, last));
        self
    }

    /// From the first to the last.
    #[must_use]
    pub fn oldest_first(mut self) -> Self {
        self.newest_first = false;
        self
    }

    /// No more than one call reads: 1 MB, so that a page has a cost that does not depend on what stands in the rows. It
    /// may then hold fewer rows than its limit.
    #[must_use]
    pub fn one_call(mut self) -> Self {
        self.one_call = true;
        self
    }

    /// All tenants, the oldest first: for operators.
    pub fn tenants() -> Self {
        Self::whole(crate::keys::TENANTS.to_owned(), String::new())
    }

    /// From the last to the first.
    #[must_use]
    pub fn newest_first(mut self) -> Self {
        self.newest_first = true;
        self
    }

    /// At most `limit` rows, after the sort key `after`.
    #[must_use]
    pub fn page(mut self, limit: usize, after: Option<String>) -> Self {
        self.limit = Some(limit);
        self.after = after;
        self
    }
}

impl Read {
    /// The item of this key, taken out; `None` where there is none.
    pub fn take<T: Item>(&mut self, key: &Key) -> Result<Option<Stored<T>>, StoreError> {
        let found = self.items.remove(&(key.pk.clone(), key.sk.clone()));
        found.map(|item| stored(key.clone(), item)).transpose()
    }

    /// The item of this key, which stays there to be taken; `None` where there is none.
    pub fn look<T: Item>(&self, key: &Key) -> Result<Option<Stored<T>>, StoreError> {
        let found = self.items.get(&(key.pk.clone(), key.sk.clone())).cloned();
        found.map(|item| stored(key.clone(), item)).transpose()
    }

    /// The rows of the listing, taken out.
    pub fn listing<T: Item>(&mut self, tenant: crate::keys::Tenant) -> Result<Listing<T>, StoreError> {
        self.rows(Some(tenant.id()))
    }

    /// The rows of the list of all tenants, taken out.
    pub fn tenants(&mut self) -> Result<Listing<TenantRow>, StoreError> {
        self.rows(None)
    }

    /// As [`Self::listing`], where an item that is no `T` is to be told of and not to be the end: its key in its place.
    pub fn sifted<T: Item>(&mut self, tenant: crate::keys::Tenant) -> Sifted<T> {
        let rows = self.keyed(Some(tenant.id())).map(|(key, row)| stored(key.clone(), row).map_err(|_| key)).collect();
        Sifted { rows, next: self.next.take() }
    }

    fn rows<T: Item>(&mut self, tenant: Option<TenantId>) -> Result<Listing<T>, StoreError> {
        let rows = self.keyed(tenant).map(|(key, row)| stored(key, row)).collect::<Result<_, _>>()?;
        Ok(Listing { rows, next: self.next.take() })
    }

    /// The rows with their keys, taken out.
    fn keyed(&mut self, tenant: Option<TenantId>) -> impl Iterator<Item = (Key, Attributes)> + use<> {
        std::mem::take(&mut self.rows).into_iter().map(move |row| {
            let text = |name| row.get(name).and_then(|value| value.as_s().ok()).cloned().unwrap_or_default();
            (Key { pk: text("pk"), sk: text("sk"), tenant }, row)
        })
    }
}

impl Table {
    /// Gets `keys` (each once, however often it is named) and, at the same time, lists `query`: one round trip.
    ///
    /// Strongly consistent. A key that DynamoDB left unprocessed is asked for again; one that stays so fails the read,
    /// since it must not be taken for an item that is not there.
    pub async fn read(&self, keys: &[Key], query: Option<&Query>) -> Result<Read, StoreError> {
        match query {
            None => Ok(Read { items: self.batch(keys).await?, ..Read::default() }),
            Some(query) => {
                let (items, (rows, next)) = tokio::try_join!(self.batch(keys), self.list(query))?;
                Ok(Read { items, rows, next })
            }
        }
    }

    /// A call for each 100 keys, all at the same time.
    async fn batch(&self, keys: &[Key]) -> Result<HashMap<(String, String), Attributes>, StoreError> {
        let unique: Vec<&Key> = keys.iter().collect::<BTreeSet<_>>().into_iter().collect();
        let calls = unique.chunks(BATCH).map(|keys| self.batch_of(keys));
        Ok(try_join_all(calls).await?.into_iter().flatten().collect())
    }

    async fn batch_of(&self, keys: &[&Key]) -> Result<HashMap<(String, String), Attributes>, StoreError> {
        let mut found = HashMap::new();
        let mut wanted = KeysAndAttributes::builder()
            .set_keys(Some(keys.iter().map(|key| key_attributes(&key.pk, &key.sk)).collect()))
            .consistent_read(true)
            .build()
            .map_err(StoreError::broken)?;
        for round in 0..ROUNDS {
            let output = self
                .client
                .batch_get_item()
                .request_items(&self.name, wanted)
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
                .await
                .map_err(StoreError::of_sdk)?;
            for capacity in output.consumed_capacity() {
                self.meter.consumed(capacity.capacity_units().unwrap_or_default());
            }
            for item in output.responses.unwrap_or_default().into_values().flatten() {
                let text = |name| item.get(name).and_then(|value| value.as_s().ok()).cloned().unwrap_or_default();
                found.insert((text("pk"), text("sk")), item);
            }
            match output.unprocessed_keys.unwrap_or_default().remove(&self.name) {
                Some(left) if !left.keys().is_empty() => wanted = left,
                _ => return Ok(found),
            }
            tokio::time::sleep(Duration::from_millis(20 << round)).await;
        }
        Err(StoreError::Unavailable("keys stayed unprocessed".into()))
    }

    /// Reads the listing whole, or one page of it. A listing of more than 1 MB takes a call for each.
    async fn list(&self, query: &Query) -> Result<(Vec<Attributes>, Option<String>), StoreError> {
        let mut rows = Vec::new();
        let mut start = query.after.as_ref().map(|sk| key_attributes(&query.pk, sk));
        loop {
            let condition = match (&query.between, query.prefix.is_empty()) {
                (Some(_), _) => "pk = :pk AND sk BETWEEN :first AND :last",
                (None, true) => "pk = :pk",
                (None, false) => "pk = :pk AND begins_with(sk, :prefix)",
            };
            let mut request = self
                .client
                .query()
                .table_name(&self.name)
                .key_condition_expression(condition)
                .expression_attribute_values(":pk", AttributeValue::S(query.pk.clone()))
                .scan_index_forward(!query.newest_first)
                .consistent_read(true)
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .set_exclusive_start_key(start.take());
            if let Some((first, last)) = &query.between {
                request = request
                    .expression_attribute_values(":first", AttributeValue::S(first.clone()))
                    .expression_attribute_values(":last", AttributeValue::S(last.clone()));
            } else if !query.prefix.is_empty() {
                request = request.expression_attribute_values(":prefix", AttributeValue::S(query.prefix.clone()));
            }
            if let Some(limit) = query.limit {
                // One more than asked for tells whether there is a next page.
                let left = limit.saturating_add(1).saturating_sub(rows.len());
                request = request.limit(i32::try_from(left).unwrap_or(i32::MAX));
            }
            let output = request.send().await.map_err(StoreError::of_sdk)?;
            let units = output.consumed_capacity().and_then(|capacity| capacity.capacity_units());
            self.meter.consumed(units.unwrap_or_default());
            rows.extend(output.items.unwrap_or_default());
            if let Some(limit) = query.limit.filter(|limit| rows.len() > *limit) {
                rows.truncate(limit);
                let last = rows.last().and_then(|row| row.get("sk")?.as_s().ok()).cloned();
                return Ok((rows, last));
            }
            match output.last_evaluated_key {
                Some(key) if query.one_call => {
                    return Ok((rows, key.get("sk").and_then(|sk| sk.as_s().ok()).cloned()));
                }
                Some(key) if !key.is_empty() => start = Some(key),
                _ => return Ok((rows, None)),
            }
        }
    }
}

pub(crate) fn key_attributes(pk: &str, sk: &str) -> Attributes {
    HashMap::from([
        ("pk".to_owned(), AttributeValue::S(pk.to_owned())),
        ("sk".to_owned(), AttributeValue::S(sk.to_owned())),
    ])
}
