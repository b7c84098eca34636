//! Faults of an identity provider's metadata.

use std::fmt;

use super::{LeftOut, MAX_BYTES, METADATA};
use crate::certificate;
use crate::identity_provider::MAX_CERTIFICATES;
use crate::pasted::Pasted;
use crate::shown::shown;
use crate::timestamp::Timestamp;

/// Entity ids that are listed.
const LISTED: usize = 10;

/// A reason for which a text is not taken for an identity provider's metadata. `Display` says it of the field that held
/// the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A private key is in the text.
    PrivateKey,
    /// More than [`MAX_BYTES`].
    TooLong,
    /// Nothing but white space.
    Empty,
    /// Something else than metadata, recognised.
    Pasted(Pasted),
    /// A document type, which could define entities.
    Doctype,
    /// Deeper nested or of more parts than metadata is.
    TooComplex,
    /// Not well-formed XML, and why.
    NotXml(String),
    /// XML whose outermost element is another, of this name.
    NotMetadata(String),
    /// XML that is no SAML response: its outermost element is another, of this name.
    NotResponse(String),
    /// An element of metadata, of this name and in another namespace or in none.
    Namespace(&'static str, Option<String>),
    /// No identity provider, and the role that is there instead.
    NoIdentityProvider(Option<&'static str>),
    /// Several identity providers, by their entity ids, and none selected.
    Several(Vec<String>),
    /// The selected identity provider is not among these.
    NotAmong(Vec<String>),
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
    /// No place to sign in is usable, and how the first is wrong.
    Login(&'static str),
    /// No certificate to check signatures by.
    NoSigningCertificate,
    /// No certificate to check signatures by that can be used, and why each cannot.
    NoUsableCertificate(Vec<LeftOut>),
    /// This many certificates for signing.
    TooManyCertificates(usize),
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PrivateKey => certificate::Fault::PrivateKey.fmt(formatter),
            Self::TooLong => write!(
                formatter,
                "is longer than {MAX_BYTES} bytes: of the metadata of a federation, send one identity provider"
            ),
            Self::Empty => formatter.write_str("is empty"),
            Self::Pasted(Pasted::Url) => formatter.write_str(
                "is a URL, not metadata: send it as `idp_saml_metadata_url`, or send the text of the document",
            ),
            Self::Pasted(pasted) => write!(formatter, "{pasted}, not metadata: {}", pasted.advice()),
            Self::Doctype => formatter.write_str("has a document type (`<!DOCTYPE`), which is not taken: remove it"),
            Self::TooComplex => formatter.write_str(
                "is nested deeper or has more parts than any real document: remove what does not belong to it",
            ),
            Self::NotXml(reason) => write!(formatter, "is not well-formed XML: {reason}"),
            Self::NotMetadata(name) => write!(
                formatter,
                "begins with `{}`, not with `EntityDescriptor` or `EntitiesDescriptor` of SAML 2.0 metadata",
                shown(name)
            ),
            Self::NotResponse(name) => {
                write!(formatter, "begins with `{}`, not with `Response` of the SAML 2.0 protocol", shown(name))
            }
            Self::Namespace(name, Some(namespace)) => write!(
                formatter,
                "has the element `{name}` in the namespace `{}`, not in `{}`",
                shown(namespace),
                namespace_of(name)
            ),
            Self::Namespace(name, None) => write!(
                formatter,
                "has the element `{name}` in no namespace: declare `{}` with `xmlns`, as the original document does",
                namespace_of(name)
            ),
            Self::NoIdentityProvider(None) => {
                formatter.write_str("holds no `IDPSSODescriptor` for SAML 2.0: it describes no identity provider")
            }
            Self::NoIdentityProvider(Some(role)) => write!(
                formatter,
                "holds no `IDPSSODescriptor` for SAML 2.0 but {role}: send the identity provider's SAML 2.0 metadata"
            ),
            Self::Several(ids) => write!(
                formatter,
                "holds {} identity providers: select one with `idp_saml_config.entity_id`, among {}",
                ids.len(),
                listed(ids)
            ),
            Self::NotAmong(ids) => write!(
                formatter,
                "does not hold the identity provider that `idp_saml_config.entity_id` selects, but {}",
                listed(ids)
            ),
            Self::ValidUntil => formatter.write_str("has a `validUntil` that is no time"),
            Self::Expired(moment) => write!(formatter, "was valid until {moment}: fetch it anew"),
            Self::EntityId(reason) => write!(formatter, "has an `entityID` that {reason}"),
            Self::WantAuthnRequestsSigned => {
                formatter.write_str("has a `WantAuthnRequestsSigned` that is neither true nor false")
            }
            Self::NoLogin => formatter.write_str("holds no `SingleSignOnService` for HTTP-Redirect or HTTP-POST"),
            Self::Login(reason) => write!(formatter, "holds a `SingleSignOnService` whose `Location` {reason}"),
            Self::NoSigningCertificate => {
                formatter.write_str("holds no `X509Certificate` for signing: a key without a certificate is not taken")
            }
            Self::NoUsableCertificate(left_out) => {
                formatter.write_str("holds no certificate for signing that can be used")?;
                for (at, one) in left_out.iter().enumerate() {
                    write!(formatter, "{} {one}", if at == 0 { ":" } else { ";" })?;
                }
                Ok(())
            }
            Self::TooManyCertificates(count) => write!(
                formatter,
                "holds {count} certificates for signing where at most {MAX_CERTIFICATES} are taken: remove old ones at the identity provider"
            ),
        }
    }
}

impl Fault {
    /// Says the fault of a document that was fetched from a URL, where nobody pasted anything.
    pub fn of_document(&self) -> String {
        match self {
            Self::Pasted(Pasted::Html) => {
                "is an HTML page, not metadata: give the URL of the document itself, which needs no sign-in".to_owned()
            }
            Self::Pasted(Pasted::Json) => "is JSON, not metadata: give the URL of the SAML 2.0 metadata; \
                                           an OpenID Connect configuration has another one"
                .to_owned(),
            Self::Pasted(pasted) => {
                format!("{pasted}, not metadata: give a URL that responds with the metadata as XML, in UTF-8")
            }
            Self::Empty => "is empty: give a URL that responds with the metadata".to_owned(),
            Self::TooLong => format!(
                "is longer than {MAX_BYTES} bytes: where it is a federation's, give the URL of one identity provider's \
                 metadata"
            ),
            Self::Expired(moment) => {
                format!("was valid until {moment}: have the identity provider publish it anew")
            }
            Self::NoIdentityProvider(Some(role)) => format!(
                "holds no `IDPSSODescriptor` for SAML 2.0 but {role}: give the URL of the identity provider's SAML 2.0 \
                 metadata"
            ),
            other => other.to_string(),
        }
    }
}

fn namespace_of(name: &str) -> &'static str {
    if name.starts_with("X509") || name == "KeyInfo" { super::SIGNATURE } else { METADATA }
}

fn listed(ids: &[String]) -> String {
    let mut listed: Vec<_> = ids.iter().take(LISTED).map(|id| format!("`{}`", shown(id))).collect();
    if ids.len() > LISTED {
        listed.push(format!("{} more", ids.len() - LISTED));
    }
    listed.join(", ")
}

impl std::error::Error for Fault {}

impl From<Fault> for String {
    fn from(fault: Fault) -> Self {
        fault.to_string()
    }
}
