//! What an identity provider's administrator has to know of us, as the SAML service provider of a store.

use serde::Serialize;
use trustplane_domain::Failure;
use trustplane_domain::saml::ServiceProviderMetadata;
use trustplane_runtime::Platform;

/// The SAML configuration of a store's service provider on the wire.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct SamlConfig {
    acs_url: String,
    issuer: String,
    metadata: String,
}

impl SamlConfig {
    /// That of a store, by addresses under `TRUSTPLANE_SAML_BASE`.
    pub(crate) fn of(platform: &Platform, store: &str) -> Result<Self, Failure> {
        let base = platform.saml_base.as_deref().ok_or(Failure::Internal)?;
        let issuer = format!("{base}/saml/{store}");
        let acs_url = format!("{issuer}/acs");
        let metadata = ServiceProviderMetadata {
            entity_id: &issuer,
            assertion_consumer_service: &acs_url,
            signing_certificates: Vec::new(),
        };
        let metadata = metadata.to_xml();
        Ok(Self { acs_url, issuer, metadata })
    }
}
