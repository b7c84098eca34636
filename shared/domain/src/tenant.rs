//! A tenant: one customer of the platform.

use serde::{Deserialize, Serialize};

use crate::credential::{Credential, Role};
use crate::ids::{CredentialId, TenantId};
use crate::{Faults, Timestamp};

/// A tenant as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tenant {
    /// Its id.
    pub tenant_id: TenantId,
    /// What people call it: 1 to 128 characters.
    pub name: String,
    /// Whether its requests are served.
    pub status: Status,
    /// Why it was suspended, for operators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspended_because: Option<String>,
    /// The version of its own policies; 0 where it has none.
    pub policies_version: u64,
    /// Its admin credentials that are not revoked, so that the last one can be told without a query.
    pub admins: Vec<Admin>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// An admin credential, as the tenant remembers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admin {
    /// Which.
    pub id: CredentialId,
    /// When it ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// Whether a tenant's requests are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// They are.
    Active,
    /// They are answered 403, and its events are skipped.
    Suspended,
}

impl Tenant {
    /// A new tenant, with no credential yet.
    pub fn new(tenant_id: TenantId, name: String, now: Timestamp) -> Self {
        Self {
            tenant_id,
            name,
            status: Status::Active,
            suspended_because: None,
            policies_version: 0,
            admins: Vec::new(),
            created_at: now,
        }
    }

    /// This tenant once `credential` is what it is: an admin is remembered, any other forgotten.
    #[must_use]
    pub fn with_credential(&self, credential: &Credential) -> Self {
        let mut after = self.clone();
        after.admins.retain(|admin| admin.id != credential.id);
        if credential.roles.contains(&Role::Admin) && credential.revoked_at.is_none() {
            after.admins.push(Admin { id: credential.id, expires_at: credential.expires_at });
        }
        after
    }
}

/// Reads a tenant's name: 1 to 128 characters, no control characters.
pub fn parse_name(name: &str) -> Result<String, Faults> {
    crate::credential::parse_label(name, 128).map_err(|message| Faults::of("name", message))
}
