//! The writes of a transaction, as plain data: a pure function lists them before there is a grant.

use trustplane_domain::Timestamp;
use trustplane_domain::directory::ids::SsoConfigurationId;

use crate::item::{Attributes, attributes};
use crate::{AuditItem, Count, Item, Key, PrimaryKey, RedirectClaim, StoreError, Stored};

/// The writes of one change, each under its condition.
#[derive(Debug, Default)]
pub struct Writes {
    writes: Vec<Write>,
    /// The first value that could not be serialized. Reported when the transaction is made, so that writes can be listed
    /// without a check at each.
    fault: Option<StoreError>,
}

#[derive(Debug)]
pub(crate) struct Write {
    pub(crate) key: PrimaryKey,
    pub(crate) operation: Operation,
}

#[derive(Debug)]
pub(crate) enum Operation {
    /// Puts the item where there is none.
    Create(Attributes),
    /// Puts the item over the one of this version.
    Replace(Attributes, u64),
    /// Puts the item, unconditionally.
    Put(Attributes),
    /// Removes the item of this version.
    Remove(u64),
    /// Removes the item, unconditionally.
    Delete,
    /// Changes nothing, but wants the item to be of this version.
    Check(u64),
    /// Puts the item where there is none, or the tenant's own.
    Claim(Attributes),
    /// Puts the item where there is none, or the tenant's own that this configuration or none holds.
    Hold(Attributes, SsoConfigurationId),
    /// Removes the item where it is the tenant's own.
    Release,
    /// Adds to a count, while it is below a limit; makes it where there is none. DynamoDB may delete it after a time.
    Count(i64, u64, Option<Timestamp>),
    /// Writes the previous hash of the chain on an audit record of this hash, once.
    Link { hash: String, previous: String },
}

impl Writes {
    /// No writes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates the item, unless there is one.
    #[must_use]
    pub fn create<T: Item>(self, key: &Key<T>, value: &T) -> Self {
        let item = attributes(key, 1, value);
        self.put_item(key, item, Operation::Create)
    }

    /// Replaces the item that was read.
    #[must_use]
    pub fn replace<T: Item>(self, before: &Stored<T>, value: &T) -> Self {
        let item = attributes(&before.key, before.version + 1, value);
        self.put_item(&before.key, item, |item| Operation::Replace(item, before.version))
    }

    /// Replaces the item that was read if `value` is another one.
    #[must_use]
    pub fn replace_if_changed<T: Item + PartialEq>(self, before: &Stored<T>, value: &T) -> Self {
        if before.value == *value { self } else { self.replace(before, value) }
    }

    /// Writes the item over any other: for rows that only the holder of another item writes, which is replaced in the
    /// same transaction.
    #[must_use]
    pub fn put<T: Item>(self, key: &Key<T>, value: &T) -> Self {
        let item = attributes(key, 1, value);
        self.put_item(key, item, Operation::Put)
    }

    /// Removes the item that was read.
    #[must_use]
    pub fn remove<T>(self, before: &Stored<T>) -> Self {
        self.with(before.key.primary(), Operation::Remove(before.version))
    }

    /// Removes the item, if there is one: for rows that only the holder of another item writes, as [`Self::put`].
    #[must_use]
    pub fn delete<T>(self, key: &Key<T>) -> Self {
        self.with(key.primary(), Operation::Delete)
    }

    /// Demands that the item that was read has not changed.
    #[must_use]
    pub fn check<T>(self, before: &Stored<T>) -> Self {
        self.with(before.key.primary(), Operation::Check(before.version))
    }

    /// Claims an item that is shared by all tenants, unless another tenant holds it. `value` names the tenant in
    /// `tenant_id`.
    #[must_use]
    pub fn claim<T: Item>(self, key: &Key<T>, value: &T) -> Self {
        let item = attributes(key, 1, value);
        self.put_item(key, item, Operation::Claim)
    }

    /// Writes the claim of a redirect URI for a configuration of this tenant, unless another tenant or another
    /// configuration holds it.
    #[must_use]
    pub fn hold(self, key: &Key<RedirectClaim>, value: &RedirectClaim, configuration: SsoConfigurationId) -> Self {
        let item = attributes(key, 1, value);
        self.put_item(key, item, |item| Operation::Hold(item, configuration))
    }

    /// Releases a claim of this tenant; changes nothing where it has none.
    #[must_use]
    pub fn release<T>(self, key: &Key<T>) -> Self {
        self.with(key.primary(), Operation::Release)
    }

    /// Adds one to a count that is below `most`. Other than a replacement it does not conflict with a count that has
    /// changed since it was read.
    #[must_use]
    pub fn one_more(self, key: &Key<Count>, most: u64) -> Self {
        self.with(key.primary(), Operation::Count(1, most, None))
    }

    /// Adds one to a count that is below `most` and has a time to live.
    #[must_use]
    pub fn one_more_until(self, key: &Key<Count>, most: u64, end: Timestamp) -> Self {
        self.with(key.primary(), Operation::Count(1, most, Some(end)))
    }

    /// Takes one from a count.
    #[must_use]
    pub fn one_less(self, key: &Key<Count>) -> Self {
        self.with(key.primary(), Operation::Count(-1, u64::MAX, None))
    }

    /// Writes the previous hash of the chain on an audit record: only on the record that was read, and once.
    #[must_use]
    pub fn link(self, record: &Stored<AuditItem>, previous: &str) -> Self {
        let operation = Operation::Link { hash: record.value.hash.clone(), previous: previous.to_owned() };
        self.with(record.key.primary(), operation)
    }

    /// Adds other writes.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.writes.extend(other.writes);
        self.fault = self.fault.or(other.fault);
        self
    }

    /// Reports that there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty() && self.fault.is_none()
    }

    /// The writes.
    ///
    /// # Errors
    /// The first value that could not be serialized.
    pub(crate) fn into_inner(self) -> Result<Vec<Write>, StoreError> {
        self.fault.map_or(Ok(self.writes), Err)
    }

    fn put_item<T>(
        mut self,
        key: &Key<T>,
        item: Result<Attributes, StoreError>,
        operation: impl FnOnce(Attributes) -> Operation,
    ) -> Self {
        match item {
            Ok(item) => self.with(key.primary(), operation(item)),
            Err(error) => {
                self.fault.get_or_insert(error);
                self
            }
        }
    }

    fn with(mut self, key: &PrimaryKey, operation: Operation) -> Self {
        self.writes.push(Write { key: key.clone(), operation });
        self
    }
}
