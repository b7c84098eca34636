//! What hangs together when another version is taken into use: proofs and claims of its domains, the routes of e-mail
//! addresses, and the version that was in use until then.

use std::collections::{BTreeMap, BTreeSet};

use trustplane_domain::Timestamp;
use trustplane_domain::directory::approval::{Changed, Circumstances, retired};
use trustplane_domain::directory::domain_name::{DomainName, RestrictedDomain};
use trustplane_domain::directory::route::{ConfigurationPath, Route};
use trustplane_domain::directory::sso_configuration::SsoConfiguration;
use trustplane_domain::directory::standing::Obstacle;
use trustplane_domain::directory::version::{Version, VersionContent, VersionStatus};
use trustplane_store::{DomainClaim, Key, Read, StoreError, Stored, Writes, keys};

use crate::proofs::{self, Proofs, Tokens};

/// What is so around a version's domains.
#[derive(Debug)]
pub(crate) struct Surroundings {
    proofs: Proofs,
    proven: BTreeSet<DomainName>,
    claimed_elsewhere: BTreeSet<DomainName>,
    routes: BTreeMap<RestrictedDomain, Stored<Route>>,
}

/// An update that is allowed by the rules, and what it was read from.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) changed: Changed,
    pub(crate) before: Stored<Version>,
    pub(crate) configuration: Stored<SsoConfiguration>,
    pub(crate) surroundings: Surroundings,
}

/// What has to be read to judge a version of this content, beside the version itself.
pub(crate) fn keys(content: &VersionContent, tenant: TenantKeys) -> Vec<Key> {
    let claims = restricted(content).map(|domain| tenant.domain_claim(domain.as_str()));
    let routes = routed(content).into_iter().map(|domain| tenant.route(domain.as_str()));
    proofs::keys(content, tenant).into_iter().chain(claims).chain(routes).collect()
}

impl Surroundings {
    /// Takes them out of what was read.
    pub(crate) fn take(
        path: &ConfigurationPath,
        content: &VersionContent,
        read: &mut Read,
        tenant: TenantKeys,
    ) -> Result<Self, StoreError> {
        let proofs = Proofs::take(content, read, tenant)?;
        let proven = proofs.proven();
        let mut claimed_elsewhere = BTreeSet::new();
        for domain in restricted(content) {
            let claim = read.take::<DomainClaim>(&tenant.domain_claim(domain.as_str()))?;
            let own = DomainClaim { tenant_id: tenant.id(), configuration_id: path.configuration_id };
            if claim.is_some_and(|claim| claim.value != own) {
                claimed_elsewhere.insert(domain.clone());
            }
        }
        let mut routes = BTreeMap::new();
        for domain in routed(content) {
            if let Some(route) = read.take(&tenant.route(domain.as_str()))? {
                routes.insert(domain, route);
            }
        }
        Ok(Self { proofs, proven, claimed_elsewhere, routes })
    }

    /// For the rules.
    pub(crate) fn circumstances<'a>(&'a self, obstacles: &'a [Obstacle]) -> Circumstances<'a> {
        Circumstances { proven: &self.proven, claimed_elsewhere: &self.claimed_elsewhere, obstacles }
    }
}

impl Plan {
    /// What else has to be read: the version that is retired, and the routes that it alone was on.
    pub(crate) fn further(&self, tenant: TenantKeys) -> Vec<Key> {
        let routes = self.changed.routes.iter().map(|change| &change.domain);
        let unread = routes.filter(|domain| !self.surroundings.routes.contains_key(*domain));
        let asked = routed(&self.before.value.content);
        let routes = unread.filter(|domain| !asked.contains(*domain)).map(|domain| tenant.route(domain.as_str()));
        self.retired_key(tenant).into_iter().chain(routes).collect()
    }

    /// All that is written, in one transaction: with challenges for domains that are named for the first time, and on
    /// condition that the domains which come into use are still proven.
    pub(crate) fn writes(
        mut self,
        read: &mut Read,
        tokens: &Tokens,
        tenant: TenantKeys,
        now: Timestamp,
    ) -> Result<Writes, StoreError> {
        let mut writes = Writes::new().replace(&self.before, &self.changed.version)?;
        if self.changed.version.content != self.before.value.content {
            writes = writes.and(self.surroundings.proofs.challenges(tokens, tenant, now)?);
        }
        if self.changed.version.status == VersionStatus::Active {
            writes = writes.and(self.surroundings.proofs.unchanged());
        }
        if self.changed.configuration != self.configuration.value {
            writes = writes.replace(&self.configuration, &self.changed.configuration)?;
        }
        if let Some(key) = self.retired_key(tenant) {
            let former = read.take::<Version>(&key)?.ok_or_else(|| StoreError::missing("version in use"))?;
            writes = writes.replace(&former, &retired(&former.value, now))?;
        }
        let path = ConfigurationPath::from(&self.changed.configuration);
        for domain in &self.changed.claims.taken {
            let claim = DomainClaim { tenant_id: tenant.id(), configuration_id: path.configuration_id };
            writes = writes.claim(&tenant.domain_claim(domain.as_str()), &claim)?;
        }
        for domain in &self.changed.claims.released {
            writes = writes.release(&tenant.domain_claim(domain.as_str()));
        }
        for change in &self.changed.routes {
            let key = tenant.route(change.domain.as_str());
            let standing = match self.surroundings.routes.remove(&change.domain) {
                Some(route) => Some(route),
                None => read.take::<Route>(&key)?,
            };
            let after =
                standing.as_ref().map_or_else(Route::default, |route| route.value.clone()).changed(change, &path);
            writes = match standing {
                Some(route) if after.is_empty() => writes.remove(&route),
                Some(route) => writes.replace(&route, &after)?,
                None if after.is_empty() => writes,
                None => writes.create(&key, &after)?,
            };
        }
        Ok(writes)
    }

    fn retired_key(&self, tenant: TenantKeys) -> Option<Key> {
        let id = self.changed.retired?;
        Some(tenant.version(&self.changed.configuration.id.to_string(), &id.to_string()))
    }
}

fn restricted(content: &VersionContent) -> impl Iterator<Item = &DomainName> {
    content.restricted_domains.iter().filter_map(RestrictedDomain::domain)
}

/// The domains whose routes lead to a version of this content while it is in use.
fn routed(content: &VersionContent) -> BTreeSet<RestrictedDomain> {
    let supported = content.supported_domains.iter().cloned().map(RestrictedDomain::Domain);
    content.restricted_domains.iter().cloned().chain(supported).collect()
}
