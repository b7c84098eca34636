//! The directory's items.

use serde::{Deserialize, Serialize};
use trustplane_domain::directory::authorisation_server::AuthorisationServer;
use trustplane_domain::directory::domain_proof::DomainProof;
use trustplane_domain::directory::ids::SsoConfigurationId;
use trustplane_domain::directory::organisation::Organisation;
use trustplane_domain::directory::route::{ConfigurationPath, Route};
use trustplane_domain::directory::sso_configuration::SsoConfiguration;
use trustplane_domain::directory::version::Version;
use trustplane_domain::ids::TenantId;

use crate::{DOMAIN, Due, Item};

/// How many children a parent has. An item of its own, so that a child made or gone leaves its parent's version alone,
/// and counted in place, so that children made side by side do not undo each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// How many.
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
}

impl Item for SsoConfiguration {
    const ENTITY: &'static str = "sso-configuration";
}

/// Kept for the look-up of a configuration by its id.
impl Item for ConfigurationPath {
    const ENTITY: &'static str = "sso-configuration-path";
}

impl Item for Version {
    const ENTITY: &'static str = "sso-configuration-version";
}

impl Item for DomainProof {
    const ENTITY: &'static str = "domain-challenge";

    fn due(&self) -> Option<Due> {
        self.next_due().map(|at| Due { kind: DOMAIN, at })
    }
}

/// Who holds an e-mail domain, of all tenants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainClaim {
    /// Which tenant.
    pub tenant_id: TenantId,
    /// Through which of its configurations.
    pub configuration_id: SsoConfigurationId,
}

impl Item for DomainClaim {
    const ENTITY: &'static str = "domain-claim";
}

impl Item for Route {
    const ENTITY: &'static str = "route";
}
