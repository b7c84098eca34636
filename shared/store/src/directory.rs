//! The directory's items.

use serde::{Deserialize, Serialize};
use trustplane_domain::Timestamp;
use trustplane_domain::directory::authorisation_server::AuthorisationServer;
use trustplane_domain::directory::domain_proof::DomainProof;
use trustplane_domain::directory::ids::SsoConfigurationId;
use trustplane_domain::directory::organisation::Organisation;
use trustplane_domain::directory::route::{ConfigurationPath, Route};
use trustplane_domain::directory::sso_configuration::SsoConfiguration;
use trustplane_domain::directory::version::Version;
use trustplane_domain::ids::TenantId;

use crate::Item;

/// The number of a parent's children. An item of its own, so that a child made or gone leaves its parent's version alone,
/// and counted in place, so that children made side by side do not undo each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// The number.
    pub children: u64,
}

impl Item for Count {
    const ENTITY: &'static str = "count";
}

impl Item for Organisation {
    const ENTITY: &'static str = "organisation";
}

impl Item for AuthorisationServer {
    const ENTITY: &'static str = "authorisation-server";
    const NOUN: &'static str = "authorisation server";
}

impl Item for SsoConfiguration {
    const ENTITY: &'static str = "sso-configuration";
    const NOUN: &'static str = "SSO configuration";
}

/// Kept for the look-up of a configuration by its id.
impl Item for ConfigurationPath {
    const ENTITY: &'static str = "sso-configuration-path";
    const NOUN: &'static str = "SSO configuration";
}

impl Item for Version {
    const ENTITY: &'static str = "sso-configuration-version";
    const NOUN: &'static str = "version";
}

impl Item for DomainProof {
    const ENTITY: &'static str = "domain-challenge";
    const NOUN: &'static str = "domain";
    const DUE_LIST: &'static str = "domain";

    fn due_at(&self) -> Option<Timestamp> {
        self.next_due()
    }
}

/// The tenant that holds an e-mail domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainClaim {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The configuration that restricts the domain.
    pub configuration_id: SsoConfigurationId,
}

impl Item for DomainClaim {
    const ENTITY: &'static str = "domain-claim";

    fn holder(&self) -> Option<TenantId> {
        Some(self.tenant_id)
    }
}

/// The tenant that may use a redirect URI, and its configuration that has it. A claim outlives its configuration, because
/// an identity provider may still have the URI registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedirectClaim {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The configuration; `None` if none of the tenant has the URI any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configuration_id: Option<SsoConfigurationId>,
}

impl RedirectClaim {
    /// Returns true if a configuration of a tenant may take the URI.
    pub fn is_open_to(&self, tenant: TenantId, configuration: SsoConfigurationId) -> bool {
        self.tenant_id == tenant && self.configuration_id.is_none_or(|holder| holder == configuration)
    }
}

impl Item for RedirectClaim {
    const ENTITY: &'static str = "redirect-claim";

    fn holder(&self) -> Option<TenantId> {
        Some(self.tenant_id)
    }
}

impl Item for Route {
    const ENTITY: &'static str = "route";
}
