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

    /// This tenant once `credential` is what it is: an admin is remembered, any other forgotten, and so is an admin that
    /// has expired.
    #[must_use]
    pub fn with_credential(&self, credential: &Credential, now: Timestamp) -> Self {
        let mut after = self.clone();
        after.admins.retain(|admin| admin.id != credential.id && admin.expires_at.is_none_or(|at| now < at));
        if credential.roles.contains(&Role::Admin) && credential.revoked_at.is_none() {
            after.admins.push(Admin { id: credential.id, expires_at: credential.expires_at });
        }
        after
    }

    /// This tenant with its own policies at `version`.
    #[must_use]
    pub fn with_policies(&self, version: u64) -> Self {
        Self { policies_version: version, ..self.clone() }
    }
}

/// Reads a tenant's name: 1 to 128 characters, no control characters.
pub fn parse_name(name: &str) -> Result<String, Faults> {
    crate::credential::parse_label(name, 128).map_err(|message| Faults::of("name", message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::{Kind, NewCredential};

    #[test]
    fn a_tenant_remembers_its_admins_while_they_stand() {
        let now = Timestamp::from_millis(1_000);
        let id = TenantId::from_random([1; 16]);
        let make = |roles: &[Role], expires_at, random| {
            let roles = roles.iter().copied().collect();
            let wanted = NewCredential { name: "x".to_owned(), kind: Kind::Bearer, roles, expires_at };
            wanted.bearer(id, "operator", ([random; 8], [0; 32]), now).0
        };
        let brief = make(&[Role::Admin], Some(now.plus_millis(10)), 1);
        let tenant = Tenant::new(id, "x".to_owned(), now).with_credential(&brief, now);
        assert_eq!(tenant.admins.len(), 1);
        assert_eq!(tenant.with_credential(&make(&[Role::Viewer], None, 2), now), tenant);
        let later = now.plus_millis(10);
        let mut other = make(&[Role::Admin], None, 3);
        let tenant = tenant.with_credential(&other, later);
        assert_eq!(tenant.admins.iter().map(|admin| admin.id).collect::<Vec<_>>(), [other.id]);
        other.revoked_at = Some(later);
        assert_eq!(tenant.with_credential(&other, later).admins, []);
    }
}
