//! An SSO configuration of an authorisation server. What it configures stands in its versions; the configuration holds
//! what is so whichever of them is active, and which one is.

use serde::{Deserialize, Serialize};

use super::domain_name::{DomainName, RestrictedDomain};
use super::email_address::EmailAddress;
use super::fields::{finish, optional, required, required_list};
use super::https_url::HttpsUrl;
use super::ids::{AuthorisationServerId, OrganisationId, SsoConfigurationId, VersionId};
use super::named_domains::NamedDomains;
use super::page::SortKey;
use super::words::words;
use crate::credential::parse_label;
use crate::fields::Fields;
use crate::{Failure, Timestamp};

/// SSO configurations that an authorisation server may have.
pub const MOST_CONFIGURATIONS: usize = 1_000;

words! {
    /// Whether an SSO configuration is in use.
    ConfigurationStatus {
        /// It is.
        Active = "Active",
        /// It is not: nobody signs in through it, whichever version is active.
        Inactive = "Inactive",
    }
}

/// An SSO configuration as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SsoConfiguration {
    /// Whose it is.
    pub organisation_id: OrganisationId,
    /// Of which server.
    pub server_id: AuthorisationServerId,
    /// Its id.
    pub id: SsoConfigurationId,
    /// What people call it: 1 to 64 characters.
    pub display_name: String,
    /// 1 to 10 addresses.
    pub contacts: Vec<EmailAddress>,
    /// Where the identity provider sends people back to. Kept as it was told to that provider, whatever base new ones
    /// are made on.
    pub redirect_uri: String,
    /// Made by the service; never changes.
    pub text_record: String,
    /// Whether it is in use.
    pub status: ConfigurationStatus,
    /// The one version in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<ActiveVersion>,
    /// The domains that its versions name.
    #[serde(default)]
    pub domains: NamedDomains,
    /// The number of the newest version ever made; 0 before the first. Numbers of deleted versions are not used again.
    pub version_counter: u32,
    /// Versions that there are.
    pub versions: u32,
    /// How many of them are `Pending`.
    pub open_versions: u32,
    /// Whether any version was ever approved: then the configuration is not deleted.
    pub ever_approved: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// The active version, as its configuration remembers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActiveVersion {
    /// Which.
    pub id: VersionId,
    /// Domains whose people must sign in here; claimed while this is active.
    #[serde(default)]
    pub restricted_domains: Vec<RestrictedDomain>,
    /// Domains whose people may sign in here.
    #[serde(default)]
    pub supported_domains: Vec<DomainName>,
}

/// What a new configuration is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewConfiguration {
    /// 1 to 64 characters.
    pub display_name: String,
    /// 1 to 10 addresses.
    pub contacts: Vec<EmailAddress>,
    /// The end of its redirect URI; its id where there is none.
    pub redirect_uri_suffix: Option<RedirectUriSuffix>,
}

/// What a configuration is to become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigurationUpdate {
    /// 1 to 64 characters.
    pub display_name: String,
    /// 1 to 10 addresses.
    pub contacts: Vec<EmailAddress>,
    /// `None` keeps the redirect URI.
    pub redirect_uri_suffix: Option<RedirectUriSuffix>,
    /// `Active` where the request says nothing: the documented default.
    pub status: ConfigurationStatus,
}

impl NewConfiguration {
    /// Reads the body of a creation. A `TextRecord` in it is not looked at: a proof that the prover may choose proves
    /// nothing.
    pub fn parse(mut fields: Fields) -> Result<Self, Failure> {
        let new = read(&mut fields);
        finish(fields, new)
    }
}

impl ConfigurationUpdate {
    /// Reads the body of an update. A `TextRecord` in it is not looked at.
    pub fn parse(mut fields: Fields) -> Result<Self, Failure> {
        let status = optional(&mut fields, "Status", ConfigurationStatus::parse);
        let update = read(&mut fields).map(|new| Self {
            display_name: new.display_name,
            contacts: new.contacts,
            redirect_uri_suffix: new.redirect_uri_suffix,
            status: status.unwrap_or(ConfigurationStatus::Active),
        });
        finish(fields, update)
    }
}

fn read(fields: &mut Fields) -> Option<NewConfiguration> {
    let display_name = required(fields, "DisplayName", |text| parse_label(text, 64));
    let contacts = required_list(fields, "Contacts", 1..=10, EmailAddress::parse);
    let suffix = optional(fields, "RedirectUriSuffix", RedirectUriSuffix::parse);
    let (display_name, contacts) = display_name.zip(contacts)?;
    Some(NewConfiguration { display_name, contacts, redirect_uri_suffix: suffix })
}

impl SsoConfiguration {
    /// A new configuration with no version. `random` is for its TextRecord.
    pub fn new(
        server: (OrganisationId, AuthorisationServerId),
        id: SsoConfigurationId,
        new: NewConfiguration,
        base: &RedirectBase,
        random: [u8; 20],
        now: Timestamp,
    ) -> Self {
        let redirect_uri = match &new.redirect_uri_suffix {
            Some(suffix) => base.with_suffix(suffix),
            None => base.with_id(id),
        };
        Self {
            organisation_id: server.0,
            server_id: server.1,
            id,
            display_name: new.display_name,
            contacts: new.contacts,
            redirect_uri,
            text_record: text_record(random),
            status: ConfigurationStatus::Active,
            active: None,
            domains: NamedDomains::default(),
            version_counter: 0,
            versions: 0,
            open_versions: 0,
            ever_approved: false,
            created_at: now,
            updated_at: now,
        }
    }

    /// This configuration with `update`. An update that says what is so already changes nothing.
    #[must_use]
    pub fn updated(&self, update: ConfigurationUpdate, base: &RedirectBase, now: Timestamp) -> Self {
        let suffix = update.redirect_uri_suffix.as_ref();
        let mut after = Self {
            display_name: update.display_name,
            contacts: update.contacts,
            redirect_uri: suffix.map_or_else(|| self.redirect_uri.clone(), |suffix| base.with_suffix(suffix)),
            status: update.status,
            ..self.clone()
        };
        if after != *self {
            after.updated_at = now;
        }
        after
    }

    /// Whether it may be deleted: what people signed in through, or could have, is kept.
    pub fn is_deletable(&self) -> bool {
        !self.ever_approved
    }

    /// What a list of these can be sorted by.
    pub const SORTABLE: &[&'static str] = &["DisplayName", "ID", "Status", "CreatedAt", "UpdatedAt"];

    /// What this is sorted by under one of [`SsoConfiguration::SORTABLE`].
    pub fn sort_key(&self, field: &str) -> SortKey<'_> {
        match field {
            "DisplayName" => self.display_name.as_str().into(),
            "ID" => self.id.to_string().into(),
            "Status" => self.status.as_str().into(),
            "CreatedAt" => SortKey::Number(self.created_at.as_millis()),
            "UpdatedAt" => SortKey::Number(self.updated_at.as_millis()),
            _ => SortKey::Absent,
        }
    }
}

/// The end of a redirect URI: 1 to 40 characters that a path can hold unescaped, `/` among them. No empty, `.` or `..`
/// segments, so that it stays below its base.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedirectUriSuffix(String);

impl RedirectUriSuffix {
    /// Reads a suffix, with or without the `/` that separates it from the base.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if !(1..=40).contains(&text.chars().count()) {
            return Err("must be 1 to 40 characters");
        }
        let path = text.strip_prefix('/').unwrap_or(text);
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(&byte);
        let is_segment = |segment: &str| !matches!(segment, "" | "." | "..") && segment.bytes().all(plain);
        let sound = path.split('/').all(is_segment);
        sound
            .then(|| Self(path.to_owned()))
            .ok_or("must be a path that needs no escaping, without empty, `.` or `..` segments")
    }
}

/// What redirect URIs begin with: an `https` URL without a query, short enough that every redirect URI is at most 255
/// characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedirectBase(String);

impl RedirectBase {
    /// Reads the base, with or without a `/` at its end.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let url = HttpsUrl::parse(text)?;
        if url.has_query() {
            return Err("must not have a query");
        }
        // 40 characters of a suffix, and the `/` before it.
        let base = text.trim_end_matches('/');
        if base.len() > 255 - 41 {
            return Err("must be at most 214 characters");
        }
        Ok(Self(base.to_owned()))
    }

    fn with_suffix(&self, suffix: &RedirectUriSuffix) -> String {
        format!("{}/{}", self.0, suffix.0)
    }

    fn with_id(&self, id: SsoConfigurationId) -> String {
        format!("{}/{id}", self.0)
    }
}

/// The TextRecord of a new configuration: 160 random bits.
fn text_record(random: [u8; 20]) -> String {
    format!("trustplane-sso-configuration={}", super::base32::encode(&random))
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::{Value, json};

    use super::super::fields::{of, wrong};
    use super::*;

    pub(crate) fn sample() -> SsoConfiguration {
        make(json!({"DisplayName": "Acme staff", "Contacts": ["it@acme.example"]}))
    }

    fn make(body: Value) -> SsoConfiguration {
        let now = Timestamp::from_millis(1_000);
        let server = (OrganisationId::parse_new("acme").unwrap(), AuthorisationServerId::new(now, [1; 10]));
        let new = NewConfiguration::parse(of(body)).unwrap();
        SsoConfiguration::new(server, SsoConfigurationId::new(now, [2; 10]), new, &base(), [3; 20], now)
    }

    fn base() -> RedirectBase {
        RedirectBase::parse("https://sso.trustplane.example/callback/").unwrap()
    }

    fn update(body: Value) -> Result<ConfigurationUpdate, Failure> {
        ConfigurationUpdate::parse(of(body))
    }

    #[test]
    fn the_documented_example_is_read() {
        let read = update(json!({
            "DisplayName": "string",
            "Contacts": ["user@example.com"],
            "Status": "Active",
            "TextRecord": "mine",
            "RedirectUriSuffix": "string",
        }));
        let read = read.unwrap();
        assert_eq!((read.display_name.as_str(), read.status), ("string", ConfigurationStatus::Active));
    }

    #[test]
    fn without_a_status_an_update_means_active() {
        let body = json!({"DisplayName": "a", "Contacts": ["a@b.example"], "Status": null});
        assert_eq!(update(body).unwrap().status, ConfigurationStatus::Active);
    }

    #[test]
    fn all_faults_are_told_at_once() {
        let fields = wrong(update(json!({
            "DisplayName": "x".repeat(65),
            "Contacts": ["it@acme.example", "nobody"],
            "RedirectUriSuffix": "",
            "Status": "Pending",
        })));
        assert_eq!(fields, ["Contacts[1]", "DisplayName", "RedirectUriSuffix", "Status"]);
        assert_eq!(wrong(update(json!({"Contacts": []}))), ["Contacts", "DisplayName"]);
    }

    #[test]
    fn contacts_are_one_to_ten() {
        let with = |count: usize| {
            let contacts: Vec<String> = (0..count).map(|number| format!("a{number}@acme.example")).collect();
            update(json!({"DisplayName": "a", "Contacts": contacts})).is_ok()
        };
        assert_eq!([0, 1, 10, 11].map(with), [false, true, true, false]);
    }

    #[test]
    fn the_redirect_uri_ends_in_the_suffix_or_the_id() {
        let without = sample();
        assert_eq!(without.redirect_uri, format!("https://sso.trustplane.example/callback/{}", without.id));
        let with = make(json!({"DisplayName": "a", "Contacts": ["a@b.example"], "RedirectUriSuffix": "/acme/staff"}));
        assert_eq!(with.redirect_uri, "https://sso.trustplane.example/callback/acme/staff");

        let body = json!({"DisplayName": "b", "Contacts": ["a@b.example"]});
        let kept = with.updated(update(body.clone()).unwrap(), &base(), Timestamp::from_millis(2_000));
        assert_eq!((kept.redirect_uri.as_str(), kept.display_name.as_str()), (with.redirect_uri.as_str(), "b"));
        let mut body = body;
        body["RedirectUriSuffix"] = json!("other");
        let moved = kept.updated(update(body).unwrap(), &base(), Timestamp::from_millis(3_000));
        assert_eq!(moved.redirect_uri, "https://sso.trustplane.example/callback/other");
        assert_eq!(moved.text_record, with.text_record);
        assert_eq!(moved.updated_at, Timestamp::from_millis(3_000));
    }

    #[test]
    fn an_update_that_changes_nothing_changes_nothing() {
        let before = sample();
        let body = json!({"DisplayName": "Acme staff", "Contacts": ["it@acme.example"]});
        assert_eq!(before.updated(update(body).unwrap(), &base(), Timestamp::from_millis(9)), before);
    }

    #[test]
    fn a_suffix_stays_below_the_base() {
        for sound in ["a", "/a", "a/b", "a:b@c", &"x".repeat(40)] {
            assert!(RedirectUriSuffix::parse(sound).is_ok(), "{sound}");
        }
        for wrong in ["", "/", "//a", "a//b", "a/", "..", "a/../b", ".", "a?b", "a#b", "a%2eb", "a b", "\u{e9}", "a\\b"]
        {
            assert!(RedirectUriSuffix::parse(wrong).is_err(), "{wrong}");
        }
        assert!(RedirectUriSuffix::parse(&"x".repeat(41)).is_err());
    }

    #[test]
    fn every_redirect_uri_fits() {
        let longest = format!("https://sso.example/{}", "x".repeat(214 - 20));
        let base = RedirectBase::parse(&longest).unwrap();
        assert_eq!(base.with_suffix(&RedirectUriSuffix::parse(&"y".repeat(40)).unwrap()).len(), 255);
        assert!(RedirectBase::parse(&format!("{longest}x")).is_err());
        assert!(RedirectBase::parse("https://sso.example/?a=").is_err());
        assert!(RedirectBase::parse("http://sso.example/").is_err());
    }

    #[test]
    fn the_text_record_is_the_services_own() {
        let text = sample().text_record;
        assert_eq!(text, "trustplane-sso-configuration=ambqgaydambqgaydambqgaydambqgayd");
    }

    #[test]
    fn what_is_kept_is_read_back() {
        let kept = serde_json::to_value(sample()).unwrap();
        assert_eq!(serde_json::from_value::<SsoConfiguration>(kept).unwrap(), sample());
    }

    #[test]
    fn every_sortable_field_has_a_key() {
        let item = sample();
        for field in SsoConfiguration::SORTABLE {
            assert_ne!(item.sort_key(field), SortKey::Absent, "{field}");
        }
    }
}
