//! What an identity provider's administrator has to know of us, as the service provider of a store.

use serde::Serialize;
use trustplane_domain::saml::ServiceProviderMetadata;
use trustplane_domain::service_provider::ServiceProvider;
use trustplane_domain::{Failure, Faults, Timestamp};
use trustplane_policy::{Change, Kind, Resource};
use trustplane_runtime::{Call, Platform, Reply};

use crate::store::{self, Path, Store};

/// Both configurations on the wire.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "SpConfig"))]
pub(crate) struct Config {
    sp_oidc_config: OidcConfig,
    sp_saml_config: SamlConfig,
}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "SpOidcConfig"))]
struct OidcConfig {
    redirect_url: String,
}

/// The SAML configuration of a store's service provider on the wire.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "SpSamlConfig"))]
pub(crate) struct SamlConfig {
    acs_url: String,
    issuer: String,
    metadata: String,
}

/// GET `/v1/identity-stores/{identity_store_id}/sp-config`.
pub async fn show(call: Call) -> Result<Reply, Failure> {
    let mut faults = Faults::default();
    let path = Path::of(&call, &mut faults).with_service_provider();
    store::view(&call, faults.into_result().map(|()| (path, ())), |store, ()| {
        let config = config(&call.platform, store, call.now).map(|config| Reply::ok(&config));
        Change::new(Resource::new(Kind::SpCertificate, store.id.clone()), config)
    })
    .await
}

fn config(platform: &Platform, store: &Store, now: Timestamp) -> Result<Config, Failure> {
    let redirect_url = format!("{}/oidc/{}/callback", base(platform)?, store.id);
    Ok(Config { sp_oidc_config: OidcConfig { redirect_url }, sp_saml_config: SamlConfig::of(platform, store, now)? })
}

fn base(platform: &Platform) -> Result<&str, Failure> {
    platform.saml_base.as_deref().ok_or(Failure::Internal)
}

impl SamlConfig {
    /// That of a store, by addresses under `TRUSTPLANE_SAML_BASE`. Its metadata holds the certificates that sign-in
    /// requests are signed by, or soon may be.
    pub(crate) fn of(platform: &Platform, store: &Store, now: Timestamp) -> Result<Self, Failure> {
        let issuer = format!("{}/saml/{}", base(platform)?, store.id);
        let acs_url = format!("{issuer}/acs");
        let none = ServiceProvider::default();
        let provider = store.service_provider.as_ref().map_or(&none, |stored| &stored.value);
        let published = provider.published(now);
        let metadata = ServiceProviderMetadata {
            entity_id: &issuer,
            assertion_consumer_service: &acs_url,
            signing_certificates: published.iter().map(|one| one.certificate.to_base64_der()).collect(),
        };
        let metadata = metadata.to_xml();
        Ok(Self { acs_url, issuer, metadata })
    }
}
