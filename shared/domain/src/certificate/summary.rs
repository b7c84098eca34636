//! Facts of a certificate that may not be good enough to trust.

use x509_cert::certificate::{CertificateInner, Raw};
use x509_cert::der::Decode;

use super::{fingerprint, name, validity};
use crate::timestamp::Timestamp;

/// Facts of a certificate, enough to identify it to its publisher.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Name of the issuer, as RFC 2253 writes names.
    pub issuer: String,
    /// Name of the holder of the key, written likewise.
    pub subject: String,
    /// SHA-256 of the DER, 64 lower-case hexadecimal digits.
    pub fingerprint: String,
    /// The first moment at which it is valid, and the moment at which it ends; none where they are in the wrong order.
    pub validity: Option<(Timestamp, Timestamp)>,
}

impl Summary {
    /// Reads the DER of any X.509 certificate.
    pub(super) fn of(der: &[u8]) -> Option<Self> {
        let parsed = CertificateInner::<Raw>::from_der(der).ok()?;
        let content = parsed.tbs_certificate();
        Some(Self {
            issuer: name::rfc2253(content.issuer()),
            subject: name::rfc2253(content.subject()),
            fingerprint: fingerprint(der),
            validity: validity::read(content.validity()).ok(),
        })
    }
}
