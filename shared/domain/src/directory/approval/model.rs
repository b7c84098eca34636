//! Tests with random sequences of submissions, edits, decisions, switches and deletions by several actors. They are
//! compared with a small model that states the rules in another form.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::credential::Lineage;
use crate::directory::route::{ConfigurationPath, Route};
use crate::directory::sso_configuration::tests::sample;
use crate::ids::{CredentialId, TenantId};

const ACTORS: u8 = 4;
const DOMAINS: [&str; 3] = ["a.example", "b.example", "c.example"];

#[derive(Clone, Debug)]
enum Operation {
    Submit { actor: u8, content: u8 },
    Update { actor: u8, version: usize, content: Option<u8>, to: VersionStatus },
    Delete { version: usize },
    Prove { domain: usize, proven: bool },
    Claim { domain: usize, elsewhere: bool },
    Withdraw { withdrawn: bool },
}

fn operation() -> impl Strategy<Value = Operation> {
    let status = (0..5_usize).prop_map(|index| VersionStatus::ALL[index]);
    let update = (0..ACTORS, 0..8_usize, proptest::option::weighted(0.2, 0..16_u8), status);
    prop_oneof![
        3 => (0..ACTORS, 0..16_u8).prop_map(|(actor, content)| Operation::Submit { actor, content }),
        12 => update.prop_map(|(actor, version, content, to)| Operation::Update { actor, version, content, to }),
        1 => (0..8_usize).prop_map(|version| Operation::Delete { version }),
        2 => (0..3_usize, prop::bool::weighted(0.8)).prop_map(|(domain, proven)| Operation::Prove { domain, proven }),
        1 => (0..3_usize, prop::bool::weighted(0.3)).prop_map(|(domain, elsewhere)| Operation::Claim { domain, elsewhere }),
        1 => prop::bool::weighted(0.2).prop_map(|withdrawn| Operation::Withdraw { withdrawn }),
    ]
}

/// Author 0 created author 1; 2 and 3 are independent.
fn author(actor: u8) -> Author {
    let id = |actor: u8| CredentialId::new(TenantId::from_random([1; 16]), [actor; 8]);
    let lineage = if actor == 1 { Lineage::first(id(0)).makes(id(1)).unwrap() } else { Lineage::first(id(actor)) };
    Author { id: id(actor), lineage }
}

fn is_one(a: u8, b: u8) -> bool {
    a == b || (a.min(b), a.max(b)) == (0, 1)
}

fn domain(index: usize) -> DomainName {
    DomainName::parse(DOMAINS[index]).unwrap()
}

/// Bits 0 and 1: the restricted domain (3: `*`); bits 2 and 3: the supported one (3: none).
fn content(seed: u8) -> VersionContent {
    let (restricted, supported) = (usize::from(seed & 3), usize::from(seed >> 2));
    VersionContent {
        client_id: "client".to_owned(),
        restricted_domains: vec![if restricted < 3 {
            RestrictedDomain::Domain(domain(restricted))
        } else {
            RestrictedDomain::Any
        }],
        supported_domains: (supported < 3).then(|| domain(supported)).into_iter().collect(),
        group_claim: "groups".to_owned(),
        group_claim_path: "$.".to_owned(),
        additional_scope_values: String::new(),
        authentication_policies: Vec::new(),
    }
}

/// A version in the model.
#[derive(Clone, Debug)]
struct Known {
    content: u8,
    state: &'static str,
    submitter: u8,
    editor: u8,
}

/// The rules in another form: statuses as words, domains as bits.
#[derive(Default)]
struct Model {
    versions: Vec<Known>,
    proven: [bool; 3],
    elsewhere: [bool; 3],
    withdrawn: bool,
}

impl Model {
    /// Applies the update to the model. Returns true if it is allowed.
    fn update(&mut self, actor: u8, index: usize, new: Option<u8>, to: &'static str) -> bool {
        let known = self.versions[index].clone();
        let new = new.unwrap_or(known.content);
        let edits = new != known.content;
        if known.state == to {
            if edits && to != "Pending" {
                return false;
            }
            if edits {
                self.versions[index].content = new;
                self.versions[index].editor = actor;
            }
            return true;
        }
        let legal = [
            "Pending Rejected",
            "Pending Assignable",
            "Pending Active",
            "Assignable Active",
            "Assignable Inactive",
            "Active Inactive",
            "Inactive Active",
        ];
        if edits || !legal.contains(&format!("{} {to}", known.state).as_str()) {
            return false;
        }
        if known.state == "Pending" && (is_one(actor, known.submitter) || is_one(actor, known.editor)) {
            return false;
        }
        if self.withdrawn && (to == "Assignable" || to == "Active") {
            return false;
        }
        if to == "Active" {
            let (restricted, supported) = (usize::from(new & 3), usize::from(new >> 2));
            if restricted < 3 && (!self.proven[restricted] || self.elsewhere[restricted]) {
                return false;
            }
            if supported < 3 && !self.proven[supported] {
                return false;
            }
            self.versions.iter_mut().filter(|other| other.state == "Active").for_each(|other| other.state = "Inactive");
        }
        self.versions[index].state = to;
        true
    }
}

/// Content of the table.
struct Kept {
    configuration: SsoConfiguration,
    versions: Vec<Version>,
    claims: BTreeSet<DomainName>,
    routes: BTreeMap<RestrictedDomain, Route>,
}

impl Kept {
    fn write(&mut self, index: usize, changed: Transition, now: Timestamp) {
        if let Some(id) = changed.retired {
            let former = self.versions.iter_mut().find(|version| version.id == id).unwrap();
            assert_eq!(former.status, VersionStatus::Active);
            *former = retired(former, now);
        }
        let before = self.versions.get(index).cloned();
        if let Some(before) = before {
            if before.status.is_approved() {
                assert_eq!(before.content, changed.version.content, "what is approved is immutable");
                assert!(changed.version.status.is_approved(), "what is approved stays so");
            }
            self.versions[index] = changed.version;
        } else {
            self.versions.push(changed.version);
        }
        for domain in changed.claims.released {
            assert!(self.claims.remove(&domain), "released what was not claimed");
        }
        for domain in changed.claims.taken {
            assert!(self.claims.insert(domain), "claimed twice");
        }
        let path = ConfigurationPath::from(&changed.configuration);
        for change in changed.routes {
            let route = self.routes.remove(&change.domain).unwrap_or_default().changed(&change, &path);
            if !route.is_empty() {
                self.routes.insert(change.domain, route);
            }
        }
        self.configuration = changed.configuration;
    }

    fn check(&self, model: &Model) {
        let states: Vec<&str> = self.versions.iter().map(|version| version.status.as_str()).collect();
        assert_eq!(states, model.versions.iter().map(|known| known.state).collect::<Vec<_>>());
        for (version, known) in self.versions.iter().zip(&model.versions) {
            assert_eq!(version.content, content(known.content));
            if let Some(decided_by) = &version.decided_by {
                assert!(!version.is_own(decided_by), "four eyes");
            }
            assert_eq!(version.decided_by.is_some(), version.status != VersionStatus::Pending);
        }
        let active: Vec<&Version> =
            self.versions.iter().filter(|version| version.status == VersionStatus::Active).collect();
        assert!(active.len() <= 1, "at most one is active");
        let active = active.first().copied();
        assert_eq!(self.configuration.active.as_ref().map(|active| active.id), active.map(|version| version.id));
        let pending = states.iter().filter(|state| **state == "Pending").count();
        assert_eq!(self.configuration.open_versions as usize, pending);
        assert_eq!(self.configuration.versions as usize, self.versions.len());
        assert!(self.configuration.ever_approved || self.versions.iter().all(|version| !version.status.is_approved()));

        let current = self.versions.iter().filter(|version| version.status != VersionStatus::Rejected);
        let named: BTreeSet<DomainName> =
            current.flat_map(|version| version.content.domains().into_iter().cloned()).collect();
        assert_eq!(self.configuration.domains.iter().cloned().collect::<BTreeSet<_>>(), named);

        let restricted: BTreeSet<RestrictedDomain> =
            active.iter().flat_map(|version| version.content.restricted_domains.clone()).collect();
        let supported: BTreeSet<RestrictedDomain> = active
            .iter()
            .flat_map(|version| version.content.supported_domains.clone())
            .map(RestrictedDomain::Domain)
            .collect();
        let claimed: BTreeSet<DomainName> = restricted.iter().filter_map(|domain| domain.domain().cloned()).collect();
        assert_eq!(self.claims, claimed, "the active version's restricted domains are claimed, and nothing else");
        let routed: BTreeSet<RestrictedDomain> = restricted.union(&supported).cloned().collect();
        assert_eq!(self.routes.keys().cloned().collect::<BTreeSet<_>>(), routed);
        for (domain, route) in &self.routes {
            assert_eq!(!route.restricted.is_empty(), restricted.contains(domain));
            assert_eq!(!route.supported.is_empty(), supported.contains(domain));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn versions_do_what_the_model_says(operations in proptest::collection::vec(operation(), 1..80)) {
        let mut model = Model::default();
        let mut kept = Kept {
            configuration: sample(),
            versions: Vec::new(),
            claims: BTreeSet::new(),
            routes: BTreeMap::new(),
        };
        for (time, operation) in (0_i64..).zip(operations) {
            let now = Timestamp::from_millis(time);
            let proven: BTreeSet<DomainName> = (0..3).filter(|index| model.proven[*index]).map(domain).collect();
            let elsewhere: BTreeSet<DomainName> = (0..3).filter(|index| model.elsewhere[*index]).map(domain).collect();
            let obstacles = if model.withdrawn { vec![Obstacle::OrganisationWithdrawn] } else { Vec::new() };
            match operation {
                Operation::Submit { actor, content: seed } => {
                    let id = VersionId::new(now, [0; 10]);
                    let result = submit(&kept.configuration, id, content(seed), &author(actor), &obstacles, now);
                    prop_assert_eq!(result.is_ok(), !model.withdrawn);
                    if let Ok(changed) = result {
                        prop_assert!(kept.versions.iter().all(|version| version.number < changed.version.number));
                        kept.write(kept.versions.len(), changed, now);
                        model.versions.push(Known { content: seed, state: "Pending", submitter: actor, editor: actor });
                    }
                }
                Operation::Update { actor, version, content: seed, to } => {
                    if version >= kept.versions.len() {
                        continue;
                    }
                    let known = model.versions[version].content;
                    let asked = VersionUpdate { content: content(seed.unwrap_or(known)), status: to };
                    let circumstances =
                        Circumstances { proven: &proven, claimed_elsewhere: &elsewhere, obstacles: &obstacles };
                    let result = update(
                        &kept.configuration,
                        &kept.versions[version],
                        asked,
                        &author(actor),
                        circumstances,
                        now,
                    );
                    let expected = model.update(actor, version, seed, to.as_str());
                    prop_assert_eq!(result.is_ok(), expected, "{:?}", result);
                    if let Ok(changed) = result {
                        kept.write(version, changed, now);
                    }
                }
                Operation::Delete { version } => {
                    if version >= kept.versions.len() {
                        continue;
                    }
                    let result = delete(&kept.configuration, &kept.versions[version]);
                    let unapproved = ["Pending", "Rejected"].contains(&model.versions[version].state);
                    prop_assert_eq!(result.is_ok(), unapproved);
                    if let Ok(configuration) = result {
                        kept.configuration = configuration;
                        kept.versions.remove(version);
                        model.versions.remove(version);
                    }
                }
                Operation::Prove { domain, proven } => model.proven[domain] = proven,
                // Nobody else can claim a domain that this configuration claims.
                Operation::Claim { domain: index, elsewhere } => {
                    model.elsewhere[index] = elsewhere && !kept.claims.contains(&domain(index));
                }
                Operation::Withdraw { withdrawn } => model.withdrawn = withdrawn,
            }
            kept.check(&model);
        }
    }
}
