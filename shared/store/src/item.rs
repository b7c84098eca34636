//! What an item of the table is: a domain type with a key, an entity name and a version.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::Serialize;
use serde::de::DeserializeOwned;
use trustplane_domain::Timestamp;
use trustplane_domain::connection::{Connection, Report, RoleClaim, SavedVersion};
use trustplane_domain::credential::Credential;
use trustplane_domain::identity_provider::IdentityProvider;
use trustplane_domain::inventory::{Seen, Sync};
use trustplane_domain::policy::PolicySet;
use trustplane_domain::service_provider::ServiceProvider;
use trustplane_domain::tenant::Tenant;

use crate::{Key, StoreError, keys};

pub(crate) type Attributes = HashMap<String, AttributeValue>;

/// A domain type that is kept as one item.
pub trait Item: Serialize + DeserializeOwned {
    /// The value of the `entity` attribute.
    const ENTITY: &'static str;

    /// When it needs attention, if it does: puts it on the due list.
    fn due(&self) -> Option<Due> {
        None
    }

    /// When it may be swept away, if ever.
    fn swept_after(&self) -> Option<Timestamp> {
        None
    }
}

/// A place on the due list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// What for: one sweep reads one kind.
    pub kind: &'static str,
    /// When.
    pub at: Timestamp,
}

/// The kind of what is due when an organization is to be read on.
pub const SYNC: &str = "sync";
/// The kind of what is due when a certificate's next notice is.
pub const CERTIFICATE: &str = "certificate";
/// The kind of what is due when the proof of a domain is to be looked at.
pub const DOMAIN: &str = "domain";

impl Item for Tenant {
    const ENTITY: &'static str = "tenant";
}

impl Item for PolicySet {
    const ENTITY: &'static str = "policies";
}

impl Item for Credential {
    const ENTITY: &'static str = "credential";
}

impl Item for Connection {
    const ENTITY: &'static str = "connection";
}

impl Item for SavedVersion {
    const ENTITY: &'static str = "connection-version";
}

impl Item for Report {
    const ENTITY: &'static str = "connection-report";
}

impl Item for RoleClaim {
    const ENTITY: &'static str = "role-claim";
}

impl Item for Sync {
    const ENTITY: &'static str = "aws-sync";

    fn due(&self) -> Option<Due> {
        self.due_at.map(|at| Due { kind: SYNC, at })
    }
}

impl Item for Seen {
    const ENTITY: &'static str = "aws-row";
}

impl Item for IdentityProvider {
    const ENTITY: &'static str = "identity-provider";

    fn due(&self) -> Option<Due> {
        self.next_notice_at().map(|at| Due { kind: CERTIFICATE, at })
    }
}

impl Item for ServiceProvider {
    const ENTITY: &'static str = "service-provider";
}

/// An item as it was read, with the version that a write of it is conditional on.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored<T> {
    /// Where it is.
    pub key: Key,
    /// How often it was written, from 1.
    pub version: u64,
    /// What it is.
    pub value: T,
}

/// The attributes of an item of this version.
pub(crate) fn attributes<T: Item>(key: &Key, version: u64, value: &T) -> Result<Attributes, StoreError> {
    let mut item: Attributes = serde_dynamo::aws_sdk_dynamodb_1::to_item(value).map_err(StoreError::broken)?;
    let mut text = |name: &str, value: String| item.insert(name.to_owned(), AttributeValue::S(value));
    text("pk", key.pk.clone());
    text("sk", key.sk.clone());
    text("entity", T::ENTITY.to_owned());
    if let (Some(due), Some(tenant)) = (value.due(), key.tenant) {
        text("due_pk", keys::due_partition(due.kind, keys::due_shard(tenant)));
        text("due_sk", keys::due_sort(due.at, key));
    }
    let mut number = |name: &str, value: String| item.insert(name.to_owned(), AttributeValue::N(value));
    // The version counts the writes of an item; a type that has a field of this name keeps it under another.
    number("item_version", version.to_string());
    if let Some(at) = value.swept_after() {
        number("ttl", at.as_seconds_rounded_up().to_string());
    }
    Ok(item)
}

/// Reads an item back.
pub(crate) fn stored<T: Item>(key: Key, item: Attributes) -> Result<Stored<T>, StoreError> {
    let entity = item.get("entity").and_then(|entity| entity.as_s().ok());
    if entity.map(String::as_str) != Some(T::ENTITY) {
        return Err(StoreError::broken(format!("an item of sort key {} is no {}", key.sk, T::ENTITY)));
    }
    let version = item
        .get("item_version")
        .and_then(|version| version.as_n().ok()?.parse().ok())
        .ok_or_else(|| StoreError::broken("an item has no version"))?;
    let value = serde_dynamo::aws_sdk_dynamodb_1::from_item(item).map_err(StoreError::broken)?;
    Ok(Stored { key, version, value })
}
