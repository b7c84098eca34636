//! The service provider that an identity store is to its external identity provider: the certificates that sign-in
//! requests are signed by.
//!
//! It has two at most, and signs by one: the active one. To replace it, the new one is made, given to the identity
//! provider, activated, and the old one deleted.

mod encrypted_key;
mod refusal;

use serde::{Deserialize, Serialize};

pub use encrypted_key::EncryptedKey;
pub use refusal::Refusal;

use crate::certificate::{Certificate, CertificateId};
use crate::identity_provider::Settings;
use crate::timestamp::{DAY, Timestamp};

/// Certificates a service provider has at most.
pub const MAX_CERTIFICATES: usize = 2;

/// How long a certificate is valid, in milliseconds: ten years, as Huawei Cloud's are ("Rotating Certificates" in the
/// user guide of IAM Identity Center).
pub const VALIDITY: i64 = 3_652 * DAY;

/// The service provider of an identity store as it is kept. A store that has made no certificate yet has an empty one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceProvider {
    #[serde(default)]
    certificates: Vec<SigningCertificate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    active: Option<CertificateId>,
}

/// A certificate that requests are signed by, with its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SigningCertificate {
    /// Its id.
    pub id: CertificateId,
    /// The certificate.
    pub certificate: Certificate,
    /// Its private key, which only KMS can decrypt.
    pub key: EncryptedKey,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What a certificate is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing is signed by it.
    Inactive,
    /// Requests are signed by it.
    Active,
    /// Its time is over, whether or not requests were signed by it.
    Expired,
}

impl ServiceProvider {
    /// This service provider with one certificate more, inactive.
    pub fn add_certificate(&self, certificate: SigningCertificate) -> Result<Self, Refusal> {
        self.check_room()?;
        let mut provider = self.clone();
        provider.certificates.push(certificate);
        Ok(provider)
    }

    /// Whether it may have one certificate more.
    pub fn check_room(&self) -> Result<(), Refusal> {
        if self.certificates.len() < MAX_CERTIFICATES { Ok(()) } else { Err(Refusal::CertificateLimit) }
    }

    /// This service provider, signing by the certificate `id` and no more by another.
    pub fn activate(&self, id: CertificateId, now: Timestamp) -> Result<Self, Refusal> {
        let certificate = self.find(id).ok_or(Refusal::NoSuchCertificate)?;
        if certificate.certificate.is_expired(now) {
            return Err(Refusal::Expired);
        }
        Ok(Self { active: Some(id), ..self.clone() })
    }

    /// This service provider without the certificate `id`.
    ///
    /// While users sign in through an identity provider, whose settings are `enabled`, the active one stays until another
    /// is activated in its place: the provider trusts what it signs. Once it has expired it may go, unless the provider
    /// takes signed requests only. With nobody to sign for, any may go: Terraform destroys the active one as it made it.
    pub fn delete_certificate(
        &self,
        id: CertificateId,
        enabled: Option<&Settings>,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        let certificate = self.find(id).ok_or(Refusal::NoSuchCertificate)?;
        let is_needed = |settings: &Settings| settings.want_request_signed || !certificate.certificate.is_expired(now);
        if self.active == Some(id) && enabled.is_some_and(is_needed) {
            return Err(Refusal::InUse);
        }
        let mut provider = self.clone();
        provider.certificates.retain(|certificate| certificate.id != id);
        provider.active = provider.active.filter(|active| *active != id);
        Ok(provider)
    }

    /// What the certificate `id` is used for.
    pub fn state(&self, certificate: &SigningCertificate, now: Timestamp) -> State {
        if certificate.certificate.is_expired(now) {
            State::Expired
        } else if self.active == Some(certificate.id) {
            State::Active
        } else {
            State::Inactive
        }
    }

    /// All certificates, the first made first.
    pub fn certificates(&self) -> &[SigningCertificate] {
        &self.certificates
    }

    /// The certificate `id`.
    pub fn find(&self, id: CertificateId) -> Option<&SigningCertificate> {
        self.certificates.iter().find(|certificate| certificate.id == id)
    }

    /// The certificates that an identity provider should trust: the active one first, then the one that may replace it.
    /// None where none is active: nothing is signed then.
    pub fn published(&self, now: Timestamp) -> Vec<&SigningCertificate> {
        let (active, others): (Vec<_>, Vec<_>) = self
            .certificates
            .iter()
            .filter(|certificate| !certificate.certificate.is_expired(now))
            .partition(|certificate| self.active == Some(certificate.id));
        if active.is_empty() { active } else { [active, others].concat() }
    }
}

impl State {
    /// As the API spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inactive => "INACTIVE",
            Self::Active => "ACTIVE",
            Self::Expired => "EXPIRED",
        }
    }
}

#[cfg(test)]
mod tests;
