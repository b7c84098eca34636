//! The service provider of an identity store, as its external identity provider sees it: the certificates that sign
//! sign-in requests.
//!
//! It has at most two certificates, and signs with the active one. To replace that one, create a new certificate, give
//! it to the identity provider, activate it, and delete the old one.

mod encrypted_key;
mod notice;
mod refusal;

use serde::{Deserialize, Serialize};

pub use encrypted_key::EncryptedKey;
pub use notice::{ExpiryNotice, THRESHOLDS};
pub use refusal::Refusal;

use crate::certificate::{Certificate, CertificateId};
use crate::identity_provider::Settings;
use crate::timestamp::{DAY, Timestamp};

/// Largest number of certificates of a service provider.
pub const MAX_CERTIFICATES: usize = 2;

/// Validity of a certificate, in milliseconds: ten years, as for Huawei Cloud's ("Rotating Certificates" in the user
/// guide of IAM Identity Center).
pub const VALIDITY: i64 = 3_652 * DAY;

/// The service provider of an identity store, as it is stored. A store without certificates has an empty one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceProvider {
    #[serde(default)]
    certificates: Vec<SigningCertificate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    active: Option<CertificateId>,
}

/// A certificate that signs requests, with its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SigningCertificate {
    /// Its id.
    pub id: CertificateId,
    /// The certificate.
    pub certificate: Certificate,
    /// Its private key. Only KMS can decrypt it.
    pub key: EncryptedKey,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Days before the expiry of the last notice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noticed: Option<u16>,
}

/// Use of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It signs nothing.
    Inactive,
    /// It signs requests.
    Active,
    /// It has expired, active or not.
    Expired,
}

impl ServiceProvider {
    /// Adds a certificate, inactive.
    pub fn add_certificate(&self, certificate: SigningCertificate) -> Result<Self, Refusal> {
        self.check_room()?;
        let mut provider = self.clone();
        provider.certificates.push(certificate);
        Ok(provider)
    }

    /// Returns an error if it cannot have another certificate.
    pub fn check_room(&self) -> Result<(), Refusal> {
        if self.certificates.len() < MAX_CERTIFICATES { Ok(()) } else { Err(Refusal::CertificateLimit) }
    }

    /// Activates the certificate `id`, which then is the only one that signs.
    pub fn activate(&self, id: CertificateId, now: Timestamp) -> Result<Self, Refusal> {
        let certificate = self.find(id).ok_or(Refusal::NoSuchCertificate)?;
        if certificate.certificate.is_expired(now) {
            return Err(Refusal::Expired);
        }
        Ok(Self { active: Some(id), ..self.clone() })
    }

    /// Deletes the certificate `id`.
    ///
    /// While users sign in through an identity provider (its settings are `enabled`), the active certificate cannot be
    /// deleted before another is activated, because the identity provider trusts its signatures. An expired active
    /// certificate can be deleted, unless the identity provider requires signed requests. If no users sign in, any
    /// certificate can be deleted: Terraform destroys the active one in the state in which it created it.
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

    /// Returns the use of a certificate.
    pub fn state(&self, certificate: &SigningCertificate, now: Timestamp) -> State {
        if certificate.certificate.is_expired(now) {
            State::Expired
        } else if self.active == Some(certificate.id) {
            State::Active
        } else {
            State::Inactive
        }
    }

    /// Returns all certificates, oldest first.
    pub fn certificates(&self) -> &[SigningCertificate] {
        &self.certificates
    }

    /// Finds the certificate `id`.
    pub fn find(&self, id: CertificateId) -> Option<&SigningCertificate> {
        self.certificates.iter().find(|certificate| certificate.id == id)
    }

    /// Returns the certificates that an identity provider should trust: first the active one, then its possible
    /// replacement. Returns none if no certificate is active, because then nothing is signed.
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
    /// Returns the name in the API.
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
