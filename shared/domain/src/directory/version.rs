//! A version of an SSO configuration: what an identity provider is asked and for whom it answers, as somebody submitted
//! it and somebody else approved it. What may become of one stands in [`super::approval`].

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::domain_name::{DomainName, RestrictedDomain};
use super::fields::{finish, optional, required, required_list, text};
use super::ids::{SsoConfigurationId, VersionId};
use super::page::SortKey;
use super::words::words;
use crate::credential::{Credential, Lineage};
use crate::fields::Fields;
use crate::ids::CredentialId;
use crate::{Failure, Faults, Timestamp};

/// Versions that a configuration may have.
pub const MOST_VERSIONS: u32 = 1_000;
/// Versions of a configuration that may be `Pending` at a time.
pub const MOST_OPEN_VERSIONS: u32 = 50;

words! {
    /// How far a version has come.
    VersionStatus {
        /// In use. At most one version of a configuration is.
        Active = "Active",
        /// Approved, and not in use yet.
        Assignable = "Assignable",
        /// Submitted. Nothing else is edited.
        Pending = "Pending",
        /// Refused, for good.
        Rejected = "Rejected",
        /// Approved, and no longer in use.
        Inactive = "Inactive",
    }
}

impl VersionStatus {
    /// Whether somebody approved it.
    pub fn is_approved(self) -> bool {
        match self {
            Self::Active | Self::Assignable | Self::Inactive => true,
            Self::Pending | Self::Rejected => false,
        }
    }
}

words! {
    /// What people must do when they sign in.
    AuthenticationPolicy {
        /// Accept the terms by a click.
        ClickToAcceptTerms = "CLICK_TO_ACCEPT_TERMS",
        /// Sign the terms.
        EsignatureTerms = "ESIGNATURE_TERMS",
        /// Have recovery codes.
        RecoveryCodes = "RECOVERY_CODES",
        /// Show a second factor.
        TwoFactor = "TWO_FACTOR",
        /// Prove their e-mail address and mobile number.
        VerifyEmailAndMobile = "VERIFY_EMAIL_AND_MOBILE",
    }
}

/// What is approved as a whole and never changes after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionContent {
    /// The client id at the identity provider: 1 to 255 visible characters or spaces (RFC 6749, A.1).
    pub client_id: String,
    /// At most 10: domains whose people must sign in through this.
    #[serde(default)]
    pub restricted_domains: Vec<RestrictedDomain>,
    /// At most 10: domains whose people may sign in through this.
    #[serde(default)]
    pub supported_domains: Vec<DomainName>,
    /// The claim of the ID token that holds people's groups: 1 to 60 characters.
    pub group_claim: String,
    /// Where in the ID token that claim is: a JSON path, at most 255 characters.
    pub group_claim_path: String,
    /// Scopes to ask for beside `openid email profile`, separated by spaces: at most 255 characters.
    #[serde(default)]
    pub additional_scope_values: String,
    /// What people must do when they sign in.
    #[serde(default)]
    pub authentication_policies: Vec<AuthenticationPolicy>,
}

/// The body of an update: the whole content and the status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionUpdate {
    /// What the version is to hold.
    pub content: VersionContent,
    /// How far it is to come.
    pub status: VersionStatus,
}

/// A version as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Version {
    /// Of which configuration.
    pub configuration_id: SsoConfigurationId,
    /// Its id.
    pub id: VersionId,
    /// 1, 2, ... within its configuration.
    pub number: u32,
    /// What it holds.
    pub content: VersionContent,
    /// How far it has come.
    pub status: VersionStatus,
    /// Who submitted it.
    pub submitted_by: Author,
    /// Who last changed its content.
    pub last_edited_by: Author,
    /// Who approved or rejected it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<Author>,
    /// When it was submitted.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// A credential and where it comes from, as it was when it did something to a version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    /// Which.
    pub id: CredentialId,
    /// Whose hands it went through.
    pub lineage: Lineage,
}

impl From<&Credential> for Author {
    fn from(credential: &Credential) -> Self {
        Self { id: credential.id, lineage: credential.lineage.clone() }
    }
}

impl Author {
    /// Whether the two count as one pair of eyes: the same credential, one that took its place, or one that made the other
    /// or its maker. So neither a new key nor a rotated one approves what its owner wrote.
    pub fn is_one_with(&self, other: &Self) -> bool {
        self.lineage.is_one_with(&other.lineage)
    }
}

impl VersionContent {
    /// Reads the body of a submission.
    pub fn parse(mut fields: Fields) -> Result<Self, Failure> {
        let content = read(&mut fields);
        finish(fields, content)
    }

    /// The domains that must be proven before this is used, each once.
    pub fn domains(&self) -> BTreeSet<&DomainName> {
        self.restricted_domains.iter().filter_map(RestrictedDomain::domain).chain(&self.supported_domains).collect()
    }

    /// The names of the fields that are not as in `other`.
    pub fn differences(&self, other: &Self) -> Vec<&'static str> {
        [
            ("ClientID", self.client_id != other.client_id),
            ("RestrictedDomains", self.restricted_domains != other.restricted_domains),
            ("SupportedDomains", self.supported_domains != other.supported_domains),
            ("GroupClaim", self.group_claim != other.group_claim),
            ("GroupClaimPath", self.group_claim_path != other.group_claim_path),
            ("AdditionalScopeValues", self.additional_scope_values != other.additional_scope_values),
            ("AuthenticationPolicies", self.authentication_policies != other.authentication_policies),
        ]
        .into_iter()
        .filter_map(|(name, differs)| differs.then_some(name))
        .collect()
    }
}

impl VersionUpdate {
    /// Reads the body of an update.
    pub fn parse(mut fields: Fields) -> Result<Self, Failure> {
        let status = required(&mut fields, "Status", VersionStatus::parse);
        let update = read(&mut fields).zip(status).map(|(content, status)| Self { content, status });
        finish(fields, update)
    }
}

impl Version {
    /// Whether it may be deleted: what was approved is kept.
    pub fn is_deletable(&self) -> bool {
        !self.status.is_approved()
    }

    /// Whether `author` submitted or last edited it, or is one with who did: then it is for somebody else to decide.
    pub fn is_own(&self, author: &Author) -> bool {
        self.submitted_by.is_one_with(author) || self.last_edited_by.is_one_with(author)
    }

    /// What a list of versions can be sorted by.
    pub const SORTABLE: &[&'static str] = &["Version", "Status", "ClientID", "ID", "CreatedAt", "UpdatedAt"];

    /// What this is sorted by under one of [`Version::SORTABLE`].
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

/// Reads the `status` parameters of a list of versions: one or more words, said again or separated by commas. Empty
/// where nothing is asked for: every status is shown.
pub fn parse_status_filter<'q>(
    query: impl IntoIterator<Item = (&'q str, &'q str)>,
) -> Result<BTreeSet<VersionStatus>, Faults> {
    let mut faults = Faults::default();
    let words = query.into_iter().filter(|(name, _)| *name == "status").flat_map(|(_, value)| value.split(','));
    let statuses = words.filter_map(|word| faults.take("status", VersionStatus::parse(word))).collect();
    if faults.is_empty() { Ok(statuses) } else { Err(faults) }
}

fn read(fields: &mut Fields) -> Option<VersionContent> {
    let client_id = required(fields, "ClientID", client_id);
    let restricted = required_list(fields, "RestrictedDomains", 0..=10, restricted_domain);
    let supported = required_list(fields, "SupportedDomains", 0..=10, supported_domain);
    let group_claim = required(fields, "GroupClaim", |claim| text(claim, 1..=60));
    let group_claim_path = optional(fields, "GroupClaimPath", group_claim_path);
    let scopes = optional(fields, "AdditionalScopeValues", scopes);
    let policies = required_list(fields, "AuthenticationPolicies", 0..=usize::MAX, AuthenticationPolicy::parse);
    Some(VersionContent {
        client_id: client_id?,
        restricted_domains: restricted?,
        supported_domains: supported?,
        group_claim: group_claim?,
        group_claim_path: group_claim_path.unwrap_or_else(|| "$.".to_owned()),
        additional_scope_values: scopes.unwrap_or_default(),
        authentication_policies: policies?,
    })
}

fn client_id(text: &str) -> Result<String, &'static str> {
    let sound = (1..=255).contains(&text.len()) && text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
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

/// The documented pattern `^\$[.\[].*`.
fn group_claim_path(path: &str) -> Result<String, String> {
    let path = text(path, 1..=255)?;
    if path.starts_with("$.") || path.starts_with("$[") {
        Ok(path)
    } else {
        Err("must be a JSON path that begins with `$.` or `$[`".to_owned())
    }
}

/// Scope tokens (RFC 6749, 3.3) separated by spaces.
fn scopes(scopes: &str) -> Result<String, String> {
    let scopes = text(scopes, 0..=255)?;
    let sound = scopes.bytes().all(|byte| matches!(byte, b' '..=b'!' | b'#'..=b'[' | b']'..=b'~'));
    if sound { Ok(scopes) } else { Err("must be scopes separated by spaces".to_owned()) }
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::{Value, json};

    use super::super::fields::{of, wrong};
    use super::*;

    pub(crate) fn body() -> Value {
        json!({
            "ClientID": "trustplane",
            "RestrictedDomains": ["acme.example", "*"],
            "SupportedDomains": ["Acme-Partners.example"],
            "GroupClaim": "groups",
            "AuthenticationPolicies": ["TWO_FACTOR"],
        })
    }

    pub(crate) fn content(body: &Value) -> Result<VersionContent, Failure> {
        VersionContent::parse(of(body.clone()))
    }

    fn with(field: &str, value: Value) -> Result<VersionContent, Vec<String>> {
        let mut body = body();
        body[field] = value;
        content(&body).map_err(|failure| wrong::<()>(Err(failure)))
    }

    #[test]
    fn defaults_are_the_documented_ones() {
        let content = content(&body()).unwrap();
        assert_eq!((content.group_claim_path.as_str(), content.additional_scope_values.as_str()), ("$.", ""));
        assert_eq!(content.supported_domains[0].as_str(), "acme-partners.example");
        let domains: Vec<&str> = content.domains().into_iter().map(DomainName::as_str).collect();
        assert_eq!(domains, ["acme-partners.example", "acme.example"]);
    }

    #[test]
    fn every_required_field_is_missed() {
        let fields = wrong(VersionUpdate::parse(of(json!({}))));
        let expected =
            ["AuthenticationPolicies", "ClientID", "GroupClaim", "RestrictedDomains", "Status", "SupportedDomains"];
        assert_eq!(fields, expected);
    }

    #[test]
    fn limits_are_the_documented_ones() {
        let domains = |count: usize| (0..count).map(|number| format!("d{number}.example")).collect::<Vec<_>>();
        for (field, value) in [
            ("ClientID", json!("x".repeat(255))),
            ("RestrictedDomains", json!(domains(10))),
            ("RestrictedDomains", json!([])),
            ("SupportedDomains", json!(domains(10))),
            ("GroupClaim", json!("x".repeat(60))),
            ("GroupClaimPath", json!("$['a']")),
            ("GroupClaimPath", json!(format!("$.{}", "x".repeat(253)))),
            ("AdditionalScopeValues", json!("groups roles:read")),
            ("AuthenticationPolicies", json!([])),
        ] {
            assert!(with(field, value.clone()).is_ok(), "{field}: {value}");
        }
        for (field, value) in [
            ("ClientID", json!("")),
            ("ClientID", json!("x".repeat(256))),
            ("ClientID", json!("a\u{e9}")),
            ("RestrictedDomains", json!(domains(11))),
            ("SupportedDomains", json!(domains(11))),
            ("SupportedDomains", json!("acme.example")),
            ("GroupClaim", json!("x".repeat(61))),
            ("GroupClaim", json!("")),
            ("GroupClaimPath", json!("groups")),
            ("GroupClaimPath", json!("$x")),
            ("GroupClaimPath", json!(format!("$.{}", "x".repeat(254)))),
            ("AdditionalScopeValues", json!("x".repeat(256))),
            ("AdditionalScopeValues", json!("a\"b")),
        ] {
            assert_eq!(with(field, value.clone()), Err(vec![field.to_owned()]), "{field}: {value}");
        }
    }

    #[test]
    fn each_wrong_domain_is_named() {
        let wrong = json!(["acme.example", "co.uk", "gmail.com", "a b.example", "*"]);
        let expected = ["RestrictedDomains[1]", "RestrictedDomains[2]", "RestrictedDomains[3]"];
        assert_eq!(with("RestrictedDomains", wrong.clone()).unwrap_err(), expected);
        let expected = ["SupportedDomains[1]", "SupportedDomains[2]", "SupportedDomains[3]", "SupportedDomains[4]"];
        assert_eq!(with("SupportedDomains", wrong).unwrap_err(), expected);
        let expected = ["AuthenticationPolicies[0]"];
        assert_eq!(with("AuthenticationPolicies", json!(["two_factor"])).unwrap_err(), expected);
    }

    #[test]
    fn one_domain_in_two_spellings_is_one() {
        let content = with("RestrictedDomains", json!(["ACME.example", "acme.example."])).unwrap();
        assert_eq!(content.restricted_domains.len(), 1);
    }

    #[test]
    fn the_changed_fields_are_named() {
        let before = content(&body()).unwrap();
        assert!(before.differences(&before).is_empty());
        let mut after = before.clone();
        after.client_id.push('x');
        after.supported_domains.clear();
        assert_eq!(after.differences(&before), ["ClientID", "SupportedDomains"]);
    }

    #[test]
    fn statuses_are_filtered_by_one_or_more_words() {
        let parse = |query: &[(&'static str, &'static str)]| parse_status_filter(query.iter().copied());
        let both = BTreeSet::from([VersionStatus::Active, VersionStatus::Pending]);
        assert_eq!(parse(&[("status", "Active,Pending"), ("page", "x")]), Ok(both.clone()));
        assert_eq!(parse(&[("status", "Active"), ("status", "Pending")]), Ok(both));
        assert_eq!(parse(&[]), Ok(BTreeSet::new()));
        for wrong in ["", "active", "Active,", "Gone"] {
            assert!(parse(&[("status", wrong)]).is_err(), "{wrong}");
        }
    }
}
