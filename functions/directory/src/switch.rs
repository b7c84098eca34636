//! The change of the version in use: proofs and claims of its domains, the routes of e-mail addresses, and the version that
//! was in use until then.

use std::collections::{BTreeMap, BTreeSet};

use trustplane_domain::directory::approval::{Circumstances, Transition, retired};
use trustplane_domain::directory::domain_name::{DomainName, RestrictedDomain};
use trustplane_domain::directory::domain_proof::DomainProof;
use trustplane_domain::directory::obstacle::Obstacle;
use trustplane_domain::directory::route::{ConfigurationPath, MAX_CONFIGURATIONS, Route};
use trustplane_domain::directory::sso_configuration::SsoConfiguration;
use trustplane_domain::directory::version::{Version, VersionContent, VersionStatus};
use trustplane_domain::{Conflict, Failure, Timestamp};
use trustplane_store::{DomainClaim, Expected, Optional, Reads, Slot, Stored, TenantKeys, Writes};

/// Random bytes for the challenges of all domains that a version can name: 10 restricted and 10 supported ones.
pub(crate) type Tokens = [u8; 20 * 20];

/// The proof of each domain; an empty slot where no challenge was ever made.
#[derive(Debug)]
pub(crate) struct Proofs(BTreeMap<DomainName, Slot<DomainProof>>);

/// The facts outside a version that concern its domains: proofs, claims and routes.
#[derive(Debug)]
pub(crate) struct DomainFacts {
    proofs: Proofs,
    proven: BTreeSet<DomainName>,
    claimed_elsewhere: BTreeSet<DomainName>,
    routes: BTreeMap<RestrictedDomain, Slot<Route>>,
}

/// An update that the rules permit, and the items that it was derived from.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) changed: Transition,
    pub(crate) before: Stored<Version>,
    pub(crate) configuration: Stored<SsoConfiguration>,
    pub(crate) facts: DomainFacts,
}

/// The version that is retired, and the routes that only that version has.
type Former = (Option<Stored<Version>>, BTreeMap<RestrictedDomain, Slot<Route>>);

impl Proofs {
    /// Reads the proofs of all domains of a version.
    pub(crate) fn reads(content: &VersionContent, keys: TenantKeys) -> impl Reads<Loaded = Self> + use<> {
        let proof = |domain: &DomainName| (domain.clone(), keys.domain_proof(domain).optional());
        content.domains().into_iter().map(proof).collect::<BTreeMap<_, _>>().map(Self)
    }

    /// The domains that are proven.
    pub(crate) fn proven(&self) -> BTreeSet<DomainName> {
        let proven = self.0.values().filter_map(Slot::value).filter(|proof| proof.is_proven());
        proven.map(|proof| proof.domain.clone()).collect()
    }

    /// A challenge for each domain that has none, or one that has ended.
    pub(crate) fn challenges(&self, tokens: &Tokens, now: Timestamp) -> Writes {
        let (tokens, _) = tokens.as_chunks();
        self.0.iter().zip(tokens).fold(Writes::new(), |writes, ((domain, slot), token)| match slot.value() {
            None => writes.and(slot.write(&DomainProof::challenge(domain.clone(), *token, now))),
            Some(ended) if ended.is_over(now) => writes.and(slot.write(&ended.renewed(*token, now))),
            Some(_) => writes,
        })
    }

    /// The condition that all proofs are still as they were read.
    pub(crate) fn unchanged(&self) -> Writes {
        self.0.values().filter_map(|slot| slot.item.as_ref()).fold(Writes::new(), Writes::check)
    }
}

impl DomainFacts {
    /// Reads the facts about the domains of a version.
    pub(crate) fn reads(
        path: &ConfigurationPath,
        content: &VersionContent,
        keys: TenantKeys,
    ) -> impl Reads<Loaded = Self> + use<> {
        let claims: BTreeMap<_, _> =
            restricted(content).map(|domain| (domain.clone(), keys.domain_claim(domain).optional())).collect();
        let own = DomainClaim { tenant_id: keys.id(), configuration_id: path.configuration_id };
        let routes = routes(routed(content), keys);
        (Proofs::reads(content, keys), claims, routes).map(move |(proofs, claims, routes)| {
            let elsewhere = claims.into_iter().filter(|(_, claim)| claim.value().is_some_and(|claim| *claim != own));
            let claimed_elsewhere = elsewhere.map(|(domain, _)| domain).collect();
            Self { proven: proofs.proven(), proofs, claimed_elsewhere, routes }
        })
    }

    /// The facts as the rules take them.
    pub(crate) fn circumstances<'a>(&'a self, obstacles: &'a [Obstacle]) -> Circumstances<'a> {
        Circumstances { proven: &self.proven, claimed_elsewhere: &self.claimed_elsewhere, obstacles }
    }
}

impl Plan {
    /// Reads the version that is retired, and the routes that only that version has.
    pub(crate) fn rest(&self, keys: TenantKeys) -> impl Reads<Loaded = Former> + use<> {
        let retired: Option<Expected<Version>> =
            self.changed.retired.map(|id| keys.version(self.changed.configuration.id, id).expected());
        let changed = self.changed.routes.iter().map(|change| change.domain.clone());
        let unread = changed.filter(|domain| !self.facts.routes.contains_key(domain)).collect();
        (retired, routes(unread, keys))
    }

    /// The writes, in one transaction: with challenges for domains that are named for the first time, and on condition
    /// that the domains which come into use are still proven.
    pub(crate) fn writes(
        mut self,
        (former, mut routes): Former,
        tokens: &Tokens,
        keys: TenantKeys,
        now: Timestamp,
    ) -> Result<Writes, Failure> {
        let Transition { version, configuration, claims, .. } = &self.changed;
        let mut writes =
            Writes::new().replace(&self.before, version).replace_if_changed(&self.configuration, configuration);
        if version.content != self.before.value.content {
            writes = writes.and(self.facts.proofs.challenges(tokens, now));
        }
        if version.status == VersionStatus::Active {
            writes = writes.and(self.facts.proofs.unchanged());
        }
        if let Some(former) = former {
            writes = writes.replace(&former, &retired(&former.value, now));
        }
        let path = ConfigurationPath::from(configuration);
        let claim = DomainClaim { tenant_id: keys.id(), configuration_id: path.configuration_id };
        writes = claims.taken.iter().fold(writes, |writes, domain| writes.claim(&keys.domain_claim(domain), &claim));
        writes = claims.released.iter().fold(writes, |writes, domain| writes.release(&keys.domain_claim(domain)));
        routes.append(&mut self.facts.routes);
        for change in &self.changed.routes {
            let slot = routes.get(&change.domain).ok_or_else(|| Failure::internal("a route that was not read"))?;
            let after = slot.value().cloned().unwrap_or_default().changed(change, &path);
            // A change that only takes away is always possible.
            if after.is_too_long() && (change.restricted || change.supported) {
                return Err(Failure::conflict(
                    Conflict::Limit,
                    format!(
                        "`{}` leads to {MAX_CONFIGURATIONS} configurations already, which is the limit: make another \
                         version that names it inactive first",
                        change.domain
                    ),
                ));
            }
            writes = match &slot.item {
                Some(route) if after.is_empty() => writes.remove(route),
                None if after.is_empty() => writes,
                _ => writes.and(slot.write(&after)),
            };
        }
        Ok(writes)
    }
}

fn routes(domains: BTreeSet<RestrictedDomain>, keys: TenantKeys) -> BTreeMap<RestrictedDomain, Optional<Route>> {
    domains.into_iter().map(|domain| (domain.clone(), keys.route(&domain).optional())).collect()
}

fn restricted(content: &VersionContent) -> impl Iterator<Item = &DomainName> {
    content.restricted_domains.iter().filter_map(RestrictedDomain::domain)
}

/// The domains whose routes lead to a version of this content while it is in use.
fn routed(content: &VersionContent) -> BTreeSet<RestrictedDomain> {
    let supported = content.supported_domains.iter().cloned().map(RestrictedDomain::Domain);
    content.restricted_domains.iter().cloned().chain(supported).collect()
}
