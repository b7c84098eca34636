//! SAML metadata of identity providers.

use trustplane_domain::Timestamp;
use trustplane_domain::identity_provider::{Document, EntityId, IdentityProvider, Observation};
use trustplane_domain::outbound::OutboundUrl;
use trustplane_domain::saml::Fault;

use crate::{Client, Error, Fetched, Limits};

/// Reason why a URL has no usable metadata.
#[derive(Debug)]
pub enum MetadataError {
    /// There is no document.
    Fetch(Error),
    /// The document is not usable.
    Document(Fault),
}

impl Client {
    /// Fetches the metadata of a new URL. `selected` names one of several providers in it.
    pub async fn metadata(
        &self,
        url: &OutboundUrl,
        selected: Option<&EntityId>,
        now: Timestamp,
    ) -> Result<Document, MetadataError> {
        match self.fetch(url, Limits::METADATA, None).await {
            Ok(Fetched::Document(found)) => {
                Document::read(&found.body, found.validators(), selected, now).map_err(MetadataError::Document)
            }
            // Without a condition, this is no response to the request.
            Ok(Fetched::NotModified) => Err(MetadataError::Fetch(Error::Status(304))),
            Err(error) => Err(MetadataError::Fetch(error)),
        }
    }

    /// Fetches the metadata of a provider again. `None` if it has no metadata URL.
    pub async fn observe(&self, provider: &IdentityProvider, now: Timestamp) -> Option<Observation> {
        let url = provider.metadata()?.url();
        Some(match self.fetch(url, Limits::METADATA, provider.validators(now)).await {
            Ok(Fetched::Document(found)) => {
                Observation::read(&found.body, found.validators(), &provider.settings().entity_id, now)
            }
            Ok(Fetched::NotModified) => Observation::NotModified,
            Err(error) => Observation::Unreachable(error.to_string()),
        })
    }
}

impl std::fmt::Display for MetadataError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Fetch(error) => write!(formatter, "cannot be fetched: {error}"),
            Self::Document(fault) => {
                write!(formatter, "has a document that cannot be used: it {}", fault.of_document())
            }
        }
    }
}

impl std::error::Error for MetadataError {}
