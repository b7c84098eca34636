//! Routes: which of a tenant's SSO configurations an e-mail address signs in through. A route is kept for each domain
//! that an active version names, so that a look-up reads its candidates and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::domain_name::RestrictedDomain;
use super::email_address::EmailAddress;
use super::ids::{AuthorisationServerId, OrganisationId, SsoConfigurationId};
use super::sso_configuration::{ActiveVersion, SsoConfiguration};

/// Where a configuration is kept.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ConfigurationPath {
    /// Which.
    pub configuration_id: SsoConfigurationId,
    /// Of which organisation.
    pub organisation_id: OrganisationId,
    /// Of which server.
    pub server_id: AuthorisationServerId,
}

impl From<&SsoConfiguration> for ConfigurationPath {
    fn from(configuration: &SsoConfiguration) -> Self {
        Self {
            configuration_id: configuration.id,
            organisation_id: configuration.organisation_id.clone(),
            server_id: configuration.server_id,
        }
    }
}

/// The configurations of a tenant whose active version names one domain (or `*`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// Whose people must sign in through it: one, but for `*`, which nobody claims.
    #[serde(default)]
    pub restricted: BTreeSet<ConfigurationPath>,
    /// Whose people may sign in through it.
    #[serde(default)]
    pub supported: BTreeSet<ConfigurationPath>,
}

/// What becomes of one configuration on one route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteChange {
    /// Which route.
    pub domain: RestrictedDomain,
    /// Whether its active version restricts the domain from now on.
    pub restricted: bool,
    /// Whether its active version supports the domain from now on.
    pub supported: bool,
}

/// How an address comes to a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Means {
    /// It must sign in there.
    Restricted,
    /// It may sign in there.
    Supported,
}

impl Route {
    /// This route after `change` to `path`.
    #[must_use]
    pub fn changed(&self, change: &RouteChange, path: &ConfigurationPath) -> Self {
        let mut after = self.clone();
        for (set, stays) in [(&mut after.restricted, change.restricted), (&mut after.supported, change.supported)] {
            if stays {
                set.insert(path.clone());
            } else {
                set.remove(path);
            }
        }
        after
    }

    /// Whether nothing is left of it.
    pub fn is_empty(&self) -> bool {
        self.restricted.is_empty() && self.supported.is_empty()
    }
}

/// The routes that may serve `address`: its domain, those above it, and `*`, in the order in which they count.
pub fn candidates(address: &EmailAddress) -> Vec<RestrictedDomain> {
    let domains = address.domain().candidates().map(RestrictedDomain::Domain);
    domains.chain([RestrictedDomain::Any]).collect()
}

/// Where a route leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lead {
    /// How.
    pub means: Means,
    /// The route's domain.
    pub domain: RestrictedDomain,
    /// To which configuration.
    pub path: ConfigurationPath,
}

/// Where `routes`, in the order of [`candidates`], lead, the best first: to who restricts before who supports, and of
/// either to the longest domain first. The first that is usable serves the address.
pub fn preferred(routes: &[(RestrictedDomain, Route)]) -> Vec<Lead> {
    let lead = |means, (domain, _): &(RestrictedDomain, Route), path: &ConfigurationPath| Lead {
        means,
        domain: domain.clone(),
        path: path.clone(),
    };
    let restricted =
        routes.iter().flat_map(|route| route.1.restricted.iter().map(move |path| lead(Means::Restricted, route, path)));
    let supported =
        routes.iter().flat_map(|route| route.1.supported.iter().map(move |path| lead(Means::Supported, route, path)));
    restricted.chain(supported).collect()
}

impl Lead {
    /// Whether the active version of the configuration still says so: another may have been taken into use since the
    /// route was read.
    pub fn holds(&self, configuration: &SsoConfiguration) -> bool {
        configuration.active.as_ref().is_some_and(|active| match self.means {
            Means::Restricted => active.restricted_domains.contains(&self.domain),
            Means::Supported => self.domain.domain().is_some_and(|domain| active.supported_domains.contains(domain)),
        })
    }
}

/// What becomes of a configuration's routes when its active version is another: one change a route.
pub fn route_changes(before: Option<&ActiveVersion>, after: Option<&ActiveVersion>) -> Vec<RouteChange> {
    let (before, after) = (memberships(before), memberships(after));
    let domains: BTreeSet<&RestrictedDomain> = before.keys().chain(after.keys()).collect();
    let change = |domain: &RestrictedDomain| {
        let (restricted, supported) = after.get(domain).copied().unwrap_or_default();
        (before.get(domain) != after.get(domain)).then(|| RouteChange { domain: domain.clone(), restricted, supported })
    };
    domains.into_iter().filter_map(change).collect()
}

/// Which routes an active version is on: restricted, supported.
fn memberships(active: Option<&ActiveVersion>) -> BTreeMap<RestrictedDomain, (bool, bool)> {
    let mut memberships = BTreeMap::<RestrictedDomain, (bool, bool)>::new();
    let Some(active) = active else { return memberships };
    for domain in &active.restricted_domains {
        memberships.entry(domain.clone()).or_default().0 = true;
    }
    for domain in &active.supported_domains {
        memberships.entry(RestrictedDomain::Domain(domain.clone())).or_default().1 = true;
    }
    memberships
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;
    use crate::directory::domain_name::DomainName;
    use crate::directory::ids::VersionId;

    fn path(number: u8) -> ConfigurationPath {
        let at = Timestamp::from_millis(number.into());
        ConfigurationPath {
            configuration_id: SsoConfigurationId::new(at, [0; 10]),
            organisation_id: OrganisationId::parse_new("acme").unwrap(),
            server_id: AuthorisationServerId::new(at, [0; 10]),
        }
    }

    fn active(restricted: &[&str], supported: &[&str]) -> ActiveVersion {
        ActiveVersion {
            id: VersionId::new(Timestamp::from_millis(0), [0; 10]),
            restricted_domains: restricted.iter().map(|text| RestrictedDomain::parse(text).unwrap()).collect(),
            supported_domains: supported.iter().map(|text| DomainName::parse(text).unwrap()).collect(),
        }
    }

    fn route(restricted: &[u8], supported: &[u8]) -> Route {
        Route {
            restricted: restricted.iter().copied().map(path).collect(),
            supported: supported.iter().copied().map(path).collect(),
        }
    }

    #[test]
    fn an_address_is_looked_up_from_its_own_domain_to_the_wildcard() {
        let address = EmailAddress::parse("a@MAIL.b\u{fc}cher.co.uk").unwrap();
        let names: Vec<String> = candidates(&address).into_iter().map(String::from).collect();
        assert_eq!(names, ["mail.xn--bcher-kva.co.uk", "xn--bcher-kva.co.uk", "*"]);
        let open = EmailAddress::parse("a@gmail.com").unwrap();
        assert_eq!(candidates(&open).len(), 2);
    }

    #[test]
    fn restricted_beats_supported_and_longer_beats_shorter() {
        let of = |text: &str, route: Route| (RestrictedDomain::parse(text).unwrap(), route);
        let routes = [
            of("mail.acme.example", route(&[], &[4])),
            of("acme.example", route(&[2], &[5, 3])),
            of("*", route(&[1], &[])),
        ];
        let leads = preferred(&routes);
        let order: Vec<_> = leads.iter().map(|lead| (lead.means, lead.domain.as_str(), lead.path.clone())).collect();
        let (r, s) = (Means::Restricted, Means::Supported);
        let expected = [
            (r, "acme.example", path(2)),
            (r, "*", path(1)),
            (s, "mail.acme.example", path(4)),
            (s, "acme.example", path(3)),
            (s, "acme.example", path(5)),
        ];
        assert_eq!(order, expected);
    }

    #[test]
    fn a_route_holds_while_the_active_version_names_its_domain_so() {
        let lead = |means, text: &str| Lead { means, domain: RestrictedDomain::parse(text).unwrap(), path: path(1) };
        let mut configuration = crate::directory::sso_configuration::tests::sample();
        assert!(!lead(Means::Restricted, "a.example").holds(&configuration));
        configuration.active = Some(active(&["a.example", "*"], &["b.example"]));
        for (means, domain, holds) in [
            (Means::Restricted, "a.example", true),
            (Means::Restricted, "*", true),
            (Means::Restricted, "b.example", false),
            (Means::Supported, "b.example", true),
            (Means::Supported, "a.example", false),
            (Means::Supported, "*", false),
        ] {
            assert_eq!(lead(means, domain).holds(&configuration), holds, "{means:?} {domain}");
        }
    }

    #[test]
    fn one_change_a_route_says_what_is_so_after() {
        let before = active(&["a.example", "*", "both.example"], &["b.example", "both.example"]);
        let after = active(&["b.example", "*", "both.example"], &["c.example"]);
        let changes = route_changes(Some(&before), Some(&after));
        let changes: Vec<(&str, bool, bool)> =
            changes.iter().map(|change| (change.domain.as_str(), change.restricted, change.supported)).collect();
        assert_eq!(
            changes,
            [
                ("a.example", false, false),
                ("b.example", true, false),
                ("both.example", true, false),
                ("c.example", false, true),
            ]
        );
        assert!(route_changes(Some(&after), Some(&after)).is_empty());
    }

    #[test]
    fn a_route_is_what_its_changes_made_it() {
        let mut kept = Route::default();
        for change in route_changes(None, Some(&active(&["a.example"], &["a.example"]))) {
            kept = kept.changed(&change, &path(1));
        }
        assert_eq!(kept, route(&[1], &[1]));
        for change in route_changes(Some(&active(&["a.example"], &["a.example"])), None) {
            kept = kept.changed(&change, &path(1));
        }
        assert!(kept.is_empty());
    }
}
