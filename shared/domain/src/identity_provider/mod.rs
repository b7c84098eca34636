//! The external SAML identity provider of an identity store, with the certificates that its signatures are trusted by.
//!
//! A store has one at most. It and its certificates are one aggregate, so that the rules on both are one condition on
//! one version. The rule that matters: nothing done to an enabled provider leaves it without a valid certificate, so a
//! certificate is replaced by importing the new one beside the old, switching at the identity provider, and deleting
//! the old.

mod document;
mod metadata;
mod notice;
mod offer;
mod refresh;
mod refusal;
mod settings;
mod test;
mod view;

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use document::{Document, Observation};
pub use metadata::{Fetch, INTERVAL, Metadata, MetadataStatus, Pending, PendingField, Trust};
pub use notice::{Notice, THRESHOLDS};
pub use offer::{ByUrl, CreateExternalIdp, Description, Offer, SettingsUpdate, Update, UpdateExternalIdp};
pub use refresh::{CertificateFacts, REMOVAL, REPORT, RefreshEvent, Refreshed};
pub use refusal::Refusal;
pub use settings::{EntityId, LoginUrl, Settings};
pub use test::Observed;
pub use view::{RefreshRecord, View};

use crate::certificate::{Certificate, CertificateId};
use crate::ids::uuid_id;
use crate::timestamp::Timestamp;

/// Certificates a provider has at most. Entra ID, ADFS and Keycloak publish three and more while they rotate.
pub const MAX_CERTIFICATES: usize = 10;

uuid_id! {
    /// An external identity provider: `idp_id`.
    IdentityProviderId
}

/// An external identity provider as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityProvider {
    id: IdentityProviderId,
    settings: Settings,
    enabled: bool,
    /// Time since which it is enabled. Providers that an earlier release enabled have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    enabled_at: Option<Timestamp>,
    #[serde(default)]
    certificates: Vec<TrustedCertificate>,
    /// The URL that it is refreshed from, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    metadata: Option<Box<Metadata>>,
}

/// A certificate that signatures of the provider are checked by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustedCertificate {
    id: CertificateId,
    certificate: Certificate,
    imported_at: Timestamp,
    /// Days before its end of the next notice; none after the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next_notice: Option<u16>,
    #[serde(default, skip_serializing_if = "Source::is_manual")]
    source: Source,
    /// Time of the first refresh that did not find it in the document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    missing_since: Option<Timestamp>,
}

/// Source of a certificate. A refresh adds and removes only those of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// An administrator imported it.
    #[default]
    Manual,
    /// The document of the metadata URL has it, or had it.
    MetadataUrl,
}

/// State of a certificate's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateStatus {
    /// Valid now, or later.
    Active,
    /// Its time is over.
    Expired,
}

impl IdentityProvider {
    /// A new provider, disabled, that trusts `certificates`: at least one, each with an id from `new_id`. The same one
    /// twice counts once.
    pub fn create(
        id: IdentityProviderId,
        settings: Settings,
        certificates: Vec<Certificate>,
        new_id: impl FnMut() -> CertificateId,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        Self { id, settings, enabled: false, enabled_at: None, certificates: Vec::new(), metadata: None }.trusting(
            certificates,
            new_id,
            now,
        )
    }

    /// This provider with the settings and certificates of its metadata. Those it has already keep their ids; those that
    /// the metadata has not go. An enabled provider that trusts something keeps something valid to trust.
    pub fn replace(
        &self,
        settings: Settings,
        certificates: Vec<Certificate>,
        new_id: impl FnMut() -> CertificateId,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        let is_kept = |known: &&TrustedCertificate| {
            certificates.iter().any(|certificate| certificate.fingerprint() == known.certificate.fingerprint())
        };
        let kept = self.certificates.iter().filter(is_kept).cloned().collect();
        let provider = Self { settings, certificates: kept, ..self.clone() }.trusting(certificates, new_id, now)?;
        let loses_trust = self.trusts_something(now) && !provider.trusts_something(now);
        if self.enabled && loses_trust { Err(Refusal::LastValidCertificate) } else { Ok(provider) }
    }

    /// This provider with `certificates` added, those it has already left as they are: at least one in all.
    fn trusting(
        mut self,
        certificates: Vec<Certificate>,
        mut new_id: impl FnMut() -> CertificateId,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        for certificate in certificates {
            match self.import_certificate(new_id(), certificate, now) {
                Ok(with_it) => self = with_it,
                Err(Refusal::DuplicateCertificate(_)) => {}
                Err(refusal) => return Err(refusal),
            }
        }
        if self.certificates.is_empty() { Err(Refusal::NoCertificate) } else { Ok(self) }
    }

    /// This provider with other settings, as an administrator chose them.
    #[must_use]
    pub fn update(&self, settings: Settings, now: Timestamp) -> Self {
        let mut provider = Self { settings, ..self.clone() };
        if let Some(metadata) = &mut provider.metadata {
            metadata.signing_chosen(now);
        }
        provider
    }

    /// This provider, enabled: users sign in through it. Enabling what is enabled changes nothing.
    pub fn enable(&self, now: Timestamp) -> Result<Self, Refusal> {
        if !self.enabled && !self.trusts_something(now) {
            return Err(Refusal::NothingValid);
        }
        let enabled_at = if self.enabled { self.enabled_at } else { Some(now) };
        Ok(Self { enabled: true, enabled_at, ..self.clone() })
    }

    /// This provider, disabled.
    #[must_use]
    pub fn disable(&self) -> Self {
        Self { enabled: false, enabled_at: None, ..self.clone() }
    }

    /// Refuses to delete an enabled provider.
    pub fn check_delete(&self) -> Result<(), Refusal> {
        if self.enabled { Err(Refusal::StillEnabled) } else { Ok(()) }
    }

    /// This provider with one certificate more.
    pub fn import_certificate(
        &self,
        id: CertificateId,
        certificate: Certificate,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        let certificate = certificate.unexpired(now).map_err(Refusal::Certificate)?;
        let same = |known: &&TrustedCertificate| known.certificate.fingerprint() == certificate.fingerprint();
        if let Some(known) = self.certificates.iter().find(same) {
            return Err(Refusal::DuplicateCertificate(known.id));
        }
        if self.certificates.len() >= MAX_CERTIFICATES {
            return Err(Refusal::CertificateLimit);
        }
        let mut provider = self.clone();
        provider.certificates.push(TrustedCertificate::new(id, certificate, now));
        Ok(provider)
    }

    /// This provider without the certificate `id`.
    ///
    /// Of an enabled provider, neither the last valid one goes nor, where none is valid any more, the last one at all:
    /// an expired one makes room for its successor only where another stays.
    pub fn delete_certificate(&self, id: CertificateId, now: Timestamp) -> Result<Self, Refusal> {
        let mut provider = self.clone();
        provider.certificates.retain(|certificate| certificate.id != id);
        if provider.certificates.len() == self.certificates.len() {
            return Err(Refusal::NoSuchCertificate);
        }
        let loses_trust = self.trusts_something(now) && !provider.trusts_something(now);
        if self.enabled && (loses_trust || provider.certificates.is_empty()) {
            return Err(Refusal::LastValidCertificate);
        }
        if let Some(metadata) = &mut provider.metadata {
            // The next refresh reads the document again.
            metadata.validators = crate::outbound::Validators::default();
        }
        Ok(provider)
    }

    /// Returns true if a signature made now could be trusted.
    pub fn trusts_something(&self, now: Timestamp) -> bool {
        self.certificates.iter().any(|certificate| certificate.certificate.is_valid(now))
    }

    /// Its id.
    pub fn id(&self) -> IdentityProviderId {
        self.id
    }

    /// Its name and its sign-in page.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Returns true if users sign in through it.
    pub fn is_enabled(&self) -> bool {
        self.enabled
    }

    /// Returns true if it is enabled since before `at`.
    pub fn was_enabled_before(&self, at: Timestamp) -> bool {
        self.enabled && self.enabled_at.is_none_or(|enabled_at| enabled_at < at)
    }

    /// Its metadata URL, with the state of the document there.
    pub fn metadata(&self) -> Option<&Metadata> {
        self.metadata.as_deref()
    }

    /// This provider, refreshed because a caller asked for it.
    #[must_use]
    pub fn refresh_requested(mut self, now: Timestamp) -> Self {
        self.metadata = self.metadata.map(|metadata| Box::new(metadata.requested(now)));
        self
    }

    /// This provider, whose refresh is due again after the usual time.
    #[must_use]
    pub fn refresh_postponed(mut self, now: Timestamp) -> Self {
        self.metadata = self.metadata.map(|metadata| Box::new(metadata.postponed(now)));
        self
    }

    /// The time of the next notice or refresh; `None` if neither is to come.
    pub fn next_due(&self) -> Option<Timestamp> {
        let refresh = self.metadata.as_ref().map(|metadata| metadata.next_check_at);
        self.next_notice_at().into_iter().chain(refresh).min()
    }

    /// Its certificates, the first imported first.
    pub fn certificates(&self) -> &[TrustedCertificate] {
        &self.certificates
    }
}

impl TrustedCertificate {
    /// Its id.
    pub fn id(&self) -> CertificateId {
        self.id
    }

    /// The certificate that was imported.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Time of the import.
    pub fn imported_at(&self) -> Timestamp {
        self.imported_at
    }

    /// Its source.
    pub fn source(&self) -> Source {
        self.source
    }

    /// The time at which a refresh may remove it: it is gone from the document.
    pub fn removal_at(&self) -> Option<Timestamp> {
        self.missing_since.map(|missing_since| missing_since.plus_millis(REMOVAL))
    }

    /// State of its time.
    pub fn status(&self, now: Timestamp) -> CertificateStatus {
        if self.certificate.is_expired(now) { CertificateStatus::Expired } else { CertificateStatus::Active }
    }
}

impl Source {
    /// Returns true for a certificate that an administrator imported.
    pub fn is_manual(&self) -> bool {
        *self == Self::Manual
    }
}

impl CertificateStatus {
    /// As the API spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Expired => "EXPIRED",
        }
    }
}

#[cfg(test)]
mod tests;
