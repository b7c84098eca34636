//! Policy sets of a process: the built-in policies, and tenants' own policies, compiled once per version.

use std::sync::{Arc, Mutex, PoisonError};

use trustplane_domain::ids::TenantId;
use trustplane_domain::policy::PolicySet;
use trustplane_policy::{Policies, PoliciesError};

/// Largest number of cached sets.
const SETS: usize = 32;
/// Largest size of the cached sets' texts together, in bytes. A compiled text takes some thirty times its size.
const BYTES: usize = 512 * 1024;

/// The built-in policies, and the tenants' own policies that this process has compiled.
#[derive(Debug)]
pub(crate) struct Known {
    /// The policies that every tenant has.
    pub(crate) built_in: Policies,
    /// Tenants' own policies, compiled together with the built-in ones.
    pub(crate) compiled: Compiled,
}

impl Known {
    /// Creates the sets of a new process.
    pub(crate) fn new(built_in: Policies) -> Self {
        Self { built_in, compiled: Compiled::default() }
    }
}

/// Compiled sets, most recently used first. A version of a set never changes, so a cached set never becomes wrong.
/// Every request reads the tenant, which has the current version.
#[derive(Debug, Default)]
pub(crate) struct Compiled(Mutex<Vec<Entry>>);

#[derive(Debug)]
struct Entry {
    tenant: TenantId,
    version: u64,
    bytes: usize,
    policies: Arc<Policies>,
}

impl Compiled {
    /// Returns the set of this version, if it is cached.
    pub(crate) fn find(&self, tenant: TenantId, version: u64) -> Option<Arc<Policies>> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = entries.iter().position(|entry| entry.tenant == tenant && entry.version == version)?;
        let entry = entries.remove(place);
        let policies = Arc::clone(&entry.policies);
        entries.insert(0, entry);
        Some(policies)
    }

    /// Compiles a tenant's set together with the built-in policies, and caches it in place of an older one.
    pub(crate) fn compile(
        &self,
        built_in: &Policies,
        tenant: TenantId,
        set: &PolicySet,
    ) -> Result<Arc<Policies>, PoliciesError> {
        let policies = Arc::new(compile(built_in, set)?);
        let bytes = set.enabled().map(|policy| policy.text.len()).sum();
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|entry| entry.tenant != tenant);
        entries.insert(0, Entry { tenant, version: set.version, bytes, policies: Arc::clone(&policies) });
        entries.truncate(SETS);
        while entries.len() > 1 && entries.iter().map(|entry| entry.bytes).sum::<usize>() > BYTES {
            let _ = entries.pop();
        }
        Ok(policies)
    }
}

/// Compiles the built-in policies and a set's enabled policies.
pub(crate) fn compile(built_in: &Policies, set: &PolicySet) -> Result<Policies, PoliciesError> {
    set.enabled().try_fold(built_in.clone(), |policies, policy| policies.and(policy.id.as_str(), &policy.text))
}

#[cfg(test)]
mod tests {
    use trustplane_domain::Timestamp;
    use trustplane_domain::policy::{NewPolicy, PolicyId};

    use super::*;

    fn set(version: u64, comment: usize) -> PolicySet {
        let text = format!("//{}\nforbid (principal, action, resource);", "x".repeat(comment));
        let wanted = NewPolicy { id: PolicyId::parse("a").unwrap(), text, holds: 1, enabled: true };
        PolicySet { version: version - 1, ..PolicySet::default() }.put(wanted, "me", Timestamp::from_millis(0)).unwrap()
    }

    #[test]
    fn only_the_very_version_is_found_and_a_newer_one_takes_its_place() {
        let (compiled, built_in) = (Compiled::default(), Policies::built_in().unwrap());
        let (one, other) = (TenantId::from_random([1; 16]), TenantId::from_random([2; 16]));
        let _ = compiled.compile(&built_in, one, &set(1, 0)).unwrap();
        assert!(compiled.find(one, 1).is_some());
        assert!(compiled.find(one, 2).is_none() && compiled.find(other, 1).is_none());
        let _ = compiled.compile(&built_in, one, &set(2, 0)).unwrap();
        assert!(compiled.find(one, 1).is_none() && compiled.find(one, 2).is_some());
    }

    #[test]
    fn what_is_remembered_is_bounded_in_sets_and_in_bytes() {
        let (compiled, built_in) = (Compiled::default(), Policies::built_in().unwrap());
        let tenant = |number: usize| TenantId::from_random([u8::try_from(number).unwrap(); 16]);
        for number in 0..=SETS {
            let _ = compiled.compile(&built_in, tenant(number), &set(1, 0)).unwrap();
        }
        assert!(compiled.find(tenant(0), 1).is_none() && compiled.find(tenant(1), 1).is_some());
        for number in 40..80 {
            let _ = compiled.compile(&built_in, tenant(number), &set(1, 16_000)).unwrap();
        }
        let kept = (40..80).filter(|number| compiled.find(tenant(*number), 1).is_some()).count();
        assert_eq!(kept, SETS);
        let entries = compiled.0.lock().unwrap();
        assert!(entries.iter().map(|entry| entry.bytes).sum::<usize>() <= BYTES);
    }
}
