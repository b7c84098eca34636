//! A version of an SSO configuration: the request to the identity provider and the domains of its users. One credential
//! submits it, another approves it. The transitions of its status are in [`super::approval`].

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::domain_name::{DomainName, RestrictedDomain};
use super::fields::{finish, text};
use super::ids::{SsoConfigurationId, VersionId};
use super::page::SortKey;
use super::words::words;
use crate::credential::{Credential, Lineage};
use crate::fields::Fields;
use crate::ids::CredentialId;
use crate::request::List;
use crate::{Failure, Faults, Timestamp, request, text_field};

/// Largest number of versions of a configuration.
pub const MAX_VERSIONS: u32 = 1_000;
/// Largest number of versions of a configuration that are `Pending` at the same time.
pub const MAX_OPEN_VERSIONS: u32 = 50;

/// Largest number of characters of most texts of a version.
const MAX_TEXT: usize = 255;
/// Largest number of characters of the name of a claim.
const MAX_CLAIM: usize = 60;

words! {
    /// Status of a version.
    VersionStatus {
        /// Active. A configuration has at most one such version.
        Active = "Active",
        /// Approved, and not active yet.
        Assignable = "Assignable",
        /// Submitted. Only such a version can be edited.
        Pending = "Pending",
        /// Rejected for good.
        Rejected = "Rejected",
        /// Approved, and not active any more.
        Inactive = "Inactive",
    }
}

impl VersionStatus {
    /// Returns true if the version was approved.
    pub fn is_approved(self) -> bool {
        match self {
            Self::Active | Self::Assignable | Self::Inactive => true,
            Self::Pending | Self::Rejected => false,
        }
    }
}

words! {
    /// Requirements on users who sign in.
    AuthenticationPolicy {
        /// Accept the terms with a click.
        ClickToAcceptTerms = "CLICK_TO_ACCEPT_TERMS",
        /// Sign the terms.
        EsignatureTerms = "ESIGNATURE_TERMS",
        /// Have recovery codes.
        RecoveryCodes = "RECOVERY_CODES",
        /// Use a second factor.
        TwoFactor = "TWO_FACTOR",
        /// Verify their e-mail address and mobile number.
        VerifyEmailAndMobile = "VERIFY_EMAIL_AND_MOBILE",
    }
}

request! {
    /// Body of a submission.
    pub struct CreateSsoConfigurationVersion {
        /// Client id at the identity provider: visible ASCII characters or spaces.
        required client_id: ClientId = "ClientID",
        /// Domains whose users must sign in with this configuration. `*` is every domain.
        required restricted_domains: List<ClaimableOrAny, 0, 10> = "RestrictedDomains",
        /// Domains whose users may sign in with this configuration.
        required supported_domains: List<Claimable, 0, 10> = "SupportedDomains",
        /// Claim of the ID token that has the user's groups.
        required group_claim: GroupClaim = "GroupClaim",
        /// Path of that claim in the ID token: a JSON path.
        optional group_claim_path: GroupClaimPath = "GroupClaimPath" default "$.".to_owned(),
        /// Scopes to request in addition to `openid email profile`, separated by spaces.
        optional additional_scope_values: Scopes = "AdditionalScopeValues" default String::new(),
        /// Requirements on users who sign in.
        required authentication_policies: List<AuthenticationPolicy, 0, { usize::MAX }> = "AuthenticationPolicies",
    }
}

request! {
    /// Body of an update: the whole content and the status. Another status is a decision on the version.
    pub struct UpdateSsoConfigurationVersion: CreateSsoConfigurationVersion {
        /// The new status.
        required status: VersionStatus = "Status",
    }
}

/// Content of a version. It is approved as a whole and never changes after the approval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionContent {
    /// Client id at the identity provider: 1 to 255 visible characters or spaces (RFC 6749, A.1).
    pub client_id: String,
    /// Domains whose users must sign in with this configuration; at most 10.
    #[serde(default)]
    pub restricted_domains: Vec<RestrictedDomain>,
    /// Domains whose users may sign in with this configuration; at most 10.
    #[serde(default)]
    pub supported_domains: Vec<DomainName>,
    /// Claim of the ID token that has the user's groups: 1 to 60 characters.
    pub group_claim: String,
    /// Path of that claim in the ID token: a JSON path, at most 255 characters.
    pub group_claim_path: String,
    /// Scopes to request in addition to `openid email profile`, separated by spaces: at most 255 characters.
    #[serde(default)]
    pub additional_scope_values: String,
    /// Requirements on users who sign in.
    #[serde(default)]
    pub authentication_policies: Vec<AuthenticationPolicy>,
}

/// The active version's data that its configuration stores.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActiveVersion {
    /// The version.
    pub id: VersionId,
    /// Domains whose users must sign in here. They are claimed while the version is active.
    #[serde(default)]
    pub restricted_domains: Vec<RestrictedDomain>,
    /// Domains whose users may sign in here.
    #[serde(default)]
    pub supported_domains: Vec<DomainName>,
}

/// An update of a version: the whole content and the status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionUpdate {
    /// The new content.
    pub content: VersionContent,
    /// The new status.
    pub status: VersionStatus,
}

/// A version, as it is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Version {
    /// Its configuration.
    pub configuration_id: SsoConfigurationId,
    /// Its id.
    pub id: VersionId,
    /// Number within its configuration: 1, 2, ...
    pub number: u32,
    /// Its content.
    pub content: VersionContent,
    /// Its status.
    pub status: VersionStatus,
    /// Author of the submission.
    pub submitted_by: Author,
    /// Author of the last change of the content.
    pub last_edited_by: Author,
    /// Author of the approval or rejection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<Author>,
    /// Time of the submission.
    pub created_at: Timestamp,
    /// Time of the last change.
    pub updated_at: Timestamp,
}

/// A credential that acted on a version, with its lineage at that time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    /// The credential.
    pub id: CredentialId,
    /// Origin of the credential, for four-eyes checks.
    pub lineage: Lineage,
}

impl From<&Credential> for Author {
    fn from(credential: &Credential) -> Self {
        Self { id: credential.id, lineage: credential.lineage.clone() }
    }
}

impl Author {
    /// Returns true if both count as one pair of eyes: they are the same credential, one replaced the other, or one
    /// created the other, directly or indirectly. So nobody can approve their own version with a new or rotated
    /// credential.
    pub fn is_one_with(&self, other: &Self) -> bool {
        self.lineage.is_one_with(&other.lineage)
    }
}

impl VersionContent {
    /// Parses the body of a submission.
    pub fn parse(mut fields: Fields) -> Result<Self, Failure> {
        let content = CreateSsoConfigurationVersion::read(&mut fields).into_content();
        finish(fields, content)
    }

    /// Returns the domains that must be proven before the version is active, without duplicates.
    pub fn domains(&self) -> BTreeSet<&DomainName> {
        self.restricted_domains.iter().filter_map(RestrictedDomain::domain).chain(&self.supported_domains).collect()
    }

    /// Returns the names of the fields that differ from `other`. Lists are sets: their order is no difference.
    pub fn differences(&self, other: &Self) -> Vec<&'static str> {
        fn differ<T: Ord>(one: &[T], other: &[T]) -> bool {
            BTreeSet::from_iter(one) != BTreeSet::from_iter(other)
        }
        [
            ("ClientID", self.client_id != other.client_id),
            ("RestrictedDomains", differ(&self.restricted_domains, &other.restricted_domains)),
            ("SupportedDomains", differ(&self.supported_domains, &other.supported_domains)),
            ("GroupClaim", self.group_claim != other.group_claim),
            ("GroupClaimPath", self.group_claim_path != other.group_claim_path),
            ("AdditionalScopeValues", self.additional_scope_values != other.additional_scope_values),
            ("AuthenticationPolicies", differ(&self.authentication_policies, &other.authentication_policies)),
        ]
        .into_iter()
        .filter_map(|(name, differs)| differs.then_some(name))
        .collect()
    }
}

impl VersionUpdate {
    /// Parses the body of an update.
    pub fn parse(mut fields: Fields) -> Result<Self, Failure> {
        let UpdateSsoConfigurationVersion { base, status } = UpdateSsoConfigurationVersion::read(&mut fields);
        let update = base.into_content().zip(status).map(|(content, status)| Self { content, status });
        finish(fields, update)
    }
}

impl Version {
    /// Returns true if it can be deleted. An approved version is kept.
    pub fn is_deletable(&self) -> bool {
        !self.status.is_approved()
    }

    /// Returns true if `author` submitted or last edited it, or counts as one with that author. Then somebody else has
    /// to decide.
    pub fn is_own(&self, author: &Author) -> bool {
        self.submitted_by.is_one_with(author) || self.last_edited_by.is_one_with(author)
    }

    /// Fields that a list can be sorted by.
    pub const SORTABLE: &[&'static str] = &["Version", "Status", "ClientID", "ID", "CreatedAt", "UpdatedAt"];

    /// Returns the value of the field, one of [`Version::SORTABLE`], to sort by.
    pub fn sort_key(&self, field: &str) -> SortKey<'_> {
        match field {
            "Version" => SortKey::Number(self.number.into()),
            "Status" => self.status.as_str().into(),
            "ClientID" => self.content.client_id.as_str().into(),
            "ID" => self.id.to_string().into(),
            "CreatedAt" => SortKey::Number(self.created_at.as_millis()),
            "UpdatedAt" => SortKey::Number(self.updated_at.as_millis()),
            _ => SortKey::Absent,
        }
    }
}

/// Parses the `status` parameters of a list of versions: one or more words, in repeated parameters or separated by
/// commas. An empty result means every status.
pub fn parse_status_filter<'q>(
    query: impl IntoIterator<Item = (&'q str, &'q str)>,
) -> Result<BTreeSet<VersionStatus>, Faults> {
    let mut faults = Faults::default();
    let words = query.into_iter().filter(|(name, _)| *name == "status").flat_map(|(_, value)| value.split(','));
    let statuses = words.filter_map(|word| faults.take("status", VersionStatus::parse(word))).collect();
    if faults.is_empty() { Ok(statuses) } else { Err(faults) }
}

impl CreateSsoConfigurationVersion {
    fn into_content(self) -> Option<VersionContent> {
        Some(VersionContent {
            client_id: self.client_id?,
            restricted_domains: self.restricted_domains?,
            supported_domains: self.supported_domains?,
            group_claim: self.group_claim?,
            group_claim_path: self.group_claim_path?,
            additional_scope_values: self.additional_scope_values?,
            authentication_policies: self.authentication_policies?,
        })
    }
}

/// A client id, as a request has it.
pub enum ClientId {}

text_field!(ClientId => String, client_id, {"type": "string", "minLength": 1, "maxLength": MAX_TEXT});

/// An entry of RestrictedDomains, as a request has it.
pub enum ClaimableOrAny {}

text_field!(ClaimableOrAny => RestrictedDomain, restricted_domain, {"type": "string", "maxLength": MAX_TEXT, "pattern": r"^\S*$"});

/// An entry of SupportedDomains, as a request has it.
pub enum Claimable {}

text_field!(Claimable => DomainName, supported_domain, {"type": "string", "maxLength": MAX_TEXT, "pattern": r"^\S*$"});

/// A name of a claim, as a request has it.
pub enum GroupClaim {}

text_field!(GroupClaim => String, |claim| text(claim, 1..=MAX_CLAIM), {
    "type": "string", "minLength": 1, "maxLength": MAX_CLAIM
});

/// A path of a claim, as a request has it.
pub enum GroupClaimPath {}

text_field!(GroupClaimPath => String, group_claim_path, {
    "type": "string", "maxLength": MAX_TEXT, "pattern": r"^\$[.\[].*"
});

/// Scopes, as a request has them.
pub enum Scopes {}

text_field!(Scopes => String, scopes, {"type": "string", "maxLength": MAX_TEXT});

fn client_id(text: &str) -> Result<String, &'static str> {
    let sound = (1..=MAX_TEXT).contains(&text.len()) && text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    sound.then(|| text.to_owned()).ok_or("must be 1 to 255 printable ASCII characters")
}

fn restricted_domain(text: &str) -> Result<RestrictedDomain, &'static str> {
    let restricted = RestrictedDomain::parse(text)?;
    restricted.domain().map_or(Ok(()), DomainName::claimable)?;
    Ok(restricted)
}

fn supported_domain(text: &str) -> Result<DomainName, &'static str> {
    if text == "*" {
        return Err("must be a domain: `*` may stand in RestrictedDomains only");
    }
    let domain = DomainName::parse(text)?;
    domain.claimable()?;
    Ok(domain)
}

/// Checks the documented pattern `^\$[.\[].*`.
fn group_claim_path(path: &str) -> Result<String, String> {
    let path = text(path, 1..=MAX_TEXT)?;
    if path.starts_with("$.") || path.starts_with("$[") {
        Ok(path)
    } else {
        Err("must be a JSON path that begins with `$.` or `$[`".to_owned())
    }
}

/// Checks scope tokens (RFC 6749, 3.3) separated by spaces.
fn scopes(scopes: &str) -> Result<String, String> {
    let scopes = text(scopes, 0..=MAX_TEXT)?;
    let sound = scopes.bytes().all(|byte| matches!(byte, b' '..=b'!' | b'#'..=b'[' | b']'..=b'~'));
    if sound { Ok(scopes) } else { Err("must be scopes separated by spaces".to_owned()) }
}

#[cfg(test)]
pub(crate) mod tests;
