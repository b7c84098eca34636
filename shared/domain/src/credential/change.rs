//! Changes of a credential: update, rotation, revocation.

use std::collections::BTreeSet;

use super::{Credential, Role};
use crate::ids::CredentialId;
use crate::token::Token;
use crate::{Conflict, Failure, Timestamp};

/// New values of a credential's changeable fields; `None` keeps the value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CredentialUpdate {
    /// 1 to 64 characters.
    pub name: Option<String>,
    /// Roles; at least one.
    pub roles: Option<BTreeSet<Role>>,
    /// Time of expiry, in the future; `Some(None)` for no expiry.
    pub expires_at: Option<Option<Timestamp>>,
}

/// Result of a rotation.
#[derive(Clone, Debug, PartialEq)]
pub struct Rotated {
    /// The new credential.
    pub new: Credential,
    /// The old credential, with its time of expiry.
    pub old: Credential,
}

/// Reasons to refuse the creation, update or rotation of a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CredentialRefusal {
    /// The credential is revoked. For a rotation: or expired.
    Ended,
    /// Another credential replaces it already.
    Replaced(CredentialId),
    /// The chain of creators from the tenant's first credential is too long.
    TooManyMakers,
}

impl Credential {
    /// Updates name, roles and expiry. The update can make an expired credential valid again, but not one that is
    /// revoked or replaced.
    pub fn changed(&self, update: CredentialUpdate) -> Result<Self, CredentialRefusal> {
        if self.revoked_at.is_some() {
            return Err(CredentialRefusal::Ended);
        }
        if let Some(other) = self.replaced_by {
            return Err(CredentialRefusal::Replaced(other));
        }
        let CredentialUpdate { name, roles, expires_at } = update;
        Ok(Self {
            name: name.unwrap_or_else(|| self.name.clone()),
            roles: roles.unwrap_or_else(|| self.roles.clone()),
            expires_at: expires_at.unwrap_or(self.expires_at),
            ..self.clone()
        })
    }

    /// Creates a credential that replaces this one after `overlap` milliseconds. Only its id and secret differ; the
    /// expiry is the same. `token` is the bearer token; an access key has none.
    ///
    /// A credential can be replaced only once: with two replacements, one could approve what the other submitted.
    pub fn rotated(
        &self,
        id: CredentialId,
        token: Option<&Token>,
        maker: &Self,
        overlap: i64,
        now: Timestamp,
    ) -> Result<Rotated, CredentialRefusal> {
        if let Some(other) = self.replaced_by {
            return Err(CredentialRefusal::Replaced(other));
        }
        if !self.is_valid(now) {
            return Err(CredentialRefusal::Ended);
        }
        let new = Self {
            id,
            token_hash: token.map(Token::hash),
            created_at: now,
            created_by: maker.id.to_string(),
            lineage: self.lineage.replaced_by(&maker.lineage).ok_or(CredentialRefusal::TooManyMakers)?,
            replaces: Some(self.id),
            last_used_at: None,
            ..self.clone()
        };
        let mut old = Self { replaced_by: Some(id), ..self.clone() };
        if overlap > 0 {
            let end = now.plus_millis(overlap);
            old.expires_at = Some(self.expires_at.map_or(end, |at| at.min(end)));
        } else {
            old.revoked_at = Some(now);
        }
        Ok(Rotated { new, old })
    }

    /// Revokes the credential now. A credential that is revoked already does not change.
    #[must_use]
    pub fn revoked(&self, now: Timestamp) -> Self {
        Self { revoked_at: self.revoked_at.or(Some(now)), ..self.clone() }
    }
}

impl From<CredentialRefusal> for Failure {
    fn from(refusal: CredentialRefusal) -> Self {
        match refusal {
            CredentialRefusal::Ended => Self::conflict(Conflict::WrongState, "the key has ended"),
            CredentialRefusal::Replaced(id) => {
                Self::conflict(Conflict::WrongState, format!("the key is replaced by `{id}`"))
            }
            CredentialRefusal::TooManyMakers => Self::conflict(
                Conflict::Limit,
                format!("between a key and the tenant's first are at most {} others", super::MAX_MAKERS),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::{Kind, Maker, NewCredential};
    use crate::ids::TenantId;
    use crate::timestamp::SECOND;

    const NOW: Timestamp = Timestamp::EPOCH;

    fn id(number: u8) -> CredentialId {
        CredentialId::new(TenantId::from_random([1; 16]), [number; 8])
    }

    fn credential(number: u8, expires_at: Option<Timestamp>) -> Credential {
        let wanted =
            NewCredential { name: "deploy".to_owned(), kind: Kind::Bearer, roles: [Role::Editor].into(), expires_at };
        wanted.made(id(number), Some(&Token::new(id(number), [number; 32])), Maker::Operator, NOW).unwrap()
    }

    fn update(expires_at: Option<Timestamp>) -> CredentialUpdate {
        CredentialUpdate {
            name: Some("other".to_owned()),
            roles: Some([Role::Viewer].into()),
            expires_at: Some(expires_at),
        }
    }

    #[test]
    fn an_update_keeps_what_it_does_not_name() {
        let end = Some(NOW.plus_millis(10));
        let before = credential(1, end);
        assert_eq!(before.changed(CredentialUpdate::default()), Ok(before.clone()));
        let renamed = CredentialUpdate { name: Some("other".to_owned()), ..CredentialUpdate::default() };
        let after = before.changed(renamed).unwrap();
        assert_eq!((after.name.as_str(), &after.roles, after.expires_at), ("other", &before.roles, end));
        let endless = CredentialUpdate { expires_at: Some(None), ..CredentialUpdate::default() };
        assert_eq!(before.changed(endless), Ok(Credential { expires_at: None, ..before }));
    }

    #[test]
    fn a_rotated_credential_overlaps_the_new_one_and_ends() {
        let (old, maker) = (credential(1, None), credential(2, None));
        let token = Token::new(id(3), [9; 32]);
        let Rotated { new, old: ending } = old.rotated(id(3), Some(&token), &maker, 60 * SECOND, NOW).unwrap();
        assert_eq!((&new.name, &new.roles, new.expires_at), (&old.name, &old.roles, None));
        assert_eq!((new.replaces, ending.replaced_by), (Some(old.id), Some(new.id)));
        assert_eq!(new.created_by, maker.id.to_string());
        let last = NOW.plus_millis(60 * SECOND - 1);
        assert!(new.accepts(&token, last) && ending.is_valid(last) && !ending.is_valid(last.plus_millis(1)));
        assert!(new.lineage.is_one_with(&old.lineage) && new.lineage.is_one_with(&maker.lineage));

        let at_once = old.rotated(id(3), Some(&token), &old, 0, NOW).unwrap();
        assert!(!at_once.old.is_valid(NOW) && at_once.new.is_valid(NOW));
    }

    #[test]
    fn no_end_is_put_off_by_a_rotation() {
        let end = NOW.plus_millis(10 * SECOND);
        let Rotated { new, old } =
            credential(1, Some(end)).rotated(id(3), None, &credential(2, None), 60 * SECOND, NOW).unwrap();
        assert_eq!((new.expires_at, old.expires_at), (Some(end), Some(end)));
    }

    #[test]
    fn what_is_replaced_or_ended_is_neither_changed_nor_rotated() {
        let one = credential(1, None);
        let replaced = one.rotated(id(3), None, &one, 60 * SECOND, NOW).unwrap().old;
        assert_eq!(replaced.changed(update(None)), Err(CredentialRefusal::Replaced(id(3))));
        assert_eq!(replaced.rotated(id(4), None, &one, 0, NOW), Err(CredentialRefusal::Replaced(id(3))));
        let revoked = one.revoked(NOW);
        assert_eq!(revoked.revoked(NOW.plus_millis(5)), revoked);
        assert_eq!(revoked.changed(update(None)), Err(CredentialRefusal::Ended));
        assert_eq!(revoked.rotated(id(4), None, &one, 0, NOW), Err(CredentialRefusal::Ended));
        let expired = credential(1, Some(NOW.plus_millis(1)));
        let later = NOW.plus_millis(1);
        assert_eq!(expired.rotated(id(4), None, &one, 0, later), Err(CredentialRefusal::Ended));
        assert!(expired.changed(update(None)).unwrap().is_valid(later));
    }
}
