//! A link to the setup page: who it is for, the sessions that it started, and its end.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Section, SessionSecret};
use crate::Timestamp;
use crate::credential::{Credential, Kind, Lineage};
use crate::directory::ids::SsoConfigurationId;
use crate::ids::CredentialId;
use crate::timestamp::DAY;
use crate::token::{Purpose, Token, TokenHash};

/// Lifetime of a session.
pub const SESSION_MILLIS: i64 = 8 * 60 * 60 * 1000;
/// Time for which a link is kept after its end.
const KEPT_MILLIS: i64 = 90 * DAY;
/// Largest number of sessions that a link starts.
pub const MAX_SESSIONS: u8 = 10;

/// The party that enables the identity provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
#[serde(rename_all = "lowercase")]
pub enum Enable {
    /// The customer, at the end of the section.
    #[default]
    Customer,
    /// The platform, by its own credential.
    Platform,
}

crate::text_field!(@parse Enable => Self, Enable::parse);

/// A link as it is stored, without its secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SetupLink {
    /// The public id, which names the tenant.
    pub id: CredentialId,
    /// SHA-256 of the secret.
    pub secret_hash: TokenHash,
    /// The person that it is for: 1 to 64 characters.
    pub label: String,
    /// Sections; at least one.
    pub sections: BTreeSet<Section>,
    /// The SSO configuration whose domains are proven.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sso_configuration_id: Option<SsoConfigurationId>,
    /// Time of creation.
    pub created_at: Timestamp,
    /// The credential that created it.
    pub created_by: String,
    /// End of the time in which it starts sessions.
    pub expires_at: Timestamp,
    /// Number of sessions that it may start: 1 to 10.
    pub max_sessions: u8,
    /// Permission to change a tested connection or an enabled identity provider.
    pub allow_changes: bool,
    /// The party that enables the identity provider.
    pub enable: Enable,
    /// The page that the last step leads back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_url: Option<String>,
    /// Sessions that it started, in order.
    #[serde(default)]
    pub sessions: Vec<StartedSession>,
    /// Sections that are complete, with the time of completion.
    #[serde(default)]
    pub progress: BTreeMap<Section, Timestamp>,
    /// Time of revocation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Timestamp>,
    /// True once a notice said that its time is over.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub expiry_noticed: bool,
}

/// A session that a link started. Its credential is stored beside the link, under the same id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartedSession {
    /// Id of the session, which is the id of its credential.
    pub id: CredentialId,
    /// Time of its start.
    pub started_at: Timestamp,
    /// End of the session.
    pub expires_at: Timestamp,
}

/// Permissions of a session, a part of its credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetupScope {
    /// The link that started it.
    pub link: CredentialId,
    /// Sections; at least one.
    pub sections: BTreeSet<Section>,
    /// The SSO configuration whose domains are proven.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sso_configuration_id: Option<SsoConfigurationId>,
    /// Permission to change a tested connection or an enabled identity provider.
    pub allow_changes: bool,
    /// The party that enables the identity provider.
    pub enable: Enable,
}

/// Reasons for which a link starts no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was revoked.
    Revoked,
    /// All its sections are complete.
    Completed,
    /// Its time has passed, or that of this session.
    Expired,
    /// It has started as many sessions as it may.
    UsedUp,
}

impl Enable {
    /// Returns the name: `customer`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Platform => "platform",
        }
    }

    fn parse(text: &str) -> Result<Self, &'static str> {
        let found = [Self::Customer, Self::Platform].into_iter().find(|one| one.as_str() == text);
        found.ok_or("must be `customer` or `platform`")
    }
}

impl Ended {
    /// Returns the reason as the API has it: `used_up`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Revoked => "revoked",
            Self::Completed => "completed",
            Self::Expired => "expired",
            Self::UsedUp => "used_up",
        }
    }
}

impl SetupLink {
    /// Returns true if `secret` is the link's.
    pub fn accepts(&self, secret: &Token) -> bool {
        secret.purpose() == Purpose::SetupLink && secret.id() == self.id && self.secret_hash.matches(secret)
    }

    /// Returns the token of the session that a link's secret and a browser's secret make. It depends on both alone, so
    /// a repeated request names the same session and gets the same token.
    pub fn session_token(link_secret: &Token, secret: &SessionSecret) -> Token {
        let digest = link_secret.digest_with(secret.bytes());
        let random = digest.first_chunk::<8>().copied().unwrap_or_default();
        Token::of(Purpose::SetupSession, CredentialId::new(link_secret.id().tenant(), random), *secret.bytes())
    }

    /// Starts the session `id`, or finds it where it lives. `None` for the link means that it does not change.
    ///
    /// A session outlives the expiry and the completion of its link, and ends with its revocation.
    pub fn start(&self, id: CredentialId, now: Timestamp) -> Result<(StartedSession, Option<Self>), Ended> {
        if self.revoked_at.is_some() {
            return Err(Ended::Revoked);
        }
        if let Some(known) = self.sessions.iter().find(|session| session.id == id) {
            return if now < known.expires_at { Ok((known.clone(), None)) } else { Err(Ended::Expired) };
        }
        if self.completed_at().is_some() {
            return Err(Ended::Completed);
        }
        if self.expires_at <= now {
            return Err(Ended::Expired);
        }
        if self.sessions.len() >= usize::from(self.max_sessions) {
            return Err(Ended::UsedUp);
        }
        let session = StartedSession { id, started_at: now, expires_at: now.plus_millis(SESSION_MILLIS) };
        let mut after = self.clone();
        after.sessions.push(session.clone());
        Ok((session, Some(after)))
    }

    /// Returns the credential of a session that this link started. `token` is the session's.
    pub fn credential(&self, session: &StartedSession, token: &Token) -> Credential {
        Credential {
            id: session.id,
            name: self.label.clone(),
            kind: Kind::Setup,
            roles: BTreeSet::new(),
            token_hash: Some(token.hash()),
            created_at: session.started_at,
            created_by: self.id.to_string(),
            lineage: Lineage::first(session.id),
            replaces: None,
            replaced_by: None,
            expires_at: Some(session.expires_at),
            revoked_at: None,
            // Its first request writes nothing to note the day.
            last_used_at: Some(session.started_at.day_start()),
            noticed_expiry: None,
            noticed_use: None,
            setup: Some(Box::new(SetupScope {
                link: self.id,
                sections: self.sections.clone(),
                sso_configuration_id: self.sso_configuration_id,
                allow_changes: self.allow_changes,
                enable: self.enable,
            })),
        }
    }

    /// Completes a section. `None` if the link does not have it or if it is complete already.
    pub fn completed(&self, section: Section, now: Timestamp) -> Option<Self> {
        let is_new = self.sections.contains(&section) && !self.progress.contains_key(&section);
        is_new.then(|| {
            let mut after = self.clone();
            after.progress.insert(section, now);
            after
        })
    }

    /// Returns the time at which the last section was completed, if all are.
    pub fn completed_at(&self) -> Option<Timestamp> {
        let times = self.sections.iter().map(|section| self.progress.get(section).copied());
        times.collect::<Option<Vec<_>>>()?.into_iter().max()
    }

    /// Returns the time until which a link is kept: 90 days after the end of its time.
    pub fn kept_until(&self) -> Timestamp {
        self.expires_at.plus_millis(KEPT_MILLIS)
    }

    /// Returns the time at which a notice says that its time is over: none if it was used to its end before, or revoked.
    pub fn next_due(&self) -> Option<Timestamp> {
        let is_open = self.revoked_at.is_none() && self.completed_at().is_none() && !self.expiry_noticed;
        is_open.then_some(self.expires_at)
    }

    /// Takes the notice that its time is over. `None` if there is none at `now`.
    pub fn take_notice(&self, now: Timestamp) -> Option<Self> {
        self.next_due().filter(|due| *due <= now).map(|_| Self { expiry_noticed: true, ..self.clone() })
    }

    /// Revokes the link. `None` if it is revoked already: the first time holds.
    pub fn revoked(&self, now: Timestamp) -> Option<Self> {
        self.revoked_at.is_none().then(|| Self { revoked_at: Some(now), ..self.clone() })
    }
}

#[cfg(test)]
mod tests;
