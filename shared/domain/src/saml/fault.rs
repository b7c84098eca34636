//! What can be wrong with an identity provider's metadata.

use std::fmt;

use super::MAX_BYTES;
use crate::certificate;
use crate::timestamp::Timestamp;

/// Why a text is not taken for an identity provider's metadata. `Display` says it of the field that held the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A private key is in the text.
    PrivateKey,
    /// More than [`MAX_BYTES`].
    TooLong,
    /// A document type, which could define entities.
    Doctype,
    /// Deeper nested or of more parts than metadata is.
    TooComplex,
    /// Not well-formed XML, and why.
    NotXml(String),
    /// XML whose outermost element is another, of this name.
    NotMetadata(String),
    /// No identity provider that speaks SAML 2.0.
    NoIdentityProvider,
    /// This many identity providers.
    Several(usize),
    /// `validUntil` is no time.
    ValidUntil,
    /// It was valid until then.
    Expired(Timestamp),
    /// `entityID` is missing or wrong, and how.
    EntityId(&'static str),
    /// `WantAuthnRequestsSigned` is neither true nor false.
    WantAuthnRequestsSigned,
    /// No place to sign in by HTTP-Redirect or HTTP-POST.
    NoLogin,
    /// The place to sign in is wrong, and how.
    Login(&'static str),
    /// No certificate to check signatures by.
    NoSigningCertificate,
    /// What is wrong with which certificate, counted from 1 over those for signing.
    Certificate(usize, certificate::Fault),
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PrivateKey => certificate::Fault::PrivateKey.fmt(formatter),
            Self::TooLong => write!(formatter, "is longer than {MAX_BYTES} bytes"),
            Self::Doctype => formatter.write_str("has a document type (`<!DOCTYPE`), which is not taken"),
            Self::TooComplex => formatter.write_str("is nested deeper or has more parts than metadata needs"),
            Self::NotXml(reason) => write!(formatter, "is not well-formed XML: {reason}"),
            Self::NotMetadata(name) => write!(
                formatter,
                "begins with `{name}`, not with `EntityDescriptor` or `EntitiesDescriptor` of SAML 2.0 metadata"
            ),
            Self::NoIdentityProvider => {
                formatter.write_str("holds no `IDPSSODescriptor` for SAML 2.0: it describes no identity provider")
            }
            Self::Several(count) => write!(formatter, "holds {count} identity providers where one is taken"),
            Self::ValidUntil => formatter.write_str("has a `validUntil` that is no time"),
            Self::Expired(moment) => write!(formatter, "was valid until {moment}: fetch it anew"),
            Self::EntityId(reason) => write!(formatter, "has an `entityID` that {reason}"),
            Self::WantAuthnRequestsSigned => {
                formatter.write_str("has a `WantAuthnRequestsSigned` that is neither true nor false")
            }
            Self::NoLogin => formatter.write_str("holds no `SingleSignOnService` for HTTP-Redirect or HTTP-POST"),
            Self::Login(reason) => write!(formatter, "holds a `SingleSignOnService` whose `Location` {reason}"),
            Self::NoSigningCertificate => formatter.write_str("holds no `X509Certificate` for signing"),
            Self::Certificate(number, fault) => write!(formatter, "in its signing certificate {number}, {fault}"),
        }
    }
}

impl std::error::Error for Fault {}

impl From<Fault> for String {
    fn from(fault: Fault) -> Self {
        fault.to_string()
    }
}
