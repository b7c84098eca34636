//! The domains that the versions of an SSO configuration name, kept with the configuration: what its proofs are looked up
//! by, without reading the versions.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::domain_name::DomainName;
use super::version::VersionContent;

/// Domains that the versions of a configuration may name in all.
pub const MOST_DOMAINS: usize = 100;

/// Each domain that a version names which is not rejected, and how many such versions there are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedDomains(BTreeMap<DomainName, u32>);

impl NamedDomains {
    /// One more version has this content.
    pub(super) fn add(&mut self, content: &VersionContent) {
        for domain in content.domains() {
            let versions = self.0.entry(domain.clone()).or_default();
            *versions = versions.saturating_add(1);
        }
    }

    /// One version less has this content.
    pub(super) fn remove(&mut self, content: &VersionContent) {
        for domain in content.domains() {
            if let Some(versions) = self.0.get_mut(domain) {
                *versions = versions.saturating_sub(1);
            }
        }
        self.0.retain(|_, versions| *versions > 0);
    }

    /// The domains, each once, in order.
    pub fn iter(&self) -> impl Iterator<Item = &DomainName> {
        self.0.keys()
    }

    /// Whether a version names this domain.
    pub fn contains(&self, domain: &DomainName) -> bool {
        self.0.contains_key(domain)
    }

    /// Whether there are more than a configuration may have.
    pub fn are_too_many(&self) -> bool {
        self.0.len() > MOST_DOMAINS
    }
}
