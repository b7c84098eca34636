//! Tests with configurations of two tenants that activate and deactivate versions in random order. The holder of each
//! domain and the route of each address are compared with a model that only knows the active versions.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::credential::Lineage;
use crate::directory::email_address::EmailAddress;
use crate::directory::ids::SsoConfigurationId;
use crate::directory::route::{ConfigurationPath, Means, Route, candidates, preferred};
use crate::directory::sso_configuration::tests::sample;
use crate::ids::{CredentialId, TenantId};

const DOMAINS: [&str; 4] = ["acme.example", "mail.acme.example", "beta.example", "*"];
const ADDRESSES: [&str; 5] =
    ["a@acme.example", "a@x.mail.acme.example", "a@acme.mail.beta.example", "a@gmail.com", "a@b.test"];

/// A configuration with its active version.
struct Kept {
    tenant: usize,
    configuration: SsoConfiguration,
    active: Option<Version>,
}

/// Content of the table.
struct Table {
    configurations: Vec<Kept>,
    claims: BTreeMap<DomainName, SsoConfigurationId>,
    routes: [BTreeMap<RestrictedDomain, Route>; 2],
}

/// Bits 0 to 3: the restricted domains; bits 4 to 6: the supported ones.
fn content(seed: u8) -> VersionContent {
    let named = |shift: u8, count: u8| -> Vec<RestrictedDomain> {
        let set = (0..count).filter(move |bit| seed >> (shift + bit) & 1 == 1);
        set.map(|bit| RestrictedDomain::parse(DOMAINS[usize::from(bit)]).unwrap()).collect()
    };
    VersionContent {
        client_id: "client".to_owned(),
        restricted_domains: named(0, 4),
        supported_domains: named(4, 3).iter().filter_map(|domain| domain.domain().cloned()).collect(),
        group_claim: "groups".to_owned(),
        group_claim_path: "$.".to_owned(),
        additional_scope_values: String::new(),
        authentication_policies: Vec::new(),
    }
}

fn author(number: u8) -> Author {
    let id = CredentialId::new(TenantId::from_random([1; 16]), [number; 8]);
    Author { id, lineage: Lineage::first(id) }
}

impl Kept {
    fn restricts(&self, domain: &RestrictedDomain) -> bool {
        self.active.as_ref().is_some_and(|active| active.content.restricted_domains.contains(domain))
    }

    fn supports(&self, domain: &RestrictedDomain) -> bool {
        let Some(domain) = domain.domain() else { return false };
        self.active.as_ref().is_some_and(|active| active.content.supported_domains.contains(domain))
    }
}

impl Table {
    fn new() -> Self {
        let configuration = |number: u8| SsoConfiguration {
            id: SsoConfigurationId::new(Timestamp::from_millis(number.into()), [number; 10]),
            ..sample()
        };
        let kept =
            |number: u8| Kept { tenant: usize::from(number % 2), configuration: configuration(number), active: None };
        Self { configurations: (0..5).map(kept).collect(), claims: BTreeMap::new(), routes: Default::default() }
    }

    /// Activates a new version with this content. Returns true if that succeeded.
    fn activate(&mut self, index: usize, content: VersionContent, now: Timestamp) -> bool {
        let kept = &self.configurations[index];
        let id = VersionId::new(now, [0; 10]);
        let made = submit(&kept.configuration, id, content.clone(), &author(1), &[], now).unwrap();
        let elsewhere = self.claims.iter().filter(|(_, holder)| **holder != kept.configuration.id);
        let elsewhere: BTreeSet<DomainName> = elsewhere.map(|(domain, _)| domain.clone()).collect();
        let proven: BTreeSet<DomainName> = content.domains().into_iter().cloned().collect();
        let circumstances = Circumstances { proven: &proven, claimed_elsewhere: &elsewhere, obstacles: &[] };
        let asked = VersionUpdate { content, status: VersionStatus::Active };
        match update(&made.configuration, &made.version, asked, &author(2), circumstances, now) {
            Ok(changed) => {
                let active = Some(changed.version.clone());
                self.write(index, changed, active);
                true
            }
            Err(refusal) => {
                assert!(matches!(refusal, VersionRefusal::Claimed(_)), "{refusal:?}");
                false
            }
        }
    }

    /// Deactivates the active version.
    fn end(&mut self, index: usize, now: Timestamp) {
        let kept = &self.configurations[index];
        let Some(active) = kept.active.clone() else { return };
        let none = BTreeSet::new();
        let circumstances = Circumstances { proven: &none, claimed_elsewhere: &none, obstacles: &[] };
        let asked = VersionUpdate { content: active.content.clone(), status: VersionStatus::Inactive };
        let changed = update(&kept.configuration, &active, asked, &author(2), circumstances, now).unwrap();
        self.write(index, changed, None);
    }

    fn write(&mut self, index: usize, changed: Transition, active: Option<Version>) {
        let kept = &mut self.configurations[index];
        for domain in changed.claims.released {
            assert_eq!(self.claims.remove(&domain), Some(kept.configuration.id), "gave back what it did not hold");
        }
        for domain in changed.claims.taken {
            assert_eq!(self.claims.insert(domain, kept.configuration.id), None, "took what another holds");
        }
        let (path, routes) = (ConfigurationPath::from(&changed.configuration), &mut self.routes[kept.tenant]);
        for change in changed.routes {
            let route = routes.remove(&change.domain).unwrap_or_default().changed(&change, &path);
            if !route.is_empty() {
                routes.insert(change.domain, route);
            }
        }
        (kept.configuration, kept.active) = (changed.configuration, active);
    }

    fn check(&self) {
        for text in DOMAINS {
            let domain = RestrictedDomain::parse(text).unwrap();
            let holders: Vec<_> = self.configurations.iter().filter(|kept| kept.restricts(&domain)).collect();
            if let Some(name) = domain.domain() {
                assert!(holders.len() <= 1, "{text} is restricted twice");
                assert_eq!(self.claims.get(name), holders.first().map(|kept| &kept.configuration.id), "{text}");
            }
        }
        for (tenant, text) in (0..2).flat_map(|tenant| ADDRESSES.map(|text| (tenant, text))) {
            let address = EmailAddress::parse(text).unwrap();
            let routes: Vec<_> = candidates(&address)
                .into_iter()
                .filter_map(|domain| Some((domain.clone(), self.routes[tenant].get(&domain)?.clone())))
                .collect();
            let led: Vec<_> = preferred(&routes).into_iter().map(|lead| (lead.means, lead.domain, lead.path)).collect();
            assert_eq!(led, self.expected(tenant, &address), "{text}");
            for lead in preferred(&routes) {
                let kept =
                    self.configurations.iter().find(|kept| ConfigurationPath::from(&kept.configuration) == lead.path);
                assert!(lead.holds(&kept.unwrap().configuration), "{lead:?}");
            }
        }
    }

    /// Derives the route from the active versions alone: first by the kind of naming, then the longest domain first.
    fn expected(&self, tenant: usize, address: &EmailAddress) -> Vec<(Means, RestrictedDomain, ConfigurationPath)> {
        let at = format!(".{}", address.domain());
        let mut names: Vec<&str> =
            DOMAINS.into_iter().filter(|name| *name == "*" || at.ends_with(&format!(".{name}"))).collect();
        names.sort_by_key(|name| std::cmp::Reverse(if *name == "*" { 0 } else { name.len() }));
        let own = || self.configurations.iter().filter(|kept| kept.tenant == tenant);
        let mut expected = Vec::new();
        for means in [Means::Restricted, Means::Supported] {
            for name in &names {
                let domain = RestrictedDomain::parse(name).unwrap();
                let naming = own().filter(|kept| match means {
                    Means::Restricted => kept.restricts(&domain),
                    Means::Supported => kept.supports(&domain),
                });
                let mut paths: Vec<_> = naming.map(|kept| ConfigurationPath::from(&kept.configuration)).collect();
                paths.sort();
                expected.extend(paths.into_iter().map(|path| (means, domain.clone(), path)));
            }
        }
        expected
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn a_domain_has_one_holder_and_an_address_leads_to_who_names_it(
        operations in proptest::collection::vec((0..5_usize, proptest::option::weighted(0.75, 0..128_u8)), 1..40)
    ) {
        let mut table = Table::new();
        for (time, (index, seed)) in (0_i64..).zip(operations) {
            let now = Timestamp::from_millis(time);
            match seed {
                None => table.end(index, now),
                Some(seed) => {
                    let wanted = content(seed);
                    let free = wanted.restricted_domains.iter().filter(|domain| domain.domain().is_some()).all(|domain| {
                        let mut others = table.configurations.iter().enumerate().filter(|(other, _)| *other != index);
                        !others.any(|(_, kept)| kept.restricts(domain))
                    });
                    prop_assert_eq!(table.activate(index, wanted, now), free);
                }
            }
            table.check();
        }
    }
}
