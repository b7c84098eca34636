//! Reading: all that a request reads, in one round trip.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, ReturnConsumedCapacity};
use futures_util::future::try_join_all;

use crate::item::{Attributes, stored};
use crate::query::Shape;
use crate::reads::Wanted;
use crate::{Item, Key, LenientListing, Listing, LoadError, PrimaryKey, Query, Reads, StoreError, Stored, Table};

/// Rounds in which unprocessed keys are requested again.
const ROUNDS: u32 = 5;
/// Keys of one `BatchGetItem`: the limit of DynamoDB.
const BATCH: usize = 100;

/// The items and rows of one round trip.
#[derive(Debug, Default)]
pub struct Read {
    items: HashMap<PrimaryKey, Declared>,
    listings: Vec<(Shape, Rows)>,
}

/// A key that was read.
#[derive(Debug, Default)]
struct Declared {
    item: Option<Attributes>,
    /// The key was named so many more times than its item was taken.
    left: usize,
}

/// The rows of a listing, and the sort key of the last one where more follow.
#[derive(Debug, Default)]
struct Rows {
    rows: Vec<Attributes>,
    next: Option<String>,
}

impl Read {
    /// Takes the item of a key; `None` where there is none.
    ///
    /// # Errors
    /// [`StoreError::Broken`] for a key that was not declared, or was taken more often than declared: an item that was
    /// not read must not be taken for one that does not exist. So too for an item of another type.
    pub fn take<T: Item>(&mut self, key: &Key<T>) -> Result<Option<Stored<T>>, StoreError> {
        let declared = self.items.get_mut(key.primary()).filter(|declared| declared.left > 0);
        let declared = declared.ok_or_else(|| StoreError::undeclared(key))?;
        declared.left -= 1;
        let item = if declared.left == 0 { declared.item.take() } else { declared.item.clone() };
        item.map(|item| stored(key.clone(), item)).transpose()
    }

    /// Takes the rows of a listing.
    ///
    /// # Errors
    /// [`StoreError::Broken`] for a listing that was not declared, and for a row of another type.
    pub fn list<T: Item>(&mut self, query: &Query<T>) -> Result<Listing<T>, StoreError> {
        let Rows { rows, next } = self.rows(query)?;
        let rows = rows.into_iter().map(|row| stored(row_key(query, &row), row)).collect::<Result<_, _>>()?;
        Ok(Listing { rows, next })
    }

    /// Takes the rows of a listing; the key of each item that cannot be read as a `T`.
    ///
    /// # Errors
    /// [`StoreError::Broken`] for a listing that was not declared.
    pub fn list_lenient<T: Item>(&mut self, query: &Query<T>) -> Result<LenientListing<T>, StoreError> {
        let Rows { rows, next } = self.rows(query)?;
        let row = |row: Attributes| {
            let key = row_key(query, &row);
            stored(key.clone(), row).map_err(|_| key.primary().clone())
        };
        Ok(LenientListing { rows: rows.into_iter().map(row).collect(), next })
    }

    fn rows<T>(&mut self, query: &Query<T>) -> Result<Rows, StoreError> {
        let place = self.listings.iter().position(|(shape, _)| *shape == query.shape);
        let place = place.ok_or_else(|| {
            StoreError::broken(format!("the listing `{}/{}` was not declared", query.shape.pk, query.shape.prefix))
        })?;
        Ok(self.listings.swap_remove(place).1)
    }
}

fn row_key<T>(query: &Query<T>, row: &Attributes) -> Key<T> {
    let text = |name| row.get(name).and_then(|value| value.as_s().ok()).cloned().unwrap_or_default();
    Key::new(PrimaryKey { pk: text("pk"), sk: text("sk"), tenant: query.shape.tenant })
}

impl Table {
    /// Reads all keys (each once, however often it is declared) and, at the same time, all listings: one round trip.
    ///
    /// Strongly consistent. A key that DynamoDB left unprocessed is requested again; one that stays so fails the read,
    /// since it must not be taken for an item that does not exist.
    pub async fn read(&self, wanted: Wanted) -> Result<Read, StoreError> {
        let Wanted { keys, listings } = wanted;
        let mut items: HashMap<PrimaryKey, Declared> = HashMap::new();
        for key in keys {
            items.entry(key).or_default().left += 1;
        }
        let unique: Vec<&PrimaryKey> = items.keys().collect();
        let lists = async {
            let rows = try_join_all(listings.iter().map(|shape| self.list(shape))).await?;
            Ok(listings.iter().cloned().zip(rows).collect())
        };
        let (mut found, listings) = tokio::try_join!(self.batch(&unique), lists)?;
        for (key, declared) in &mut items {
            declared.item = found.remove(&(key.pk.clone(), key.sk.clone()));
        }
        Ok(Read { items, listings })
    }

    /// Reads and loads items in one step, for callers that no policy has to permit: operators and event handlers.
    ///
    /// # Errors
    /// [`LoadError::Absent`] for the first required item that does not exist.
    pub async fn load<R: Reads>(&self, reads: R) -> Result<R::Loaded, LoadError> {
        let mut read = self.read(Wanted::of(&reads)).await?;
        reads.load(&mut read)
    }

    /// A call for each 100 keys, all at the same time.
    pub(crate) async fn batch(
        &self,
        keys: &[&PrimaryKey],
    ) -> Result<HashMap<(String, String), Attributes>, StoreError> {
        let calls = keys.chunks(BATCH).map(|keys| self.batch_of(keys));
        Ok(try_join_all(calls).await?.into_iter().flatten().collect())
    }

    async fn batch_of(&self, keys: &[&PrimaryKey]) -> Result<HashMap<(String, String), Attributes>, StoreError> {
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
                .request_items(&self.name, wanted.clone())
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
                .await
                .map_err(StoreError::of_sdk)?;
            for capacity in output.consumed_capacity() {
                self.meter.consumed(capacity.capacity_units().unwrap_or_default());
            }
            // An empty response is cut off. It must not be taken for items that do not exist.
            let Some(responses) = output.responses else {
                tokio::time::sleep(Duration::from_millis(20 << round)).await;
                continue;
            };
            for item in responses.into_values().flatten() {
                let text = |name| item.get(name).and_then(|value| value.as_s().ok()).cloned().unwrap_or_default();
                found.insert((text("pk"), text("sk")), item);
            }
            match output.unprocessed_keys.unwrap_or_default().remove(&self.name) {
                Some(left) if !left.keys().is_empty() => wanted = left,
                _ => return Ok(found),
            }
            tokio::time::sleep(Duration::from_millis(20 << round)).await;
        }
        Err(StoreError::Unavailable("keys stayed unprocessed, or the responses were empty".into()))
    }

    /// Reads the listing whole, or one page of it. A listing of more than 1 MB takes a call for each.
    async fn list(&self, query: &Shape) -> Result<Rows, StoreError> {
        let mut rows = Vec::new();
        let mut empty = 0;
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
                .set_exclusive_start_key(start.clone());
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
            // As above: a listing without rows has an empty list of them.
            let Some(items) = output.items else {
                if empty == ROUNDS {
                    return Err(StoreError::Unavailable("the responses were empty".into()));
                }
                tokio::time::sleep(Duration::from_millis(20 << empty)).await;
                empty += 1;
                continue;
            };
            rows.extend(items);
            if let Some(limit) = query.limit.filter(|limit| rows.len() > *limit) {
                rows.truncate(limit);
                let last = rows.last().and_then(|row| row.get("sk")?.as_s().ok()).cloned();
                return Ok(Rows { rows, next: last });
            }
            match output.last_evaluated_key {
                Some(key) if query.one_call => {
                    let next = key.get("sk").and_then(|sk| sk.as_s().ok()).cloned();
                    return Ok(Rows { rows, next });
                }
                Some(key) if !key.is_empty() => start = Some(key),
                _ => return Ok(Rows { rows, next: None }),
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
