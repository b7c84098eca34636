//! An identity provider as a request's body describes it: by metadata, by its settings and a certificate, or by the URL of
//! its metadata.

use super::{EntityId, LoginUrl, Settings, Trust};
use crate::certificate::Certificate;
use crate::outbound::OutboundUrl;
use crate::request::{Filled, Unparsed};
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

crate::request! {
    /// Body that describes an external identity provider: by metadata, by the URL of its metadata, or by settings and a
    /// certificate. Empty strings count as absent.
    pub struct CreateExternalIdp {
        /// SAML 2.0 metadata of the identity provider.
        optional metadata: Filled<MetadataText> = "idp_saml_metadata",
        /// An `https` URL of the metadata, fetched now and every six hours.
        optional url: Filled<OutboundUrl> = "idp_saml_metadata_url",
        /// The trust in later documents at the URL, by default `continuous`: `continuous` takes new certificates only beside one
        /// that is trusted already, `tls` takes those of whoever serves the URL.
        optional trust: Filled<Trust> = "metadata_trust",
        /// The settings. With metadata that holds several identity providers, `entity_id` alone selects one.
        optional config: NewIdpSamlConfig = "idp_saml_config",
        /// PEM, or base64 without its first and last line.
        optional certificate: Filled<CertificateText> = "idp_certificate",
    }
}

crate::request! {
    /// Settings of an identity provider.
    pub struct NewIdpSamlConfig {
        /// The name of the identity provider.
        optional entity_id: Unparsed<EntityId> = "entity_id",
        /// Address of its sign-in page.
        optional login_url: Unparsed<LoginUrl> = "login_url",
        /// True if the identity provider wants signed requests; only without metadata, which says it itself.
        optional want_request_signed: bool = "want_request_signed",
    }
}

crate::request! {
    /// Body that updates an external identity provider: `entity_id` and `login_url`, or metadata, or the URL of metadata, or
    /// `want_request_signed` alone.
    pub struct UpdateExternalIdp {
        /// The name of the identity provider.
        optional entity_id: Unparsed<EntityId> = "entity_id",
        /// Address of its sign-in page.
        optional login_url: Unparsed<LoginUrl> = "login_url",
        /// SAML 2.0 metadata that replaces all settings and certificates.
        optional metadata: Filled<MetadataText> = "idp_saml_metadata",
        /// An `https` URL of metadata that replaces all settings and certificates, now and every six hours. An empty string
        /// clears the URL.
        optional url: Unparsed<OutboundUrl> = "idp_saml_metadata_url",
        /// The trust in later documents at the URL, by default `continuous`: `continuous` takes new certificates only beside one
        /// that is trusted already, `tls` takes those of whoever serves the URL.
        optional trust: Filled<Trust> = "metadata_trust",
        /// Selects one of several identity providers in the metadata.
        optional config: SelectedIdp = "idp_saml_config",
        /// True if the identity provider wants signed requests. Unchanged where absent; takes precedence over the metadata.
        optional want_request_signed: bool = "want_request_signed",
    }
}

crate::request! {
    /// Selects one of several identity providers.
    pub struct SelectedIdp {
        /// The name of the identity provider.
        optional entity_id: Filled<EntityId> = "entity_id",
        /// Must be left out.
        optional login_url: Filled<LoginUrl> = "login_url",
    }
}

/// SAML metadata, which is parsed later.
#[derive(Debug)]
pub enum MetadataText {}

crate::schema!(MetadataText, {"type": "string", "maxLength": crate::saml::MAX_BYTES});

/// A certificate, which is parsed later.
#[derive(Debug)]
pub enum CertificateText {}

crate::schema!(CertificateText, {"type": "string", "maxLength": crate::certificate::MAX_CHARACTERS});

const BESIDE_URL: &str = "must be left out where idp_saml_metadata_url is given";
const WITHOUT_URL: &str = "must be left out without idp_saml_metadata_url";
const BESIDE_METADATA: &str = "must be left out where idp_saml_metadata is given";

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
        let outside = [ENTITY_ID, LOGIN_URL, WANT_REQUEST_SIGNED].map(|field| fields.has(field).then_some(field));
        let CreateExternalIdp { metadata, url, trust, config, certificate } = CreateExternalIdp::read(fields);
        let trust = parsed_trust(fields, trust);
        if let Some(url) = url {
            absent(fields, METADATA, metadata.as_ref(), BESIDE_URL);
            absent(fields, CERTIFICATE, certificate.as_ref(), BESIDE_URL);
            let selected = SelectedIdp::of(config);
            return ByUrl::parse(fields, &url, trust, selected).map(Self::Url);
        }
        absent(fields, METADATA_TRUST, trust.as_ref(), WITHOUT_URL);
        let offer = match metadata {
            Some(metadata) => {
                absent(fields, CERTIFICATE, certificate.as_ref(), BESIDE_METADATA);
                Offer::of_metadata(fields, &metadata, SelectedIdp::of(config), now)
            }
            None => {
                // Where the settings have faults, those that an update has at this place are among them.
                let has_all =
                    config.as_ref().is_some_and(|config| config.entity_id.is_some() && config.login_url.is_some());
                for field in outside.into_iter().flatten().filter(|_| !has_all) {
                    fields.fault(field, "must be in idp_saml_config, not at the top level");
                }
                Offer::of_settings(fields, config, certificate, now)
            }
        };
        offer.map(|offer| Self::Offer(Box::new(offer)))
    }
}

impl SelectedIdp {
    /// The part of the settings that counts beside metadata. Empty strings count as absent.
    fn of(config: Option<NewIdpSamlConfig>) -> Option<Self> {
        let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
        config.map(|config| Self { entity_id: filled(config.entity_id), login_url: filled(config.login_url) })
    }

    /// The entity id. `Err` if it is wrong, with the fault noted.
    fn parsed(this: Option<Self>, fields: &mut Fields, reason: &str) -> Result<Option<EntityId>, ()> {
        let Some(Self { entity_id, login_url }) = this else { return Ok(None) };
        absent(fields, &within(LOGIN_URL), login_url.as_ref(), reason);
        let Some(text) = entity_id else { return Ok(None) };
        fields.take(&within(ENTITY_ID), EntityId::parse(&text)).map(Some).ok_or(())
    }
}

impl ByUrl {
    fn parse(fields: &mut Fields, text: &str, trust: Option<Trust>, selected: Option<SelectedIdp>) -> Option<Self> {
        let selected = SelectedIdp::parsed(selected, fields, BESIDE_URL);
        let url = fields.take(METADATA_URL, OutboundUrl::parse(text));
        Some(Self { url: url?, trust: trust.unwrap_or_default(), selected: selected.ok()? })
    }
}

impl Offer {
    /// Reads metadata; `selected` is one provider of several.
    fn of_metadata(fields: &mut Fields, text: &str, selected: Option<SelectedIdp>, now: Timestamp) -> Option<Self> {
        let selected = SelectedIdp::parsed(selected, fields, BESIDE_METADATA).ok()?;
        fields.take(METADATA, IdentityProviderMetadata::parse_selected(text, selected.as_ref(), now)).map(Self::from)
    }

    /// Reads settings and one certificate.
    fn of_settings(
        fields: &mut Fields,
        config: Option<NewIdpSamlConfig>,
        certificate: Option<String>,
        now: Timestamp,
    ) -> Option<Self> {
        const REQUIRED: &str = "is required without idp_saml_metadata or idp_saml_metadata_url";
        let settings = match config {
            None => {
                fields.fault(CONFIG, REQUIRED);
                None
            }
            Some(NewIdpSamlConfig { entity_id, login_url, want_request_signed }) => {
                let entity_id = required(fields, &within(ENTITY_ID), entity_id, EntityId::parse);
                let login_url = required(fields, &within(LOGIN_URL), login_url, LoginUrl::parse);
                let want_request_signed = want_request_signed.unwrap_or_default();
                entity_id.zip(login_url).map(|(entity_id, login_url)| Settings {
                    entity_id,
                    login_url,
                    want_request_signed,
                })
            }
        };
        let certificate = match certificate {
            Some(text) => {
                let read = Certificate::from_pem(&text).and_then(|certificate| certificate.unexpired(now));
                fields.take(CERTIFICATE, read)
            }
            None => {
                fields.fault(CERTIFICATE, REQUIRED);
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
        let has_names = fields.has(ENTITY_ID) || fields.has(LOGIN_URL);
        let UpdateExternalIdp { entity_id, login_url, metadata, url, trust, config, want_request_signed } =
            UpdateExternalIdp::read(fields);
        let trust = parsed_trust(fields, trust);
        let filled = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let names = [(ENTITY_ID, filled(&entity_id)), (LOGIN_URL, filled(&login_url))];
        if let Some(text) = filled(&url) {
            absent(fields, METADATA, metadata.as_ref(), BESIDE_URL);
            names.iter().for_each(|(field, text)| absent(fields, field, text.as_ref(), BESIDE_URL));
            let by = ByUrl::parse(fields, &text, trust, config)?;
            return Some(Self::Url { by, want_request_signed });
        }
        let Some(metadata) = metadata else {
            let has_others = want_request_signed.is_some() || url.is_some() || trust.is_some();
            let names = if has_others && !has_names {
                None
            } else {
                nested(fields, config.as_ref(), entity_id.as_ref(), login_url.as_ref());
                let entity_id = required(fields, ENTITY_ID, entity_id, EntityId::parse);
                let login_url = required(fields, LOGIN_URL, login_url, LoginUrl::parse);
                Some(entity_id.zip(login_url)?)
            };
            let clears_url = url.is_some() || names.is_some();
            absent(fields, METADATA_TRUST, trust.filter(|_| clears_url).as_ref(), WITHOUT_URL);
            return Some(Self::Settings(SettingsUpdate { names, want_request_signed, clears_url, trust }));
        };
        absent(fields, METADATA_TRUST, trust.as_ref(), WITHOUT_URL);
        names.iter().for_each(|(field, text)| absent(fields, field, text.as_ref(), BESIDE_METADATA));
        let mut offer = Offer::of_metadata(fields, &metadata, config, now)?;
        offer.settings.want_request_signed = want_request_signed.unwrap_or(offer.settings.want_request_signed);
        Some(Self::Metadata(Box::new(offer)))
    }
}

/// The path of a field of [`CONFIG`].
fn within(field: &str) -> String {
    format!("{CONFIG}.{field}")
}

/// Notes a fault of each setting that an update needs at the top level, and has in [`CONFIG`] as a creation does.
fn nested(fields: &mut Fields, config: Option<&SelectedIdp>, entity_id: Option<&String>, login_url: Option<&String>) {
    let Some(config) = config else { return };
    let both = [(ENTITY_ID, &config.entity_id, entity_id), (LOGIN_URL, &config.login_url, login_url)];
    for (field, within, top) in both {
        if within.is_some() && top.is_none() {
            fields.fault(field, "must be at the top level, not in idp_saml_config");
        }
    }
}

/// Notes a fault if a field is there that must not be.
fn absent<T>(fields: &mut Fields, field: &str, value: Option<&T>, reason: &str) {
    if value.is_some() {
        fields.fault(field, reason);
    }
}

/// Parses a field that must be there.
fn required<T>(
    fields: &mut Fields,
    field: &str,
    text: Option<String>,
    parse: fn(&str) -> Result<T, &'static str>,
) -> Option<T> {
    match text {
        Some(text) => fields.take(field, parse(&text)),
        None => {
            fields.fault(field, "is required");
            None
        }
    }
}

/// The choice of trust, if there is one.
fn parsed_trust(fields: &mut Fields, text: Option<String>) -> Option<Trust> {
    fields.take(METADATA_TRUST, Trust::parse(&text?))
}

impl From<IdentityProviderMetadata> for Offer {
    fn from(read: IdentityProviderMetadata) -> Self {
        let IdentityProviderMetadata { settings, certificates, left_out, providers, .. } = read;
        Self { settings, certificates, left_out, providers }
    }
}

#[cfg(test)]
mod tests;
