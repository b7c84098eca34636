//! The due lists: items that need attention by a time. A sweep reads those and nothing else, whatever the table's size.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};
use trustplane_domain::Timestamp;

use crate::item::Attributes;
use crate::{Item, Key, PrimaryKey, StoreError, Table, keys};

/// The index that holds the lists. An item is on one only while something is due.
pub(crate) const INDEX: &str = "GSI1";

/// Keys of items that are due, the longest due first.
#[derive(Debug)]
pub struct DuePage<T> {
    /// The keys.
    pub keys: Vec<Key<T>>,
    /// The place to go on after; `None` at the end.
    pub next: Option<DueCursor>,
}

/// A place in the due list to go on after.
#[derive(Clone, Debug)]
pub struct DueCursor(Attributes);

impl Table {
    /// The keys of at most `limit` items of one list and shard that are due at `until` or before. One call.
    ///
    /// An index is eventually consistent: an item may have been handled already, or be deleted, so read it first. An item
    /// that is missing here is found by the next sweep.
    pub async fn due<T: Item>(
        &self,
        shard: u8,
        until: Timestamp,
        limit: i32,
        after: Option<DueCursor>,
    ) -> Result<DuePage<T>, StoreError> {
        let output = self
            .client
            .query()
            .table_name(&self.name)
            .index_name(INDEX)
            .key_condition_expression("due_pk = :list AND due_sk < :end")
            .expression_attribute_values(":list", AttributeValue::S(keys::due_partition(T::DUE_LIST, shard)))
            .expression_attribute_values(":end", AttributeValue::S(keys::due_end(until)))
            .limit(limit)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .set_exclusive_start_key(after.map(|cursor| cursor.0))
            .send()
            .await
            .map_err(StoreError::of_sdk)?;
        let units = output.consumed_capacity().and_then(|capacity| capacity.capacity_units());
        self.meter.consumed(units.unwrap_or_default());
        let text = |item: &Attributes, name| item.get(name).and_then(|value| value.as_s().ok()).cloned();
        let keys = output
            .items()
            .iter()
            .map(|item| PrimaryKey::found(text(item, "pk").unwrap_or_default(), text(item, "sk").unwrap_or_default()))
            .map(Key::new)
            .collect();
        let next = output.last_evaluated_key.filter(|key| !key.is_empty()).map(DueCursor);
        Ok(DuePage { keys, next })
    }
}
