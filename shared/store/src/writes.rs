//! What a transaction is to write: plain data, so that a pure function can say it before a grant is there.

use serde::de::DeserializeOwned;
use trustplane_domain::Timestamp;

use crate::item::{Attributes, attributes};
use crate::{AuditItem, Item, Key, StoreError, Stored};

/// The writes of one change, each under its condition.
#[derive(Debug, Default)]
pub struct Writes(Vec<Write>);

#[derive(Debug)]
pub(crate) struct Write {
    pub(crate) key: Key,
    pub(crate) operation: Operation,
}

#[derive(Debug)]
pub(crate) enum Operation {
    /// Puts the item where there is none.
    Create(Attributes),
    /// Puts the item over the one of this version.
    Replace(Attributes, u64),
    /// Puts the item, whatever stands there.
    Put(Attributes),
    /// Removes the item of this version.
    Remove(u64),
    /// Changes nothing, but wants the item to be of this version.
    Check(u64),
    /// Puts the item where there is none, or the tenant's own.
    Claim(Attributes),
    /// Removes the item where it is the tenant's own.
    Release,
    /// Adds to a count, while it is below a limit; makes it where there is none. It may be swept away after a time.
    Count(i64, u64, Option<Timestamp>),
    /// Writes on an audit record of this hash what stands before it in the chain, once.
    Seal { hash: String, previous: String },
}

impl Writes {
    /// Nothing to write yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A new item.
    pub fn create<T: Item>(mut self, key: &Key, value: &T) -> Result<Self, StoreError> {
        let item = attributes(key, 1, value)?;
        self.0.push(Write { key: key.clone(), operation: Operation::Create(item) });
        Ok(self)
    }

    /// Another value for the item that was read.
    pub fn replace<T: Item>(mut self, before: &Stored<T>, value: &T) -> Result<Self, StoreError> {
        let item = attributes(&before.key, before.version + 1, value)?;
        self.0.push(Write { key: before.key.clone(), operation: Operation::Replace(item, before.version) });
        Ok(self)
    }

    /// The item, whatever stands there: for rows that only whoever holds another item writes, which is replaced in the same
    /// transaction.
    pub fn put<T: Item>(mut self, key: &Key, value: &T) -> Result<Self, StoreError> {
        let item = attributes(key, 1, value)?;
        self.0.push(Write { key: key.clone(), operation: Operation::Put(item) });
        Ok(self)
    }

    /// The end of the item that was read.
    #[must_use]
    pub fn remove<T>(mut self, before: &Stored<T>) -> Self {
        self.0.push(Write { key: before.key.clone(), operation: Operation::Remove(before.version) });
        self
    }

    /// No change of the item that was read, which must still be as it was.
    #[must_use]
    pub fn check<T>(mut self, before: &Stored<T>) -> Self {
        self.0.push(Write { key: before.key.clone(), operation: Operation::Check(before.version) });
        self
    }

    /// Takes what is kept across tenants, unless another tenant holds it. `value` names the tenant in `tenant_id`.
    pub fn claim<T: Item + DeserializeOwned>(mut self, key: &Key, value: &T) -> Result<Self, StoreError> {
        let item = attributes(key, 1, value)?;
        self.0.push(Write { key: key.clone(), operation: Operation::Claim(item) });
        Ok(self)
    }

    /// Gives back what this tenant holds; changes nothing where it holds nothing.
    #[must_use]
    pub fn release(mut self, key: &Key) -> Self {
        self.0.push(Write { key: key.clone(), operation: Operation::Release });
        self
    }

    /// One more on a count, unless there are `most` already. Other than a replacement it does not mind that somebody
    /// else has counted since it was read.
    #[must_use]
    pub fn one_more(mut self, key: &Key, most: u64) -> Self {
        self.0.push(Write { key: key.clone(), operation: Operation::Count(1, most, None) });
        self
    }

    /// As [`Self::one_more`], on a count that may be swept away after this time.
    #[must_use]
    pub fn one_more_until(mut self, key: &Key, most: u64, end: Timestamp) -> Self {
        self.0.push(Write { key: key.clone(), operation: Operation::Count(1, most, Some(end)) });
        self
    }

    /// What stands before an audit record in the chain, written on it: only on the record that was read, and once.
    #[must_use]
    pub fn seal(mut self, record: &Stored<AuditItem>, previous: &str) -> Self {
        let operation = Operation::Seal { hash: record.value.hash.clone(), previous: previous.to_owned() };
        self.0.push(Write { key: record.key.clone(), operation });
        self
    }

    /// One less on a count.
    #[must_use]
    pub fn one_less(mut self, key: &Key) -> Self {
        self.0.push(Write { key: key.clone(), operation: Operation::Count(-1, u64::MAX, None) });
        self
    }

    /// These and those.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn into_inner(self) -> Vec<Write> {
        self.0
    }
}
