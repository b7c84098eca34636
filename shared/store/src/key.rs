//! Primary keys. A [`Key`] knows the type of the item that it addresses.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;

use trustplane_domain::ids::TenantId;

use crate::escape::unescaped;

/// A primary key of the table, of an item of any type.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PrimaryKey {
    pub(crate) pk: String,
    pub(crate) sk: String,
    /// The tenant that owns the item; `None` for items that are shared by all tenants.
    pub(crate) tenant: Option<TenantId>,
}

/// The primary key of an item that holds a `T`.
///
/// Reading it as another type, or writing another type under it, does not compile:
///
/// ```compile_fail,E0308
/// # use trustplane_domain::{connection::Connection, directory::organisation::Organisation};
/// # use trustplane_store::{Key, Read, StoreError, Stored};
/// fn read(read: &mut Read, key: &Key<Connection>) -> Result<Option<Stored<Organisation>>, StoreError> {
///     read.take(key)
/// }
/// ```
///
/// ```compile_fail,E0308
/// # use trustplane_domain::{connection::Connection, directory::organisation::Organisation};
/// # use trustplane_store::{Key, Writes};
/// fn write(key: &Key<Connection>, organisation: &Organisation) -> Writes {
///     Writes::new().create(key, organisation)
/// }
/// ```
///
/// The same functions compile with the type that the key addresses:
///
/// ```
/// # use trustplane_domain::connection::Connection;
/// # use trustplane_store::{Key, Read, StoreError, Stored, Writes};
/// fn read(read: &mut Read, key: &Key<Connection>) -> Result<Option<Stored<Connection>>, StoreError> {
///     read.take(key)
/// }
/// fn write(key: &Key<Connection>, connection: &Connection) -> Writes {
///     Writes::new().create(key, connection)
/// }
/// ```
pub struct Key<T> {
    primary: PrimaryKey,
    item: PhantomData<fn() -> T>,
}

impl PrimaryKey {
    /// The key of an item that the table itself named.
    pub(crate) fn found(pk: String, sk: String) -> Self {
        let tenant = pk.strip_prefix("TENANT#").and_then(|rest| TenantId::parse(rest.split('#').next()?));
        Self { pk, sk, tenant }
    }

    /// The partition key.
    pub fn pk(&self) -> &str {
        &self.pk
    }

    /// The sort key.
    pub fn sk(&self) -> &str {
        &self.sk
    }
}

impl fmt::Display for PrimaryKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.pk, self.sk)
    }
}

impl<T> Key<T> {
    pub(crate) fn new(primary: PrimaryKey) -> Self {
        Self { primary, item: PhantomData }
    }

    /// The key without the type of its item.
    pub fn primary(&self) -> &PrimaryKey {
        &self.primary
    }

    /// The tenant that owns the item; `None` for items that are shared by all tenants.
    pub fn tenant(&self) -> Option<TenantId> {
        self.primary.tenant
    }

    /// The partition key.
    pub fn pk(&self) -> &str {
        &self.primary.pk
    }

    /// The sort key.
    pub fn sk(&self) -> &str {
        &self.primary.sk
    }
}

impl Key<trustplane_domain::identity_provider::IdentityProvider> {
    /// The identity store that the provider belongs to.
    pub fn identity_store(&self) -> Option<String> {
        unescaped(self.sk().strip_prefix("STORE#")?.strip_suffix("#IDP")?)
    }
}

impl Key<trustplane_domain::service_provider::ServiceProvider> {
    /// The identity store that the service provider belongs to.
    pub fn identity_store(&self) -> Option<String> {
        unescaped(self.sk().strip_prefix("STORE#")?.strip_suffix("#SP")?)
    }
}

// By hand: derived implementations would ask the same of `T`.
impl<T> Clone for Key<T> {
    fn clone(&self) -> Self {
        Self::new(self.primary.clone())
    }
}

impl<T> fmt::Debug for Key<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.primary.fmt(formatter)
    }
}

impl<T> fmt::Display for Key<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.primary, formatter)
    }
}

impl<T> PartialEq for Key<T> {
    fn eq(&self, other: &Self) -> bool {
        self.primary == other.primary
    }
}

impl<T> Eq for Key<T> {}

impl<T> PartialOrd for Key<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Key<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.primary.cmp(&other.primary)
    }
}

impl<T> Hash for Key<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.primary.hash(state);
    }
}
