//! Reasons against a change of an identity provider.

use std::fmt;

use super::MAX_CERTIFICATES;
use crate::certificate::{CertificateId, Fault};
use crate::failure::{Conflict, Failure};

/// A reason against a change of an identity provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The certificate is not one to trust.
    Certificate(Fault),
    /// It would have no certificate.
    NoCertificate,
    /// It has as many certificates as it may have.
    CertificateLimit,
    /// It has this certificate, under this id.
    DuplicateCertificate(CertificateId),
    /// It has no such certificate.
    NoSuchCertificate,
    /// It is enabled and would trust nothing any more.
    LastValidCertificate,
    /// It would be enabled and trusts nothing.
    NothingValid,
    /// It is enabled, so it is not deleted.
    StillEnabled,
    /// It has no metadata URL.
    NoMetadataUrl,
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificate(fault) => fault.fmt(formatter),
            Self::NoCertificate => formatter.write_str("an identity provider has at least one certificate: send one"),
            Self::CertificateLimit => write!(
                formatter,
                "the identity provider has {MAX_CERTIFICATES} certificates, which is the most: delete one first"
            ),
            Self::DuplicateCertificate(id) => {
                write!(formatter, "the identity provider has this certificate already, as `{id}`")
            }
            Self::NoSuchCertificate => formatter.write_str("the identity provider has no such certificate"),
            Self::LastValidCertificate => formatter.write_str(
                "this is the last valid certificate of an enabled identity provider: import its successor or disable the provider first",
            ),
            Self::NothingValid => formatter
                .write_str("the identity provider has no certificate that is valid now: import one before enabling it"),
            Self::StillEnabled => formatter.write_str("the identity provider is enabled: disable it first"),
            Self::NoMetadataUrl => formatter
                .write_str("the identity provider has no metadata URL: set `idp_saml_metadata_url` first"),
        }
    }
}

impl std::error::Error for Refusal {}

impl From<Refusal> for Failure {
    /// A fault of a certificate is said of `x509_certificate_in_pem`: where a field of another name held it, the
    /// handler says so before it comes to this.
    fn from(refusal: Refusal) -> Self {
        let conflict = match refusal {
            Refusal::Certificate(fault) => return Self::invalid("x509_certificate_in_pem", fault),
            Refusal::NoSuchCertificate => return Self::NotFound("certificate"),
            Refusal::CertificateLimit => Conflict::Limit,
            Refusal::DuplicateCertificate(_) => Conflict::Duplicate,
            Refusal::LastValidCertificate => Conflict::LastValidCertificate,
            Refusal::NoCertificate | Refusal::NothingValid | Refusal::StillEnabled | Refusal::NoMetadataUrl => {
                Conflict::WrongState
            }
        };
        Self::conflict(conflict, refusal.to_string())
    }
}
