//! Refusals of changes to a service provider.

use std::fmt;

use super::MAX_CERTIFICATES;
use crate::failure::{Conflict, Failure};

/// Reasons to refuse a change of a service provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It has the largest allowed number of certificates.
    CertificateLimit,
    /// The certificate does not exist.
    NoSuchCertificate,
    /// The certificate has expired, so it cannot sign.
    Expired,
    /// The certificate signs users' sign-in requests.
    InUse,
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CertificateLimit => write!(
                formatter,
                "the service provider has {MAX_CERTIFICATES} certificates, which is the most: delete one first"
            ),
            Self::NoSuchCertificate => formatter.write_str("the service provider has no such certificate"),
            Self::Expired => formatter.write_str("the certificate has expired: make another one"),
            Self::InUse => formatter
                .write_str("users' sign-in requests are signed by this certificate: activate another one first"),
        }
    }
}

impl std::error::Error for Refusal {}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let conflict = match refusal {
            Refusal::NoSuchCertificate => return Self::NotFound("certificate"),
            Refusal::CertificateLimit => Conflict::Limit,
            Refusal::Expired | Refusal::InUse => Conflict::WrongState,
        };
        Self::conflict(conflict, refusal.to_string())
    }
}
