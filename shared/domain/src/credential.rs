//! A credential: the proof of identity of a tenant's users and programs.

mod change;
mod lineage;
mod notice;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::ids::CredentialId;
use crate::setup::SetupScope;
use crate::token::{Purpose, Token, TokenHash};

pub use change::{CredentialRefusal, CredentialUpdate, Rotated};
pub use lineage::{Lineage, MAX_MAKERS};
pub use notice::{CredentialNotice, THRESHOLDS, UNUSED_DAYS};

/// Roles of a credential, which the built-in policies refer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// May do everything, including managing keys, policies and the audit log.
    Admin,
    /// May read, and approve, reject and activate versions.
    Approver,
    /// May read, and change connections, identity sources and the directory.
    Editor,
    /// May read.
    Viewer,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 4] = [Self::Admin, Self::Approver, Self::Editor, Self::Viewer];

    /// Returns the name: `admin`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Approver => "approver",
            Self::Editor => "editor",
            Self::Viewer => "viewer",
        }
    }

    /// Returns true if this role may do everything that `other` may do: an admin is an editor, and every role can read.
    /// Approving takes the approver role.
    pub fn includes(self, other: Self) -> bool {
        match (self, other) {
            (Self::Admin, Self::Editor) | (_, Self::Viewer) => true,
            (one, other) => one == other,
        }
    }

    /// Parses a role's name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }
}

/// Kinds of credential, by their presentation in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A token in a header.
    Bearer,
    /// A key id and a secret that signs requests. The secret is derived and never stored.
    AccessKey,
    /// A temporary access key, which acts for the credential that it was made from. It is never stored.
    Temporary,
    /// A session of a setup link. It has sections and no roles.
    Setup,
}

impl Kind {
    /// Returns the name: `access_key`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bearer => "bearer",
            Self::AccessKey => "access_key",
            Self::Temporary => "temporary",
            Self::Setup => "setup",
        }
    }
}

/// A credential as it is stored, without its secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Credential {
    /// The public id.
    pub id: CredentialId,
    /// The owner's label: 1 to 64 characters.
    pub name: String,
    /// Kind of the credential.
    pub kind: Kind,
    /// Roles; at least one, but none of a setup session.
    pub roles: BTreeSet<Role>,
    /// SHA-256 of a bearer token's secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_hash: Option<TokenHash>,
    /// Time of creation.
    pub created_at: Timestamp,
    /// The credential that created it; `operator` for a tenant's first.
    pub created_by: String,
    /// Origin of the credential, for four-eyes checks.
    pub lineage: Lineage,
    /// The credential that it replaced by rotation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<CredentialId>,
    /// The credential that replaces it by rotation, now or when this one expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced_by: Option<CredentialId>,
    /// Time of expiry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Time of revocation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Timestamp>,
    /// Day of the last use: midnight, UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<Timestamp>,
    /// The expiry and the days before it of the last notice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noticed_expiry: Option<(Timestamp, u16)>,
    /// The last use, or the creation, that was noticed to be long ago.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noticed_use: Option<Timestamp>,
    /// Sections of a setup session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub setup: Option<Box<SetupScope>>,
}

impl Credential {
    /// Returns true if it is neither revoked nor expired.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none_or(|at| now < at) && self.expires_at.is_none_or(|at| now < at)
    }

    /// Returns true if `token` belongs to this credential and the credential is valid.
    pub fn accepts(&self, token: &Token, now: Timestamp) -> bool {
        let matches = self.token_hash.as_ref().is_some_and(|hash| hash.matches(token));
        let purpose = match self.kind {
            Kind::Bearer => Some(Purpose::Credential),
            Kind::Setup => Some(Purpose::SetupSession),
            Kind::AccessKey | Kind::Temporary => None,
        };
        matches && purpose == Some(token.purpose()) && self.id == token.id() && self.is_valid(now)
    }
}

/// Description of a credential to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCredential {
    /// 1 to 64 characters.
    pub name: String,
    /// Kind of the credential.
    pub kind: Kind,
    /// Roles; at least one.
    pub roles: BTreeSet<Role>,
    /// Time of expiry, in the future.
    pub expires_at: Option<Timestamp>,
}

/// The creator of a credential.
#[derive(Clone, Copy, Debug)]
pub enum Maker<'a> {
    /// An operator of the platform.
    Operator,
    /// Another credential.
    Credential(&'a Credential),
}

impl NewCredential {
    /// Creates a credential. `token` is the bearer token; an access key has none.
    pub fn made(
        self,
        id: CredentialId,
        token: Option<&Token>,
        maker: Maker<'_>,
        now: Timestamp,
    ) -> Result<Credential, CredentialRefusal> {
        let (created_by, lineage) = match maker {
            Maker::Operator => ("operator".to_owned(), Some(Lineage::first(id))),
            Maker::Credential(maker) => (maker.id.to_string(), maker.lineage.makes(id)),
        };
        Ok(Credential {
            id,
            name: self.name,
            kind: self.kind,
            roles: self.roles,
            token_hash: token.map(Token::hash),
            created_at: now,
            created_by,
            lineage: lineage.ok_or(CredentialRefusal::TooManyMakers)?,
            replaces: None,
            replaced_by: None,
            expires_at: self.expires_at,
            revoked_at: None,
            last_used_at: None,
            noticed_expiry: None,
            noticed_use: None,
            setup: None,
        })
    }
}

/// Parses a label that users choose: 1 to `most` characters, without control characters.
pub fn parse_label(text: &str, most: usize) -> Result<String, String> {
    let length = text.chars().count();
    if !(1..=most).contains(&length) {
        return Err(format!("must be 1 to {most} characters"));
    }
    check_label(text)?;
    Ok(text.to_owned())
}

/// Returns an error for a text that shows nothing, or that shows something else than it holds: without a visible
/// character, or with control characters or marks that change the direction of writing.
pub fn check_label(text: &str) -> Result<(), &'static str> {
    if text.chars().any(char::is_control) {
        return Err("must not contain control characters");
    }
    if text.chars().any(is_direction_mark) {
        return Err("must not contain characters that change the direction of writing");
    }
    if !text.chars().any(is_visible) {
        return Err("must contain a visible character");
    }
    Ok(())
}

/// Characters with the property Bidi_Control.
fn is_direction_mark(character: char) -> bool {
    matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Returns false for white space, and for the characters that fonts show as nothing: those with the property
/// Default_Ignorable_Code_Point, and the blank of braille.
fn is_visible(character: char) -> bool {
    let is_blank = matches!(
        character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
    );
    !is_blank && !character.is_whitespace()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::TenantId;

    fn bearer(expires_at: Option<Timestamp>) -> (Credential, Token) {
        let wanted =
            NewCredential { name: "ci".to_owned(), kind: Kind::Bearer, roles: [Role::Viewer].into(), expires_at };
        let id = CredentialId::new(TenantId::from_random([5; 16]), [1; 8]);
        let token = Token::new(id, [2; 32]);
        (wanted.made(id, Some(&token), Maker::Operator, Timestamp::from_millis(0)).unwrap(), token)
    }

    #[test]
    fn a_credential_ends_at_the_millisecond_it_expires_or_is_revoked() {
        let at = Timestamp::from_millis(1_000);
        let (mut credential, token) = bearer(Some(at));
        assert!(credential.accepts(&token, at.plus_millis(-1)));
        assert!(!credential.accepts(&token, at));
        credential.expires_at = None;
        credential.revoked_at = Some(at);
        assert!(credential.accepts(&token, at.plus_millis(-1)));
        assert!(!credential.accepts(&token, at));
    }

    #[test]
    fn another_secret_under_the_same_id_is_refused() {
        let (credential, token) = bearer(None);
        let forged = Token::new(token.id(), [3; 32]);
        assert!(!credential.accepts(&forged, Timestamp::from_millis(0)));
    }

    #[test]
    fn labels_are_counted_in_characters_and_show_what_they_hold() {
        let family = "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}";
        for right in [&"\u{e9}".repeat(64), family, "\u{645}\u{200c}\u{6cc}", "Soft\u{ad}hyphen", "a"] {
            assert!(parse_label(right, 64).is_ok(), "{right:?}");
        }
        for wrong in [
            "",
            "   ",
            "a\nb",
            "\u{7f}",
            &"x".repeat(65),
            "\u{200b}",
            "\u{a0}\u{200b}\u{feff}",
            "\u{2800}",
            "\u{3164}",
            "\u{e0041}",
            "a\u{202e}b",
            "\u{2066}a\u{2069}",
            "a\u{200f}",
            "\u{61c}a",
        ] {
            assert!(parse_label(wrong, 64).is_err(), "{wrong:?}");
        }
    }
}
