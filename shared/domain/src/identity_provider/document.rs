//! A metadata document that was fetched from a provider's URL.

use sha2::{Digest as _, Sha256};

use super::{EntityId, Offer};
use crate::outbound::Validators;
use crate::saml::{Fault, IdentityProviderMetadata};
use crate::timestamp::Timestamp;

/// A document with a usable provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The provider, and everything that an import would use or leave out.
    pub offer: Offer,
    /// SHA-256 of the document, 64 lower-case hexadecimal digits.
    pub sha256: String,
    /// The server's validators, for the next request.
    pub validators: Validators,
    /// Time until which the document may be used, if it names one.
    pub valid_until: Option<Timestamp>,
}

/// The outcome of a fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Observation {
    /// A document.
    Document(Box<Document>),
    /// The document is still the one that the validators belong to.
    NotModified,
    /// No document, with the reason.
    Unreachable(String),
    /// A document that cannot be used, with the reason.
    Invalid {
        /// The reason.
        reason: String,
        /// SHA-256 of the document.
        sha256: String,
    },
    /// A document with more certificates than a provider may have.
    TooManyCertificates {
        /// Their number.
        count: usize,
        /// SHA-256 of the document.
        sha256: String,
    },
}

impl Document {
    /// Reads the document of a new URL; `selected` names one of several providers.
    pub fn read(
        body: &[u8],
        validators: Validators,
        selected: Option<&EntityId>,
        now: Timestamp,
    ) -> Result<Self, Fault> {
        let text = std::str::from_utf8(body).map_err(|_| Fault::NotXml("it is not UTF-8".to_owned()))?;
        let read = IdentityProviderMetadata::parse_selected(text, selected, now)?;
        let valid_until = read.valid_until;
        Ok(Self { offer: Offer::from(read), sha256: sha256(body), validators, valid_until })
    }
}

impl Observation {
    /// Reads the document of a provider's URL. Of several providers, the one with the entity id `current` counts.
    pub fn read(body: &[u8], validators: Validators, current: &EntityId, now: Timestamp) -> Self {
        let alone = Document::read(body, validators.clone(), None, now);
        let read = match alone {
            Err(Fault::Several(_)) => Document::read(body, validators, Some(current), now),
            alone => alone,
        };
        match read {
            Ok(document) => Self::Document(Box::new(document)),
            Err(Fault::TooManyCertificates(count)) => Self::TooManyCertificates { count, sha256: sha256(body) },
            Err(fault) => {
                Self::Invalid { reason: format!("the document {}", fault.of_document()), sha256: sha256(body) }
            }
        }
    }
}

fn sha256(body: &[u8]) -> String {
    Sha256::digest(body).iter().map(|byte| format!("{byte:02x}")).collect()
}
