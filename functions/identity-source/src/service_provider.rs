//! The service provider of a store, as an identity provider's administrator configures it.

use serde::Serialize;
use trustplane_domain::saml::ServiceProviderMetadata;
use trustplane_domain::{Failure, Timestamp};
use trustplane_policy::Kind;
use trustplane_runtime::{Call, Platform, Response, Subject};

use crate::parameters;
use crate::store::{self, ServedStore};

/// The configurations of a service provider.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "SpConfig"))]
pub(crate) struct Config {
    /// Settings for OpenID Connect.
    sp_oidc_config: OidcConfig,
    /// Settings for SAML.
    sp_saml_config: SamlConfig,
}

/// The OpenID Connect configuration of a store's service provider.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "SpOidcConfig"))]
struct OidcConfig {
    /// Redirect URL at the login service.
    redirect_url: String,
}

/// The SAML configuration of a store's service provider.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "SpSamlConfig"))]
pub(crate) struct SamlConfig {
    /// URL of the assertion consumer service, at the login service.
    acs_url: String,
    /// Entity id of the service provider.
    issuer: String,
    /// SAML 2.0 metadata of the service provider.
    metadata: String,
}

/// GET `/v1/identity-stores/{identity_store_id}/sp-config`.
pub async fn show(call: Call) -> Result<Response, Failure> {
    let request = call
        .input(|request| parameters::id(request, "identity_store_id"))
        .reads(|store, keys| store::reads_served(store, keys))
        .subject(|(store, ()), _, _| Subject::new(Kind::SpCertificate, store.clone()));
    store::decide(request, |_, store, cx| {
        let redirect_url = format!("{}/oidc/{}/callback", cx.platform().saml_base()?, store.id);
        let sp_saml_config = SamlConfig::of(cx.platform(), &store, cx.now)?;
        Ok(Response::ok(&Config { sp_oidc_config: OidcConfig { redirect_url }, sp_saml_config }))
    })
    .await
}

impl SamlConfig {
    /// The entity id of the service provider.
    pub(crate) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The address that responses are posted to.
    pub(crate) fn acs_url(&self) -> &str {
        &self.acs_url
    }

    /// The configuration of a store, with addresses under the platform's sign-in base. Its metadata holds the certificates
    /// that sign-in requests are signed by, or soon may be.
    pub(crate) fn of(platform: &Platform, store: &ServedStore, now: Timestamp) -> Result<Self, Failure> {
        let issuer = format!("{}/saml/{}", platform.saml_base()?, store.id);
        let acs_url = format!("{issuer}/acs");
        let published = store.service_provider.value().map(|provider| provider.published(now)).unwrap_or_default();
        let metadata = ServiceProviderMetadata {
            entity_id: &issuer,
            assertion_consumer_service: &acs_url,
            signing_certificates: published.iter().map(|one| one.certificate.to_base64_der()).collect(),
        };
        let metadata = metadata.to_xml();
        Ok(Self { acs_url, issuer, metadata })
    }
}
