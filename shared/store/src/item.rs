//! Items of the table: a domain type with a key, an entity name and a version.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::Serialize;
use serde::de::DeserializeOwned;
use trustplane_domain::Timestamp;
use trustplane_domain::connection::{Connection, Report, RoleClaim, SavedVersion};
use trustplane_domain::credential::Credential;
use trustplane_domain::health::Health;
use trustplane_domain::identity_provider::IdentityProvider;
use trustplane_domain::ids::TenantId;
use trustplane_domain::inventory::{Seen, Sync};
use trustplane_domain::notification::NotificationContacts;
use trustplane_domain::policy::PolicySet;
use trustplane_domain::service_provider::ServiceProvider;
use trustplane_domain::setup::SetupLink;
use trustplane_domain::tenant::Tenant;
use trustplane_domain::timestamp::DAY;
use trustplane_domain::webhook::{Delivery, DeliveryStatus, Replay, Webhook};

use crate::{Key, StoreError, keys};

pub(crate) type Attributes = HashMap<String, AttributeValue>;

/// A domain type that is kept as one item.
pub trait Item: Serialize + DeserializeOwned {
    /// The value of the `entity` attribute.
    const ENTITY: &'static str;

    /// The word for it in messages: "there is no such organisation".
    const NOUN: &'static str = Self::ENTITY;

    /// The due list of these items: one sweep reads one list.
    const DUE_LIST: &'static str = Self::ENTITY;

    /// The time at which a sweep has to read the item, if any: it puts the item on its due list.
    fn due_at(&self) -> Option<Timestamp> {
        None
    }

    /// The tenant that holds this claim, if it is one: it puts the item on the list of the tenant's claims.
    fn holder(&self) -> Option<TenantId> {
        None
    }

    /// The time after which the table may delete the item, if any.
    fn time_to_live(&self) -> Option<Timestamp> {
        None
    }
}

impl Item for Tenant {
    const ENTITY: &'static str = "tenant";
    const DUE_LIST: &'static str = "deletion";

    fn due_at(&self) -> Option<Timestamp> {
        self.deletion.map(|deletion| deletion.due_at)
    }
}

impl Item for PolicySet {
    const ENTITY: &'static str = "policies";
}

impl Item for NotificationContacts {
    const ENTITY: &'static str = "notification-contacts";
    const NOUN: &'static str = "notification contacts";
}

impl Item for Credential {
    const ENTITY: &'static str = "credential";
    const NOUN: &'static str = "key";

    fn due_at(&self) -> Option<Timestamp> {
        self.next_notice_at()
    }

    /// A setup session is deleted a day after its end; other credentials stay.
    fn time_to_live(&self) -> Option<Timestamp> {
        self.setup.as_ref()?;
        self.expires_at.map(|end| end.plus_millis(DAY))
    }
}

impl Item for SetupLink {
    const ENTITY: &'static str = "setup-link";
    const NOUN: &'static str = "setup link";

    fn due_at(&self) -> Option<Timestamp> {
        self.next_due()
    }

    fn time_to_live(&self) -> Option<Timestamp> {
        Some(self.kept_until())
    }
}

impl Item for Connection {
    const ENTITY: &'static str = "connection";

    fn due_at(&self) -> Option<Timestamp> {
        self.next_check_at
    }
}

impl Item for SavedVersion {
    const ENTITY: &'static str = "connection-version";
    const NOUN: &'static str = "version";
}

impl Item for Report {
    const ENTITY: &'static str = "connection-report";
    const NOUN: &'static str = "test report";
}

impl Item for RoleClaim {
    const ENTITY: &'static str = "role-claim";

    fn holder(&self) -> Option<TenantId> {
        Some(self.tenant_id)
    }
}

impl Item for Sync {
    const ENTITY: &'static str = "aws-sync";
    const DUE_LIST: &'static str = "sync";

    fn due_at(&self) -> Option<Timestamp> {
        self.due_at
    }
}

impl Item for Seen {
    const ENTITY: &'static str = "aws-row";
}

impl Item for IdentityProvider {
    const ENTITY: &'static str = "identity-provider";
    const NOUN: &'static str = "identity provider";
    // One list for notices and refreshes: an item is on one list at most.
    const DUE_LIST: &'static str = "certificate";

    fn due_at(&self) -> Option<Timestamp> {
        self.next_due()
    }
}

impl Item for Health {
    const ENTITY: &'static str = "health";
    const NOUN: &'static str = "test report";

    fn due_at(&self) -> Option<Timestamp> {
        Some(self.next_test_at)
    }
}

impl Item for ServiceProvider {
    const ENTITY: &'static str = "service-provider";

    fn due_at(&self) -> Option<Timestamp> {
        self.next_notice_at()
    }
}

impl Item for Webhook {
    const ENTITY: &'static str = "webhook";
}

impl Item for Replay {
    const ENTITY: &'static str = "replay";

    fn due_at(&self) -> Option<Timestamp> {
        Some(self.due_at)
    }
}

impl Item for Delivery {
    const ENTITY: &'static str = "delivery";

    fn due_at(&self) -> Option<Timestamp> {
        self.next_attempt_at.filter(|_| self.status == DeliveryStatus::Pending)
    }

    fn time_to_live(&self) -> Option<Timestamp> {
        Some(self.ends_at())
    }
}

/// An item as it was read, with the version that a write of it is conditional on.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored<T> {
    /// The key of the item.
    pub key: Key<T>,
    /// The number of times it was written, from 1.
    pub version: u64,
    /// The value.
    pub value: T,
}

/// The attributes of an item of this version.
pub(crate) fn attributes<T: Item>(key: &Key<T>, version: u64, value: &T) -> Result<Attributes, StoreError> {
    let mut item: Attributes = serde_dynamo::aws_sdk_dynamodb_1::to_item(value).map_err(StoreError::broken)?;
    let mut text = |name: &str, value: String| item.insert(name.to_owned(), AttributeValue::S(value));
    text("pk", key.pk().to_owned());
    text("sk", key.sk().to_owned());
    text("entity", T::ENTITY.to_owned());
    if let (Some(due), Some(tenant)) = (value.due_at(), key.tenant()) {
        text("due_pk", keys::due_partition(T::DUE_LIST, keys::due_shard(tenant)));
        text("due_sk", keys::due_sort(due, key.primary()));
    }
    if let Some(holder) = value.holder() {
        text("due_pk", keys::claims_partition(holder));
        text("due_sk", key.to_string());
    }
    let mut number = |name: &str, value: String| item.insert(name.to_owned(), AttributeValue::N(value));
    // The version counts the writes of an item; a type that has a field of this name keeps it under another.
    number("item_version", version.to_string());
    if let Some(at) = value.time_to_live() {
        number("ttl", at.as_seconds_rounded_up().to_string());
    }
    Ok(item)
}

/// Reads an item back.
pub(crate) fn stored<T: Item>(key: Key<T>, item: Attributes) -> Result<Stored<T>, StoreError> {
    let entity = item.get("entity").and_then(|entity| entity.as_s().ok());
    if entity.map(String::as_str) != Some(T::ENTITY) {
        return Err(StoreError::broken(format!("the item `{key}` is no {}", T::ENTITY)));
    }
    let version = item
        .get("item_version")
        .and_then(|version| version.as_n().ok()?.parse().ok())
        .ok_or_else(|| StoreError::broken("an item has no version"))?;
    let value = serde_dynamo::aws_sdk_dynamodb_1::from_item(item).map_err(StoreError::broken)?;
    Ok(Stored { key, version, value })
}

#[cfg(test)]
mod tests;
