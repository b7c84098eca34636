//! The metadata URL of a provider, and everything that is known of the document there.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Document, EntityId, LoginUrl, Settings};
use crate::outbound::{OutboundUrl, Validators};
use crate::timestamp::{MINUTE, Timestamp};

/// Time between two fetches by the schedule.
pub const INTERVAL: i64 = 6 * 60 * MINUTE;
/// Time to the next fetch after a first failure. It doubles with each further one, up to [`INTERVAL`].
const FIRST_RETRY: i64 = 15 * MINUTE;
/// Fetches that are kept.
const FETCHES: usize = 20;

/// Choice of what is trusted of a document that has none of the certificates that are trusted already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trust {
    /// Nothing: an administrator has to accept it. New certificates are trusted only beside one that is trusted already.
    #[default]
    Continuous,
    /// Everything: the server of the URL, which TLS authenticates, speaks for the provider.
    Tls,
}

/// State of a provider's metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MetadataStatus {
    /// The last document is applied.
    Current,
    /// The last fetch failed.
    Unreachable,
    /// The last document cannot be used.
    Invalid,
    /// The last document has another entity id, login URL or signing wish. It is not applied.
    Changed,
    /// The last document has no certificate that is trusted. It is not applied.
    AllKeysChanged,
    /// The last document would make more certificates than a provider may have. It is not applied.
    Limit,
}

/// The metadata URL of a provider, and the state of the document there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// The URL. Path and query may hold a token.
    pub(super) url: OutboundUrl,
    pub(super) trust: Trust,
    pub(super) status: MetadataStatus,
    /// Settings of the document that was applied last.
    pub(super) applied: Settings,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) pending: Vec<Pending>,
    #[serde(default)]
    pub(super) validators: Validators,
    /// Time until which the last document may be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) valid_until: Option<Timestamp>,
    /// SHA-256 of the last document that was read.
    pub(super) document_sha256: String,
    pub(super) checked_at: Timestamp,
    pub(super) next_check_at: Timestamp,
    /// Time of the last fetch that a caller asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) requested_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) failing: Option<Failing>,
    /// Status and pending changes of the last report that a document is not applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) held: Option<(MetadataStatus, Vec<Pending>)>,
    /// The newest first.
    #[serde(default)]
    pub(super) fetches: Vec<Fetch>,
}

/// Fetches that failed in a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Failing {
    pub(super) since: Timestamp,
    pub(super) times: u32,
    pub(super) is_reported: bool,
}

/// A change that a document offers and that waits for an administrator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "MetadataPending"))]
pub struct Pending {
    /// `entity_id`, `login_url`, `want_request_signed`, or `certificates`.
    pub field: PendingField,
    /// The value that is used. Of certificates, SHA-256 fingerprints with a space between two.
    pub current: String,
    /// The value that the document has.
    pub offered: String,
}

/// A field of [`Pending`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
#[serde(rename_all = "snake_case")]
pub enum PendingField {
    /// The name of the provider.
    EntityId,
    /// The address of its sign-in page.
    LoginUrl,
    /// Its wish for signed requests.
    WantRequestSigned,
    /// Its certificates.
    Certificates,
}

/// One fetch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fetch {
    /// Time of the fetch.
    pub at: Timestamp,
    /// Status after it.
    pub status: MetadataStatus,
    /// Reason of a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// SHA-256 of the document; `None` where there is none, or it is the one of the fetch before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_sha256: Option<String>,
}

impl Metadata {
    /// The metadata of a provider that was made of `document`.
    pub(super) fn new(url: OutboundUrl, trust: Trust, document: &Document, now: Timestamp) -> Self {
        let mut metadata = Self {
            url,
            trust,
            status: MetadataStatus::Current,
            applied: document.offer.settings.clone(),
            pending: Vec::new(),
            validators: Validators::default(),
            valid_until: None,
            document_sha256: String::new(),
            checked_at: now,
            next_check_at: now.plus_millis(INTERVAL),
            requested_at: None,
            failing: None,
            held: None,
            fetches: Vec::new(),
        };
        metadata.keep(document);
        metadata.fetched(MetadataStatus::Current, None, Some(&document.sha256), now);
        metadata
    }

    /// The URL.
    pub fn url(&self) -> &OutboundUrl {
        &self.url
    }

    /// The choice of what is trusted.
    pub fn trust(&self) -> Trust {
        self.trust
    }

    /// The state.
    pub fn status(&self) -> MetadataStatus {
        self.status
    }

    /// Changes that wait for an administrator.
    pub fn pending(&self) -> &[Pending] {
        &self.pending
    }

    /// SHA-256 of the last document that was read.
    pub fn document_sha256(&self) -> &str {
        &self.document_sha256
    }

    /// Time of the last fetch.
    pub fn checked_at(&self) -> Timestamp {
        self.checked_at
    }

    /// Time of the next fetch by the schedule.
    pub fn next_check_at(&self) -> Timestamp {
        self.next_check_at
    }

    /// The last fetches, newest first.
    pub fn fetches(&self) -> &[Fetch] {
        &self.fetches
    }

    /// Milliseconds until a caller may ask for a fetch again: one per minute. `None` if that is now.
    pub fn wait(&self, now: Timestamp) -> Option<i64> {
        let since = now.millis_since(self.requested_at?);
        (0..MINUTE).contains(&since).then_some(MINUTE - since)
    }

    /// This metadata, fetched because a caller asked for it.
    #[must_use]
    pub fn requested(self, now: Timestamp) -> Self {
        Self { requested_at: Some(now), ..self }
    }

    /// This metadata, fetched again after the usual time.
    #[must_use]
    pub(super) fn postponed(self, now: Timestamp) -> Self {
        Self { next_check_at: now.plus_millis(INTERVAL), ..self }
    }

    /// Settings of a document that differ from those in use and from those of the document that was applied last. The
    /// second half lets an administrator override the document: only a new value in it asks again.
    pub(super) fn changed(&self, current: &Settings, offered: &Settings) -> Vec<Pending> {
        let mut pending = Vec::new();
        let mut compare = |field, of: &dyn Fn(&Settings) -> String| {
            let (current, applied, offered) = (of(current), of(&self.applied), of(offered));
            if offered != current && offered != applied {
                pending.push(Pending { field, current, offered });
            }
        };
        compare(PendingField::EntityId, &|settings| settings.entity_id.as_str().to_owned());
        compare(PendingField::LoginUrl, &|settings| settings.login_url.as_str().to_owned());
        compare(PendingField::WantRequestSigned, &|settings| settings.want_request_signed.to_string());
        pending
    }

    /// Keeps the facts of a document that was read.
    pub(super) fn keep(&mut self, document: &Document) {
        self.validators = document.validators.clone();
        self.valid_until = document.valid_until;
        self.document_sha256.clone_from(&document.sha256);
    }

    /// Notes a fetch.
    pub(super) fn fetched(
        &mut self,
        status: MetadataStatus,
        error: Option<&str>,
        document_sha256: Option<&str>,
        now: Timestamp,
    ) {
        let wait = match self.failing.as_ref().filter(|_| error.is_some()) {
            Some(failing) => (FIRST_RETRY << (failing.times.saturating_sub(1)).min(8)).min(INTERVAL),
            None => INTERVAL,
        };
        (self.status, self.checked_at, self.next_check_at) = (status, now, now.plus_millis(wait));
        let fetch = Fetch {
            at: now,
            status,
            error: error.map(str::to_owned),
            document_sha256: document_sha256.map(str::to_owned),
        };
        self.fetches.insert(0, fetch);
        self.fetches.truncate(FETCHES);
    }

    /// Accepts a pending signing wish as seen, because an administrator chose a value.
    pub(super) fn signing_chosen(&mut self, now: Timestamp) {
        let pending = self.pending.iter().position(|one| one.field == PendingField::WantRequestSigned);
        if let Some(at) = pending {
            self.applied.want_request_signed = self.pending.remove(at).offered == "true";
            self.next_check_at = now;
        }
    }
}

impl PendingField {
    /// As the API spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EntityId => "entity_id",
            Self::LoginUrl => "login_url",
            Self::WantRequestSigned => "want_request_signed",
            Self::Certificates => "certificates",
        }
    }
}

impl Pending {
    /// The settings with the values that a document offers.
    pub(super) fn accepted(pending: &[Self], current: &Settings, offered: &Settings) -> Settings {
        let is_offered = |field| pending.iter().any(|one| one.field == field);
        let entity_id: &EntityId =
            if is_offered(PendingField::EntityId) { &offered.entity_id } else { &current.entity_id };
        let login_url: &LoginUrl =
            if is_offered(PendingField::LoginUrl) { &offered.login_url } else { &current.login_url };
        let signing = if is_offered(PendingField::WantRequestSigned) { offered } else { current };
        Settings {
            entity_id: entity_id.clone(),
            login_url: login_url.clone(),
            want_request_signed: signing.want_request_signed,
        }
    }
}

crate::text_field!(Trust => Self, Trust::parse, {"type": "string", "enum": ["continuous", "tls"]});

impl Trust {
    /// Reads the choice as the API spells it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        match text {
            "continuous" => Ok(Self::Continuous),
            "tls" => Ok(Self::Tls),
            _ => Err("must be `continuous` or `tls`"),
        }
    }

    /// As the API spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Continuous => "continuous",
            Self::Tls => "tls",
        }
    }
}

impl MetadataStatus {
    /// As the API spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Unreachable => "unreachable",
            Self::Invalid => "invalid",
            Self::Changed => "changed",
            Self::AllKeysChanged => "all_keys_changed",
            Self::Limit => "limit",
        }
    }
}

impl fmt::Display for MetadataStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
