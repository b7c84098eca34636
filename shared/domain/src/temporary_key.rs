//! Temporary access keys: a public id that names the parent credential, a security token with roles and expiry, and a
//! secret. None of it is stored.
//!
//! The secret is derived like that of every access key, with a key that never leaves KMS, but from id and token
//! together. This protects the token: a changed token, or one presented with another id, leads to another secret, and
//! the signature does not match. The id is `TPTK`, the public id and 12 bytes in 17 digits of base 62; the token is
//! `TPST` and 16 bytes in 22 digits. Both end in a checksum, so most invented keys are refused without a call to KMS.

use std::collections::BTreeSet;
use std::fmt;

use crate::base62;
use crate::credential::{Credential, Kind, Role};
use crate::failure::{Failure, Faults};
use crate::ids::{CREDENTIAL_ID_LENGTH, CredentialId};
use crate::timestamp::{SECOND, Timestamp};

/// Allowed duration, in seconds.
pub const DURATION: std::ops::RangeInclusive<i64> = 900..=86_400;

const ID_PREFIX: &str = "TPTK";
const ID_DIGITS: usize = 17;
const TOKEN_PREFIX: &str = "TPST";
const TOKEN_DIGITS: usize = 22;
/// Version of the token's format, its first byte.
const VERSION: u8 = 1;

/// A temporary access key, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemporaryKey {
    parent: CredentialId,
    random: [u8; 8],
    roles: BTreeSet<Role>,
    expires_at: Timestamp,
}

impl TemporaryKey {
    /// Creates a key that lasts `seconds`, with these roles or all of the credential `parent`. Roles may grant no more than
    /// the parent's.
    pub fn new(
        parent: &Credential,
        random: [u8; 8],
        roles: Option<BTreeSet<Role>>,
        seconds: i64,
        now: Timestamp,
    ) -> Result<Self, Failure> {
        let roles = roles.unwrap_or_else(|| parent.roles.clone());
        let mut faults = Faults::default();
        if !DURATION.contains(&seconds) {
            faults.add("duration_seconds", format!("must be {} to {}", DURATION.start(), DURATION.end()));
        }
        if !roles.iter().all(|role| is_granted(*role, parent)) {
            faults.add("roles", "must grant no more than the roles of the key that asks");
        }
        faults.into_result()?;
        let end = now.as_seconds_rounded_up().saturating_add(seconds).saturating_mul(SECOND);
        Ok(Self { parent: parent.id, random, roles, expires_at: Timestamp::from_millis(end) })
    }

    /// Parses an id and a token, and verifies their checksums. Only the signature shows that they belong together.
    pub fn parse(id: &str, token: &str) -> Option<Self> {
        let (parent, digits) = id.strip_prefix(ID_PREFIX)?.split_at_checked(CREDENTIAL_ID_LENGTH)?;
        let random = checked::<12, 8>(parent, digits, ID_DIGITS)?;
        let content = checked::<16, 12>(TOKEN_PREFIX, token.strip_prefix(TOKEN_PREFIX)?, TOKEN_DIGITS)?;
        let ([version, roles], seconds) = content.split_first_chunk()?;
        let seconds = seconds.iter().fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
        let read = Self {
            parent: CredentialId::parse(parent)?,
            random,
            roles: Role::ALL.into_iter().filter(|role| roles & bit(*role) != 0).collect(),
            expires_at: Timestamp::from_millis(i64::try_from(seconds).ok()?.checked_mul(SECOND)?),
        };
        // Each key has exactly one text: no bits are ignored.
        (*version == VERSION && read.security_token() == token).then_some(read)
    }

    /// Returns true if `id` has the prefix of a temporary key.
    pub fn is_id(id: &str) -> bool {
        id.starts_with(ID_PREFIX)
    }

    /// Returns the public id.
    pub fn id(&self) -> String {
        let parent = self.parent.to_string();
        format!("{ID_PREFIX}{parent}{}", with_checksum(&parent, &self.random, ID_DIGITS))
    }

    /// Returns the security token, which accompanies each request.
    pub fn security_token(&self) -> String {
        let roles = self.roles.iter().fold(0, |bits, role| bits | bit(*role));
        let seconds = u64::try_from(self.expires_at.as_seconds_rounded_up()).unwrap_or_default();
        let content = [&[VERSION, roles, 0, 0][..], &seconds.to_be_bytes()].concat();
        format!("{TOKEN_PREFIX}{}", with_checksum(TOKEN_PREFIX, &content, TOKEN_DIGITS))
    }

    /// Returns the parent credential.
    pub fn parent(&self) -> CredentialId {
        self.parent
    }

    /// Returns the time of expiry. The parent may expire before.
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// Returns its roles.
    pub fn roles(&self) -> &BTreeSet<Role> {
        &self.roles
    }

    /// Returns the credential to act as: the parent, with the key's roles that the parent's still grant. Returns `None`
    /// unless both are valid.
    pub fn acting(&self, parent: &Credential, now: Timestamp) -> Option<Credential> {
        let is_valid = parent.id == self.parent && parent.is_valid(now) && now < self.expires_at;
        let end = parent.expires_at.map_or(self.expires_at, |at| at.min(self.expires_at));
        is_valid.then(|| Credential {
            kind: Kind::Temporary,
            roles: self.roles.iter().copied().filter(|role| is_granted(*role, parent)).collect(),
            token_hash: None,
            expires_at: Some(end),
            ..parent.clone()
        })
    }
}

/// Formats the text that the secret is derived from.
impl fmt::Display for TemporaryKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.id(), self.security_token())
    }
}

/// Returns true if a role of `parent` includes `role`.
fn is_granted(role: Role, parent: &Credential) -> bool {
    parent.roles.iter().any(|own| own.includes(role))
}

fn bit(role: Role) -> u8 {
    match role {
        Role::Admin => 1,
        Role::Approver => 2,
        Role::Editor => 4,
        Role::Viewer => 8,
    }
}

fn checksum(context: &str, content: &[u8]) -> [u8; 4] {
    crc32fast::hash(&[context.as_bytes(), content].concat()).to_be_bytes()
}

fn with_checksum(context: &str, content: &[u8], digits: usize) -> String {
    base62::encode(&[content, &checksum(context, content)].concat(), digits)
}

/// Decodes the `CONTENT` bytes in `text`, and verifies the checksum that follows them. `ALL` is four more.
fn checked<const ALL: usize, const CONTENT: usize>(context: &str, text: &str, digits: usize) -> Option<[u8; CONTENT]> {
    if text.len() != digits {
        return None;
    }
    let bytes: [u8; ALL] = base62::decode(text)?;
    let (content, sum) = bytes.split_first_chunk::<CONTENT>()?;
    (sum == checksum(context, content)).then_some(*content)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::credential::{Maker, NewCredential};
    use crate::ids::TenantId;

    fn parent(roles: &[Role], expires_at: Option<Timestamp>) -> Credential {
        let id = CredentialId::new(TenantId::from_random([1; 16]), [2; 8]);
        let roles = roles.iter().copied().collect();
        let wanted = NewCredential { name: "ci".to_owned(), kind: Kind::AccessKey, roles, expires_at };
        wanted.made(id, None, Maker::Operator, at(0)).unwrap()
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * SECOND)
    }

    #[test]
    fn it_may_do_what_it_was_given_and_its_parent_still_may() {
        let mut parent = parent(&[Role::Editor, Role::Approver], None);
        let key = TemporaryKey::new(&parent, [3; 8], Some([Role::Editor].into()), 900, at(100)).unwrap();
        let acting = key.acting(&parent, at(999)).unwrap();
        assert_eq!((acting.kind, acting.roles, acting.id), (Kind::Temporary, [Role::Editor].into(), parent.id));
        assert_eq!((key.expires_at(), acting.expires_at), (at(1000), Some(at(1000))));
        assert_eq!(key.acting(&parent, at(1000)), None);
        parent.roles = [Role::Approver].into();
        assert_eq!(key.acting(&parent, at(999)).unwrap().roles, [].into());
        parent.revoked_at = Some(at(500));
        assert!(key.acting(&parent, at(499)).is_some());
        assert_eq!(key.acting(&parent, at(500)), None);
    }

    #[test]
    fn it_has_roles_that_grant_no_more_than_its_parents() {
        let made = |own: &[Role], wanted: &[Role]| {
            let wanted: BTreeSet<Role> = wanted.iter().copied().collect();
            let key = TemporaryKey::new(&parent(own, None), [3; 8], Some(wanted.clone()), 900, at(100)).ok()?;
            assert_eq!(key.acting(&parent(own, None), at(200)).unwrap().roles, wanted);
            Some(key)
        };
        for (own, granted) in [
            (Role::Admin, vec![Role::Admin, Role::Editor, Role::Viewer]),
            (Role::Editor, vec![Role::Editor, Role::Viewer]),
            (Role::Approver, vec![Role::Approver, Role::Viewer]),
            (Role::Viewer, vec![Role::Viewer]),
        ] {
            for role in Role::ALL {
                assert_eq!(made(&[own], &[role]).is_some(), granted.contains(&role), "{own:?} {role:?}");
            }
            assert!(made(&[own], &granted).is_some());
        }
        // A parent that has lost a role grants what its other roles include.
        let key = made(&[Role::Admin, Role::Approver], &[Role::Editor, Role::Approver, Role::Viewer]).unwrap();
        assert_eq!(
            key.acting(&parent(&[Role::Admin], None), at(200)).unwrap().roles,
            [Role::Editor, Role::Viewer].into()
        );
        assert_eq!(key.acting(&parent(&[Role::Viewer], None), at(200)).unwrap().roles, [Role::Viewer].into());
    }

    #[test]
    fn it_ends_with_its_parent_and_is_of_no_other() {
        let mut parent = parent(&[Role::Viewer], Some(at(200)));
        let key = TemporaryKey::new(&parent, [3; 8], None, 900, at(100)).unwrap();
        assert_eq!(key.acting(&parent, at(199)).unwrap().expires_at, Some(at(200)));
        assert_eq!(key.acting(&parent, at(200)), None);
        parent.id = CredentialId::new(TenantId::from_random([1; 16]), [9; 8]);
        assert_eq!(key.acting(&parent, at(150)), None);
    }

    #[test]
    fn all_faults_are_reported_at_once() {
        let parent = parent(&[Role::Viewer], None);
        for seconds in [i64::MIN, 0, 899, 86_401, i64::MAX] {
            let Err(Failure::Invalid(faults)) =
                TemporaryKey::new(&parent, [3; 8], Some([Role::Admin].into()), seconds, at(100))
            else {
                panic!("{seconds} is taken");
            };
            assert_eq!(faults.iter().map(|(field, _)| field).collect::<Vec<_>>(), ["duration_seconds", "roles"]);
        }
    }

    fn key() -> impl Strategy<Value = TemporaryKey> {
        let roles = proptest::sample::subsequence(Role::ALL.to_vec(), 0..=4);
        (any::<([u8; 16], [u8; 8], [u8; 8])>(), roles, 0..253_402_300_799_i64).prop_map(|(random, roles, end)| {
            let parent = CredentialId::new(TenantId::from_random(random.0), random.1);
            TemporaryKey { parent, random: random.2, roles: roles.into_iter().collect(), expires_at: at(end) }
        })
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_back(key in key()) {
            let (id, token) = (key.id(), key.security_token());
            prop_assert!(TemporaryKey::is_id(&id));
            prop_assert!(id.bytes().chain(token.bytes()).all(|byte| byte.is_ascii_alphanumeric()));
            let beginning = format!("TPTK{}", key.parent());
            prop_assert!(id.starts_with(&beginning));
            prop_assert_eq!(TemporaryKey::parse(&id, &token), Some(key));
        }

        #[test]
        fn one_wrong_character_is_refused(key in key(), at in any::<prop::sample::Index>(), with in "[ -~]") {
            let (id, token) = (key.id(), key.security_token());
            let changed = |text: &str| {
                let at = at.index(text.len());
                let mut other = text.to_owned();
                other.replace_range(at..=at, &with);
                other
            };
            let (other_id, other_token) = (changed(&id), changed(&token));
            prop_assert!(other_id == id || TemporaryKey::parse(&other_id, &token).is_none());
            prop_assert!(other_token == token || TemporaryKey::parse(&id, &other_token).is_none());
        }

        #[test]
        fn any_text_is_read_without_a_panic(
            id in "(TPTK)?[0-9A-Za-z]{55}|(TPTK)?.{0,80}", token in "(TPST)?[0-9A-Za-z]{22}|(TPST)?.{0,40}",
        ) {
            prop_assert!(TemporaryKey::parse(&id, &token).is_none());
        }
    }
}
