//! An identity provider as a request's body describes it: by metadata, by its settings and a certificate, or by the URL of
//! its metadata.

use serde_json::{Map, Value};

use super::{EntityId, LoginUrl, Settings, Trust};
use crate::certificate::Certificate;
use crate::outbound::OutboundUrl;
use crate::saml::{IdentityProviderMetadata, LeftOut};
use crate::{Fields, Timestamp};

const METADATA: &str = "idp_saml_metadata";
const METADATA_URL: &str = "idp_saml_metadata_url";
const METADATA_TRUST: &str = "metadata_trust";
const CONFIG: &str = "idp_saml_config";
const CERTIFICATE: &str = "idp_certificate";

/// The parts of [`CONFIG`], which stand alone in a request that updates a provider.
const ENTITY_ID: &str = "entity_id";
const LOGIN_URL: &str = "login_url";
const WANT_REQUEST_SIGNED: &str = "want_request_signed";

/// An identity provider that a request offers, with everything that an import would use or leave out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Its settings.
    pub settings: Settings,
    /// Its usable certificates: at least one.
    pub certificates: Vec<Certificate>,
    /// The parts of its metadata that cannot be used.
    pub left_out: Vec<LeftOut>,
    /// Entity ids of all identity providers that were offered.
    pub providers: Vec<String>,
}

/// An identity provider as a request describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Description {
    /// In full.
    Offer(Box<Offer>),
    /// By the URL of its metadata.
    Url(ByUrl),
}

/// An identity provider whose metadata is fetched, and fetched again from time to time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ByUrl {
    /// The URL.
    pub url: OutboundUrl,
    /// The choice of what is trusted of later documents.
    pub trust: Trust,
    /// Selects one of several providers.
    pub selected: Option<EntityId>,
}

/// A change of a provider's settings that a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Update {
    /// All that metadata says, certificates included.
    Metadata(Box<Offer>),
    /// All that the document at a URL says, certificates included, now and later.
    Url {
        /// The URL.
        by: ByUrl,
        /// True to send signed requests, whatever the document says.
        want_request_signed: Option<bool>,
    },
    /// Some settings; the others stay.
    Settings(SettingsUpdate),
}

/// A change of some settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SettingsUpdate {
    /// The name and the sign-in page. Setting them clears the metadata URL.
    pub names: Option<(EntityId, LoginUrl)>,
    /// True to send signed requests.
    pub want_request_signed: Option<bool>,
    /// True to clear the metadata URL.
    pub clears_url: bool,
    /// Another choice of trust for the metadata URL.
    pub trust: Option<Trust>,
}

impl Description {
    /// Reads the body that makes a provider, or shows what it would make. What is wrong goes to the faults of `fields`.
    pub fn read(fields: &mut Fields, now: Timestamp) -> Option<Self> {
        let trust = trust(fields);
        match present(fields, METADATA_URL) {
            Some(text) => {
                for field in [METADATA, CERTIFICATE] {
                    if present(fields, field).is_some() {
                        fields.fault(field, beside_url());
                    }
                }
                ByUrl::read(fields, &text, trust).map(Self::Url)
            }
            None => {
                if trust.is_some() {
                    fields.fault(METADATA_TRUST, without_url());
                }
                Offer::read(fields, now).map(|offer| Self::Offer(Box::new(offer)))
            }
        }
    }
}

impl ByUrl {
    fn read(fields: &mut Fields, text: &str, trust: Option<Trust>) -> Option<Self> {
        let mut config = Fields::of(fields.optional_object(CONFIG).unwrap_or_default());
        let selected = present(&mut config, ENTITY_ID);
        let is_selected = selected.is_some();
        let selected = selected.and_then(|text| config.take(ENTITY_ID, EntityId::parse(&text)));
        if present(&mut config, LOGIN_URL).is_some() {
            config.fault(LOGIN_URL, beside_url());
        }
        fields.adopt(CONFIG, config);
        let url = fields.take(METADATA_URL, OutboundUrl::parse(text));
        let is_read = !is_selected || selected.is_some();
        url.filter(|_| is_read).map(|url| Self { url, trust: trust.unwrap_or_default(), selected })
    }
}

impl Offer {
    /// Reads the body that makes a provider, or shows what it would make. What is wrong goes to the faults of `fields`;
    /// then there may be no offer.
    pub fn read(fields: &mut Fields, now: Timestamp) -> Option<Self> {
        let metadata = present(fields, METADATA);
        let certificate = present(fields, CERTIFICATE);
        let config = fields.optional_object(CONFIG);
        match metadata {
            Some(metadata) => {
                if certificate.is_some() {
                    fields.fault(CERTIFICATE, beside_metadata());
                }
                Self::of_metadata(fields, &metadata, config, now)
            }
            None => Self::of_fields(fields, config, certificate, now),
        }
    }

    /// Reads metadata; `entity_id` of `config` selects one provider of several.
    fn of_metadata(
        fields: &mut Fields,
        text: &str,
        config: Option<Map<String, Value>>,
        now: Timestamp,
    ) -> Option<Self> {
        let mut config = Fields::of(config.unwrap_or_default());
        let selected = present(&mut config, ENTITY_ID);
        let is_selected = selected.is_some();
        let selected = selected.and_then(|text| config.take(ENTITY_ID, EntityId::parse(&text)));
        if present(&mut config, LOGIN_URL).is_some() {
            config.fault(LOGIN_URL, beside_metadata());
        }
        fields.adopt(CONFIG, config);
        if is_selected && selected.is_none() {
            return None;
        }
        fields.take(METADATA, IdentityProviderMetadata::parse_selected(text, selected.as_ref(), now)).map(Self::from)
    }

    /// Reads settings and one certificate.
    fn of_fields(
        fields: &mut Fields,
        config: Option<Map<String, Value>>,
        certificate: Option<String>,
        now: Timestamp,
    ) -> Option<Self> {
        let settings = match config.filter(|config| !config.is_empty()) {
            Some(config) => {
                let mut config = Fields::of(config);
                let names = names(&mut config);
                let want_request_signed = config.optional_bool(WANT_REQUEST_SIGNED).unwrap_or_default();
                fields.adopt(CONFIG, config);
                names.map(|(entity_id, login_url)| Settings { entity_id, login_url, want_request_signed })
            }
            None => {
                fields.fault(CONFIG, "is required where idp_saml_metadata is left out");
                None
            }
        };
        let certificate = match certificate {
            Some(text) => {
                let read = Certificate::from_pem(&text).and_then(|certificate| certificate.unexpired(now));
                fields.take(CERTIFICATE, read)
            }
            None => {
                fields.fault(CERTIFICATE, "is required where idp_saml_metadata is left out");
                None
            }
        };
        let (settings, certificate) = settings.zip(certificate)?;
        let providers = vec![settings.entity_id.as_str().to_owned()];
        Some(Self { settings, certificates: vec![certificate], left_out: Vec::new(), providers })
    }

    /// Sentences about what is left out and what others may refuse, for the administrator.
    pub fn warnings(&self) -> Vec<String> {
        let left_out = self.left_out.iter().map(LeftOut::to_string);
        left_out.chain(self.certificates.iter().filter_map(Certificate::warning)).collect()
    }
}

impl Update {
    /// Reads the body that updates a provider. What is wrong goes to the faults of `fields`.
    pub fn read(fields: &mut Fields, now: Timestamp) -> Option<Self> {
        let want_request_signed = fields.optional_bool(WANT_REQUEST_SIGNED);
        let trust = trust(fields);
        let url = fields.optional_string(METADATA_URL);
        if let Some(text) = url.as_ref().filter(|text| !text.is_empty()) {
            for field in [METADATA, ENTITY_ID, LOGIN_URL] {
                if present(fields, field).is_some() {
                    fields.fault(field, beside_url());
                }
            }
            let by = ByUrl::read(fields, text, trust)?;
            return Some(Self::Url { by, want_request_signed });
        }
        let Some(metadata) = present(fields, METADATA) else {
            let has_others = want_request_signed.is_some() || url.is_some() || trust.is_some();
            let is_without_names = has_others && !fields.has(ENTITY_ID) && !fields.has(LOGIN_URL);
            let names = if is_without_names { None } else { Some(names(fields)?) };
            if trust.is_some() && (url.is_some() || names.is_some()) {
                fields.fault(METADATA_TRUST, without_url());
            }
            let clears_url = url.is_some() || names.is_some();
            return Some(Self::Settings(SettingsUpdate { names, want_request_signed, clears_url, trust }));
        };
        if trust.is_some() {
            fields.fault(METADATA_TRUST, without_url());
        }
        for field in [ENTITY_ID, LOGIN_URL] {
            if present(fields, field).is_some() {
                fields.fault(field, beside_metadata());
            }
        }
        let config = fields.optional_object(CONFIG);
        let mut offer = Offer::of_metadata(fields, &metadata, config, now)?;
        offer.settings.want_request_signed = want_request_signed.unwrap_or(offer.settings.want_request_signed);
        Some(Self::Metadata(Box::new(offer)))
    }
}

/// The name and the sign-in page, both required.
fn names(fields: &mut Fields) -> Option<(EntityId, LoginUrl)> {
    let entity_id = fields.string(ENTITY_ID);
    let entity_id = entity_id.and_then(|text| fields.take(ENTITY_ID, EntityId::parse(&text)));
    let login_url = fields.string(LOGIN_URL);
    let login_url = login_url.and_then(|text| fields.take(LOGIN_URL, LoginUrl::parse(&text)));
    entity_id.zip(login_url)
}

/// A string that is not empty: consoles send empty ones for fields that were left out.
fn present(fields: &mut Fields, field: &str) -> Option<String> {
    fields.optional_string(field).filter(|text| !text.is_empty())
}

/// The choice of trust, if there is one.
fn trust(fields: &mut Fields) -> Option<Trust> {
    let text = present(fields, METADATA_TRUST)?;
    fields.take(METADATA_TRUST, Trust::parse(&text))
}

impl From<IdentityProviderMetadata> for Offer {
    fn from(read: IdentityProviderMetadata) -> Self {
        let IdentityProviderMetadata { settings, certificates, left_out, providers, .. } = read;
        Self { settings, certificates, left_out, providers }
    }
}

fn beside_url() -> &'static str {
    "must be left out where idp_saml_metadata_url is given"
}

fn without_url() -> &'static str {
    "must be left out without idp_saml_metadata_url"
}

fn beside_metadata() -> &'static str {
    "must be left out where idp_saml_metadata is given"
}

#[cfg(test)]
mod tests;
