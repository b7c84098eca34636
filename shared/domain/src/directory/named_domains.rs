//! Index of the domains that the versions of an SSO configuration name. The configuration stores it, so that its proofs
//! are found without reading the versions.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::domain_name::DomainName;
use super::version::VersionContent;

/// Largest number of domains that a configuration's versions can name in total.
pub const MAX_DOMAINS: usize = 100;

/// Domains that versions name, each with the number of those versions. Rejected versions do not count.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedDomains(BTreeMap<DomainName, u32>);

impl NamedDomains {
    /// Adds the domains of one version.
    pub(super) fn add(&mut self, content: &VersionContent) {
        for domain in content.domains() {
            let versions = self.0.entry(domain.clone()).or_default();
            *versions = versions.saturating_add(1);
        }
    }

    /// Removes the domains of one version.
    pub(super) fn remove(&mut self, content: &VersionContent) {
        for domain in content.domains() {
            if let Some(versions) = self.0.get_mut(domain) {
                *versions = versions.saturating_sub(1);
            }
        }
        self.0.retain(|_, versions| *versions > 0);
    }

    /// Iterates over the domains, sorted.
    pub fn iter(&self) -> impl Iterator<Item = &DomainName> {
        self.0.keys()
    }

    /// Returns true if a version names this domain.
    pub fn contains(&self, domain: &DomainName) -> bool {
        self.0.contains_key(domain)
    }

    /// Returns true if there are more than the limit.
    pub fn are_too_many(&self) -> bool {
        self.0.len() > MAX_DOMAINS
    }
}
