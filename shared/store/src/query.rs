//! A listing of rows: items of one partition, in the order of their sort keys.

use std::marker::PhantomData;

use trustplane_domain::ids::TenantId;

use crate::{PrimaryKey, Stored};

/// A listing of items that hold a `T`, strongly consistent. Made by [`crate::TenantKeys`].
pub struct Query<T> {
    pub(crate) shape: Shape,
    item: PhantomData<fn() -> T>,
}

/// The rows that a listing asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) pk: String,
    pub(crate) prefix: String,
    /// The first and the last sort key, in place of a prefix.
    pub(crate) between: Option<(String, String)>,
    /// One call reads all that is read: 1 MB at most.
    pub(crate) one_call: bool,
    pub(crate) newest_first: bool,
    pub(crate) after: Option<String>,
    pub(crate) limit: Option<usize>,
    /// The tenant that owns the rows; `None` for the list of all tenants.
    pub(crate) tenant: Option<TenantId>,
}

/// The rows of a listing.
#[derive(Debug)]
pub struct Listing<T> {
    /// In the order of the query.
    pub rows: Vec<Stored<T>>,
    /// The sort key of the last row; `None` if it is the last of the listing.
    pub next: Option<String>,
}

/// A listing that goes on past rows that cannot be read as a `T`.
#[derive(Debug)]
pub struct Lenient<T>(pub(crate) Query<T>);

/// The rows of a [`Lenient`] listing.
#[derive(Debug)]
pub struct LenientListing<T> {
    /// In the order of the query; the key of an item that could not be read.
    pub rows: Vec<Result<Stored<T>, PrimaryKey>>,
    /// The sort key of the last row; `None` if it is the last of the listing.
    pub next: Option<String>,
}

impl<T> Query<T> {
    pub(crate) fn new(pk: String, prefix: String, tenant: Option<TenantId>) -> Self {
        let shape =
            Shape { pk, prefix, between: None, one_call: false, newest_first: false, after: None, limit: None, tenant };
        Self { shape, item: PhantomData }
    }

    /// The text that the sort keys of all rows begin with.
    pub fn prefix(&self) -> &str {
        &self.shape.prefix
    }

    /// Only rows from the sort key `first` to `last`, both included.
    #[must_use]
    pub fn between(mut self, first: String, last: String) -> Self {
        self.shape.between = Some((first, last));
        self
    }

    /// From the first sort key to the last.
    #[must_use]
    pub fn oldest_first(mut self) -> Self {
        self.shape.newest_first = false;
        self
    }

    /// From the last sort key to the first.
    #[must_use]
    pub fn newest_first(mut self) -> Self {
        self.shape.newest_first = true;
        self
    }

    /// Reads no more than one call does: 1 MB, so that the cost of a page does not depend on its rows. The page may then
    /// hold fewer rows than its limit.
    #[must_use]
    pub fn one_call(mut self) -> Self {
        self.shape.one_call = true;
        self
    }

    /// At most `limit` rows, after the sort key `after`.
    #[must_use]
    pub fn page(mut self, limit: usize, after: Option<String>) -> Self {
        self.shape.limit = Some(limit);
        self.shape.after = after;
        self
    }

    /// Goes on past rows that cannot be read, and names their keys.
    pub fn lenient(self) -> Lenient<T> {
        Lenient(self)
    }
}

// By hand: derived implementations would ask the same of `T`.
impl<T> Clone for Query<T> {
    fn clone(&self) -> Self {
        Self { shape: self.shape.clone(), item: PhantomData }
    }
}

impl<T> std::fmt::Debug for Query<T> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.shape.fmt(formatter)
    }
}
