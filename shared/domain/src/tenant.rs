//! A tenant: one customer of the platform.

use serde::{Deserialize, Serialize};

pub use deletion::{DEFAULT_WAITING_DAYS, Deletion, Stage, WAITING_DAYS};
pub use view::View;

use crate::credential::{Credential, Role};
use crate::ids::{CredentialId, TenantId};
use crate::{Conflict, Failure, Faults, Timestamp};

mod deletion;
mod view;

/// A tenant, as it is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tenant {
    /// Its id.
    pub tenant_id: TenantId,
    /// Display name: 1 to 128 characters.
    pub name: String,
    /// Status, which decides whether requests are served.
    pub status: Status,
    /// Reason for the suspension, for operators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspended_because: Option<String>,
    /// Its planned deletion. It is suspended then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion: Option<Deletion>,
    /// Version of its own policies; 0 if it has none.
    pub policies_version: u64,
    /// Its admin credentials that are not revoked. They show the last one without a query.
    pub admins: Vec<Admin>,
    /// Time of creation.
    pub created_at: Timestamp,
}

/// An admin credential, as the tenant stores it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admin {
    /// The credential.
    pub id: CredentialId,
    /// Time of expiry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// Status of a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Requests are served.
    Active,
    /// Requests get a 403, and events are skipped.
    Suspended,
}

impl Tenant {
    /// Creates a tenant without a credential.
    pub fn new(tenant_id: TenantId, name: String, now: Timestamp) -> Self {
        Self {
            tenant_id,
            name,
            status: Status::Active,
            suspended_because: None,
            deletion: None,
            policies_version: 0,
            admins: Vec::new(),
            created_at: now,
        }
    }

    /// Suspends this tenant for this reason.
    #[must_use]
    pub fn suspended(&self, because: String) -> Self {
        Self { status: Status::Suspended, suspended_because: Some(because), ..self.clone() }
    }

    /// Resumes this tenant, and ends the waiting period of a deletion.
    ///
    /// # Errors
    /// A [`Conflict`] if its deletion has begun.
    pub fn resumed(&self) -> Result<Self, Failure> {
        self.check_complete()?;
        Ok(Self { status: Status::Active, suspended_because: None, deletion: None, ..self.clone() })
    }

    /// Updates the list of admins with the new state of `credential`: adds or removes it, and removes expired admins.
    #[must_use]
    pub fn with_credential(&self, credential: &Credential, now: Timestamp) -> Self {
        let mut after = self.clone();
        let is_admin = credential.roles.contains(&Role::Admin) && credential.revoked_at.is_none();
        match after.admins.iter_mut().find(|admin| admin.id == credential.id) {
            Some(admin) if is_admin => admin.expires_at = credential.expires_at,
            Some(_) => after.admins.retain(|admin| admin.id != credential.id),
            None if is_admin => after.admins.push(Admin { id: credential.id, expires_at: credential.expires_at }),
            None => {}
        }
        after.admins.retain(|admin| admin.expires_at.is_none_or(|at| now < at));
        after
    }

    /// Sets the version of its own policies.
    #[must_use]
    pub fn with_policies(&self, version: u64) -> Self {
        Self { policies_version: version, ..self.clone() }
    }

    /// Adds a new credential, or one with more roles or a later expiry. Refuses to exceed [`MAX_ADMINS`].
    pub fn admitting(&self, credential: &Credential, now: Timestamp) -> Result<Self, AdminRefusal> {
        let after = self.with_credential(credential, now);
        let more = after.admins.len() > self.admins.len();
        if more && after.admins.len() > MAX_ADMINS { Err(AdminRefusal::TooMany) } else { Ok(after) }
    }

    /// Updates the list of admins when `before` becomes `after`. An admin can end now only if another admin is valid
    /// now. It can get an earlier expiry only if another admin is valid as long as this one would have been. Otherwise
    /// the tenant would be left without an admin.
    pub fn with_change(&self, before: &Credential, after: &Credential, now: Timestamp) -> Result<Self, AdminRefusal> {
        let (was_until, until) = (admin_until(before, now), admin_until(after, now));
        let mut others = self.admins.iter().filter(|admin| admin.id != after.id);
        let suffices = |admin: &Admin| {
            let end = admin.expires_at.unwrap_or(Timestamp::END);
            if until > now { end >= was_until } else { end > now }
        };
        if until < was_until && !others.any(suffices) {
            return Err(AdminRefusal::Last);
        }
        self.admitting(after, now)
    }
}

/// Largest number of admin credentials of a tenant. They are stored in the item that every request reads.
pub const MAX_ADMINS: usize = 100;

/// Reasons to refuse a change of a tenant's admins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdminRefusal {
    /// No admin would be left.
    Last,
    /// The tenant has [`MAX_ADMINS`] admins already.
    TooMany,
}

impl From<AdminRefusal> for Failure {
    fn from(refusal: AdminRefusal) -> Self {
        match refusal {
            AdminRefusal::Last => {
                Self::conflict(Conflict::LastAdmin, "the tenant would be left without an unexpired admin key")
            }
            AdminRefusal::TooMany => {
                Self::conflict(Conflict::Limit, format!("a tenant has at most {MAX_ADMINS} admin keys"))
            }
        }
    }
}

/// Returns the time until which a credential is an admin; `now` if it is not an admin.
fn admin_until(credential: &Credential, now: Timestamp) -> Timestamp {
    let is_admin = credential.roles.contains(&Role::Admin) && credential.revoked_at.is_none();
    if is_admin { credential.expires_at.unwrap_or(Timestamp::END).max(now) } else { now }
}

/// Parses the reason for a suspension or resumption: 1 to 256 characters, without control characters.
pub fn parse_reason(reason: &str) -> Result<String, String> {
    crate::credential::parse_label(reason, 256)
}

/// Parses a tenant's name: 1 to 128 characters, without control characters.
pub fn parse_name(name: &str) -> Result<String, Faults> {
    crate::credential::parse_label(name, 128).map_err(|message| Faults::of("name", message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::{Kind, Maker, NewCredential};

    const NOW: Timestamp = Timestamp::EPOCH;

    fn make(roles: &[Role], expires_at: Option<Timestamp>, random: u8) -> Credential {
        let roles = roles.iter().copied().collect();
        let wanted = NewCredential { name: "x".to_owned(), kind: Kind::Bearer, roles, expires_at };
        let id = CredentialId::new(TenantId::from_random([1; 16]), [random; 8]);
        wanted.made(id, None, Maker::Operator, NOW).unwrap()
    }

    fn tenant(admins: &[&Credential]) -> Tenant {
        let tenant = Tenant::new(TenantId::from_random([1; 16]), "x".to_owned(), NOW);
        admins.iter().fold(tenant, |tenant, admin| tenant.with_credential(admin, NOW))
    }

    fn until(credential: &Credential, expires_at: Option<Timestamp>) -> Credential {
        Credential { expires_at, ..credential.clone() }
    }

    #[test]
    fn a_tenant_stores_its_admins_while_they_are_valid() {
        let brief = make(&[Role::Admin], Some(NOW.plus_millis(10)), 1);
        let tenant = tenant(&[&brief]);
        assert_eq!(tenant.admins.len(), 1);
        assert_eq!(tenant.with_credential(&make(&[Role::Viewer], None, 2), NOW), tenant);
        let later = NOW.plus_millis(10);
        let mut other = make(&[Role::Admin], None, 3);
        let tenant = tenant.with_credential(&other, later);
        assert_eq!(tenant.admins.iter().map(|admin| admin.id).collect::<Vec<_>>(), [other.id]);
        other.revoked_at = Some(later);
        assert_eq!(tenant.with_credential(&other, later).admins, []);
    }

    #[test]
    fn the_last_admin_is_neither_revoked_nor_demoted_nor_given_an_end() {
        let (only, viewer) = (make(&[Role::Admin], None, 1), make(&[Role::Viewer], None, 2));
        let tenant = tenant(&[&only]);
        let demoted = Credential { roles: viewer.roles.clone(), ..only.clone() };
        for after in [only.revoked(NOW), demoted.clone(), until(&only, Some(NOW.plus_millis(1000)))] {
            assert_eq!(tenant.with_change(&only, &after, NOW), Err(AdminRefusal::Last));
        }
        assert_eq!(tenant.with_change(&viewer, &viewer.revoked(NOW), NOW), Ok(tenant.clone()));
        let renamed = Credential { name: "y".to_owned(), ..only.clone() };
        assert_eq!(tenant.with_change(&only, &renamed, NOW), Ok(tenant.clone()));

        let both = tenant.with_credential(&make(&[Role::Admin], None, 3), NOW);
        assert_eq!(both.with_change(&only, &demoted, NOW).unwrap().admins.len(), 1);
    }

    #[test]
    fn an_admin_ends_only_while_another_is_valid() {
        let (at, later) = (NOW.plus_millis(1000), NOW.plus_millis(2000));
        let (one, brief) = (make(&[Role::Admin], None, 1), make(&[Role::Admin], Some(at), 2));
        let tenant = tenant(&[&one, &brief]);
        // The other one ends too, even if later: in the end none would be left.
        for end in [at.plus_millis(-1), at, later] {
            assert_eq!(tenant.with_change(&one, &until(&one, Some(end)), NOW), Err(AdminRefusal::Last));
        }
        let sooner = until(&brief, Some(at.plus_millis(-1)));
        assert!(tenant.with_change(&brief, &sooner, NOW).is_ok());
        // Now, while the other one is valid, but not after it has expired.
        assert!(tenant.with_change(&one, &one.revoked(NOW), at.plus_millis(-1)).is_ok());
        assert_eq!(tenant.with_change(&one, &one.revoked(at), at), Err(AdminRefusal::Last));
        // A later expiry is never refused. An expiry in the past ends nothing.
        let alone = self::tenant(&[&brief]);
        assert!(alone.with_change(&brief, &until(&brief, Some(later)), NOW).is_ok());
        assert!(alone.with_change(&brief, &brief.revoked(later), later).is_ok());
    }

    #[test]
    fn a_rotation_leaves_an_admin_where_there_was_one() {
        let only = make(&[Role::Admin], None, 1);
        let id = CredentialId::new(only.id.tenant(), [9; 8]);
        for overlap in [0, 1000] {
            let rotated = only.rotated(id, None, &only, overlap, NOW).unwrap();
            let with_new = tenant(&[&only]).admitting(&rotated.new, NOW).unwrap();
            let after = with_new.with_change(&only, &rotated.old, NOW).unwrap();
            assert!(after.admins.iter().any(|admin| admin.id == id && admin.expires_at.is_none()));
        }
    }

    #[test]
    fn admins_are_bounded() {
        let many: Vec<Credential> = (0..100).map(|number| make(&[Role::Admin], None, number)).collect();
        let tenant = tenant(&many.iter().collect::<Vec<_>>());
        assert_eq!(tenant.admitting(&make(&[Role::Admin], None, 200), NOW), Err(AdminRefusal::TooMany));
        assert!(tenant.admitting(&make(&[Role::Viewer], None, 200), NOW).is_ok());
        assert!(tenant.with_change(&many[0], &many[0].revoked(NOW), NOW).is_ok());
    }
}
