//! A request's reads as a value: keys, listings, and tuples of them. The table reads the whole value in one round trip,
//! and gives the loaded items in the same shape.
//!
//! | read | loaded as | absent |
//! |---|---|---|
//! | [`Key<T>`] | `Stored<T>` | "not found", with [`Item::NOUN`] |
//! | [`Key::expected`] | `Stored<T>` | an error of the service: the item has to be there |
//! | [`Key::optional`] | [`Slot<T>`], the key with the item if there is one | an empty slot |
//! | [`Query<T>`] | [`Listing<T>`] | no rows |
//! | [`Query::lenient`] | [`LenientListing<T>`] | no rows |
//! | `Option`, `Vec`, `BTreeMap`, tuples | the same of what is loaded | |

use std::collections::BTreeMap;

use crate::query::{Lenient, Shape};
use crate::{Item, Key, LenientListing, Listing, LoadError, PrimaryKey, Query, Read, Stored, Writes};

/// Items to read, and how they are loaded.
pub trait Reads {
    /// The items as they are loaded.
    type Loaded;

    /// Names all keys and listings.
    fn declare(&self, wanted: &mut Wanted);

    /// Takes the items out of what was read.
    fn load(self, read: &mut Read) -> Result<Self::Loaded, LoadError>;

    /// Loads another shape of the same items.
    fn map<U, F: FnOnce(Self::Loaded) -> U>(self, map: F) -> Map<Self, F>
    where
        Self: Sized,
    {
        Map { reads: self, map }
    }
}

/// The keys and listings that are read in one round trip.
#[derive(Debug, Default)]
pub struct Wanted {
    pub(crate) keys: Vec<PrimaryKey>,
    pub(crate) listings: Vec<Shape>,
}

/// An item that may be absent; see [`Key::optional`].
#[derive(Clone, Debug)]
pub struct Optional<T>(Key<T>);

/// An item that has to be there; see [`Key::expected`].
#[derive(Clone, Debug)]
pub struct Expected<T>(Key<T>);

/// Reads that are loaded in another shape; see [`Reads::map`].
#[derive(Debug)]
pub struct Map<R, F> {
    reads: R,
    map: F,
}

/// A key that was read, and its item if there is one.
#[derive(Clone, Debug)]
pub struct Slot<T> {
    /// The key, which a new item is written under.
    pub key: Key<T>,
    /// The item.
    pub item: Option<Stored<T>>,
}

impl Wanted {
    /// The keys and listings of `reads`.
    pub fn of<R: Reads>(reads: &R) -> Self {
        let mut wanted = Self::default();
        reads.declare(&mut wanted);
        wanted
    }

    /// Names the item of this key.
    pub fn key<T>(&mut self, key: &Key<T>) {
        self.keys.push(key.primary().clone());
    }

    /// Names the rows of this listing.
    pub fn list<T>(&mut self, query: &Query<T>) {
        self.listings.push(query.shape.clone());
    }
}

impl<T: Item> Key<T> {
    /// Reads the item, which may be absent.
    pub fn optional(self) -> Optional<T> {
        Optional(self)
    }

    /// Reads an item that is made together with one that was found: if it is absent, the service is at fault.
    pub fn expected(self) -> Expected<T> {
        Expected(self)
    }
}

impl<T: Item> Slot<T> {
    /// The value of the item.
    pub fn value(&self) -> Option<&T> {
        self.item.as_ref().map(|item| &item.value)
    }

    /// The version of the item.
    pub fn version(&self) -> Option<u64> {
        self.item.as_ref().map(|item| item.version)
    }

    /// The version that the item has once it is written.
    pub fn next_version(&self) -> u64 {
        self.version().unwrap_or_default() + 1
    }

    /// The writes that make `value` the item: created where there is none, replaced where there is one.
    pub fn write(&self, value: &T) -> Writes {
        match &self.item {
            Some(item) => Writes::new().replace(item, value),
            None => Writes::new().create(&self.key, value),
        }
    }
}

impl<T: Item> Reads for Key<T> {
    type Loaded = Stored<T>;

    fn declare(&self, wanted: &mut Wanted) {
        wanted.key(self);
    }

    fn load(self, read: &mut Read) -> Result<Stored<T>, LoadError> {
        read.take(&self)?.ok_or(LoadError::Absent(T::NOUN))
    }
}

impl<T: Item> Reads for Expected<T> {
    type Loaded = Stored<T>;

    fn declare(&self, wanted: &mut Wanted) {
        wanted.key(&self.0);
    }

    fn load(self, read: &mut Read) -> Result<Stored<T>, LoadError> {
        read.take(&self.0)?.ok_or_else(|| crate::StoreError::missing(T::NOUN).into())
    }
}

impl<T: Item> Reads for Optional<T> {
    type Loaded = Slot<T>;

    fn declare(&self, wanted: &mut Wanted) {
        wanted.key(&self.0);
    }

    fn load(self, read: &mut Read) -> Result<Slot<T>, LoadError> {
        let item = read.take(&self.0)?;
        Ok(Slot { key: self.0, item })
    }
}

impl<T: Item> Reads for Query<T> {
    type Loaded = Listing<T>;

    fn declare(&self, wanted: &mut Wanted) {
        wanted.list(self);
    }

    fn load(self, read: &mut Read) -> Result<Listing<T>, LoadError> {
        Ok(read.list(&self)?)
    }
}

impl<T: Item> Reads for Lenient<T> {
    type Loaded = LenientListing<T>;

    fn declare(&self, wanted: &mut Wanted) {
        wanted.list(&self.0);
    }

    fn load(self, read: &mut Read) -> Result<LenientListing<T>, LoadError> {
        Ok(read.list_lenient(&self.0)?)
    }
}

impl<R: Reads, U, F: FnOnce(R::Loaded) -> U> Reads for Map<R, F> {
    type Loaded = U;

    fn declare(&self, wanted: &mut Wanted) {
        self.reads.declare(wanted);
    }

    fn load(self, read: &mut Read) -> Result<U, LoadError> {
        Ok((self.map)(self.reads.load(read)?))
    }
}

impl<R: Reads> Reads for Option<R> {
    type Loaded = Option<R::Loaded>;

    fn declare(&self, wanted: &mut Wanted) {
        if let Some(reads) = self {
            reads.declare(wanted);
        }
    }

    fn load(self, read: &mut Read) -> Result<Self::Loaded, LoadError> {
        self.map(|reads| reads.load(read)).transpose()
    }
}

impl<R: Reads> Reads for Vec<R> {
    type Loaded = Vec<R::Loaded>;

    fn declare(&self, wanted: &mut Wanted) {
        self.iter().for_each(|reads| reads.declare(wanted));
    }

    fn load(self, read: &mut Read) -> Result<Self::Loaded, LoadError> {
        self.into_iter().map(|reads| reads.load(read)).collect()
    }
}

impl<K: Ord, R: Reads> Reads for BTreeMap<K, R> {
    type Loaded = BTreeMap<K, R::Loaded>;

    fn declare(&self, wanted: &mut Wanted) {
        self.values().for_each(|reads| reads.declare(wanted));
    }

    fn load(self, read: &mut Read) -> Result<Self::Loaded, LoadError> {
        self.into_iter().map(|(key, reads)| Ok((key, reads.load(read)?))).collect()
    }
}

impl Reads for () {
    type Loaded = ();

    fn declare(&self, _: &mut Wanted) {}

    fn load(self, _: &mut Read) -> Result<(), LoadError> {
        Ok(())
    }
}

macro_rules! tuple {
    ($($name:ident . $place:tt),+) => {
        impl<$($name: Reads),+> Reads for ($($name,)+) {
            type Loaded = ($($name::Loaded,)+);

            fn declare(&self, wanted: &mut Wanted) {
                $(self.$place.declare(wanted);)+
            }

            fn load(self, read: &mut Read) -> Result<Self::Loaded, LoadError> {
                Ok(($(self.$place.load(read)?,)+))
            }
        }
    };
}
tuple!(A.0);
tuple!(A.0, B.1);
tuple!(A.0, B.1, C.2);
tuple!(A.0, B.1, C.2, D.3);
tuple!(A.0, B.1, C.2, D.3, E.4);
tuple!(A.0, B.1, C.2, D.3, E.4, F.5);
