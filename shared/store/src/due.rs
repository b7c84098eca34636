//! The due list: what needs attention by a time. A sweep reads that and nothing else, whatever the table's size.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};
use trustplane_domain::Timestamp;

use crate::item::Attributes;
use crate::{Key, StoreError, Table, keys};

/// The index that holds the list. An item is on it only while something is due.
const INDEX: &str = "GSI1";

/// Keys of what is due, the longest due first.
#[derive(Debug)]
pub struct DuePage {
    /// The keys.
    pub keys: Vec<Key>,
    /// Where to go on; `None` at the end.
    pub next: Option<DueCursor>,
}

/// A place in the due list to go on after.
#[derive(Clone, Debug)]
pub struct DueCursor(Attributes);

impl Table {
    /// The keys of at most `limit` items of one kind and shard that are due at `until` or before. One call.
    ///
    /// An index is eventually consistent: an item may have been seen to already, or be gone, so read it before
    /// anything is done about it. One that is missing here is there at the next look.
    pub async fn due(
        &self,
        kind: &str,
        shard: u8,
        until: Timestamp,
        limit: i32,
        after: Option<DueCursor>,
    ) -> Result<DuePage, StoreError> {
        let output = self
            .client
            .query()
            .table_name(&self.name)
            .index_name(INDEX)
            .key_condition_expression("due_pk = :list AND due_sk < :end")
            .expression_attribute_values(":list", AttributeValue::S(keys::due_partition(kind, shard)))
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
            .map(|item| Key::found(text(item, "pk").unwrap_or_default(), text(item, "sk").unwrap_or_default()))
            .collect();
        let next = output.last_evaluated_key.filter(|key| !key.is_empty()).map(DueCursor);
        Ok(DuePage { keys, next })
    }
}
