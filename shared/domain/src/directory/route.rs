//! Routes: the mapping from a user's e-mail address to the SSO configuration to sign in with. A route is stored for
//! each domain that an active version names, so that a lookup reads its candidates and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::domain_name::RestrictedDomain;
use super::email_address::EmailAddress;
use super::ids::{AuthorisationServerId, OrganisationId, SsoConfigurationId};
use super::sso_configuration::SsoConfiguration;
use super::version::ActiveVersion;

/// Largest number of configurations on a route. DynamoDB takes items of 400 KB, and a configuration is 200 bytes.
pub const MAX_CONFIGURATIONS: usize = 1_000;

/// Path of a configuration in the directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ConfigurationPath {
    /// The configuration.
    pub configuration_id: SsoConfigurationId,
    /// Its organisation.
    pub organisation_id: OrganisationId,
    /// Its server.
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
    /// Configurations that the domain's users must sign in with: one at most, except for `*`, which nobody claims.
    #[serde(default)]
    pub restricted: BTreeSet<ConfigurationPath>,
    /// Configurations that the domain's users may sign in with.
    #[serde(default)]
    pub supported: BTreeSet<ConfigurationPath>,
}

/// Change of one configuration's membership in one route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteChange {
    /// Domain of the route.
    pub domain: RestrictedDomain,
    /// True if the active version now restricts the domain.
    pub restricted: bool,
    /// True if the active version now supports the domain.
    pub supported: bool,
}

/// The rule by which a configuration serves an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Means {
    /// Users of the domain must sign in with it.
    Restricted,
    /// Users of the domain may sign in with it.
    Supported,
}

impl Route {
    /// Applies `change` to the membership of `path`.
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

    /// Returns true if more configurations are on the route than one item holds.
    pub fn is_too_long(&self) -> bool {
        self.restricted.len() + self.supported.len() > MAX_CONFIGURATIONS
    }

    /// Returns true if no configuration is left.
    pub fn is_empty(&self) -> bool {
        self.restricted.is_empty() && self.supported.is_empty()
    }
}

/// Returns the domains of the routes that can serve `address`, in order of precedence: its domain, the parents, and
/// `*`.
pub fn candidates(address: &EmailAddress) -> Vec<RestrictedDomain> {
    let domains = address.domain().candidates().map(RestrictedDomain::Domain);
    domains.chain([RestrictedDomain::Any]).collect()
}

/// A configuration that a route leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lead {
    /// The rule.
    pub means: Means,
    /// The route's domain.
    pub domain: RestrictedDomain,
    /// The configuration.
    pub path: ConfigurationPath,
}

/// Returns the configurations on `routes` in order of precedence. `routes` are in the order of [`candidates`].
/// Configurations that restrict the domain come before those that support it; within each, longer domains come first.
/// The first usable configuration serves the address.
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
    /// Returns true if the configuration's active version still names the domain. Another version may have been
    /// activated since the route was read.
    pub fn holds(&self, configuration: &SsoConfiguration) -> bool {
        configuration.active.as_ref().is_some_and(|active| match self.means {
            Means::Restricted => active.restricted_domains.contains(&self.domain),
            Means::Supported => self.domain.domain().is_some_and(|domain| active.supported_domains.contains(domain)),
        })
    }
}

/// Returns the route changes when a configuration's active version changes, one per route.
pub fn route_changes(before: Option<&ActiveVersion>, after: Option<&ActiveVersion>) -> Vec<RouteChange> {
    let (before, after) = (memberships(before), memberships(after));
    let domains: BTreeSet<&RestrictedDomain> = before.keys().chain(after.keys()).collect();
    let change = |domain: &RestrictedDomain| {
        let (restricted, supported) = after.get(domain).copied().unwrap_or_default();
        (before.get(domain) != after.get(domain)).then(|| RouteChange { domain: domain.clone(), restricted, supported })
    };
    domains.into_iter().filter_map(change).collect()
}

/// Maps each domain of an active version to its flags: restricted, supported.
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
    fn a_route_is_bounded_and_fits_into_one_item() {
        let on = |count: u64| {
            let mut route = Route::default();
            for number in 0..count {
                let at = Timestamp::from_millis(i64::try_from(number).unwrap());
                let organisation_id = OrganisationId::parse_new(&"a".repeat(40)).unwrap();
                let configuration_id = SsoConfigurationId::new(at, [0; 10]);
                let path = ConfigurationPath { configuration_id, organisation_id, ..path(1) };
                let set = if number % 2 == 0 { &mut route.restricted } else { &mut route.supported };
                set.insert(path);
            }
            route
        };
        let most = u64::try_from(MAX_CONFIGURATIONS).unwrap();
        assert!(!on(most).is_too_long() && on(most + 1).is_too_long());
        assert!(serde_json::to_vec(&on(most)).unwrap().len() < 350_000);
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
