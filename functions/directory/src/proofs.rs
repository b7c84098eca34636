//! The proofs of the domains that a version names, as they were read: made with the version, and what its use waits for.

use std::collections::{BTreeMap, BTreeSet};

use trustplane_domain::Timestamp;
use trustplane_domain::directory::domain_name::DomainName;
use trustplane_domain::directory::domain_proof::DomainProof;
use trustplane_domain::directory::version::VersionContent;
use trustplane_store::{Key, Read, StoreError, Stored, Writes, keys};

/// Random bytes for the challenges of all domains that a version can name: 10 restricted and 10 supported ones.
pub(crate) type Tokens = [u8; 20 * 20];

/// The proof of each domain; `None` where no challenge was ever made.
#[derive(Debug)]
pub(crate) struct Proofs(BTreeMap<DomainName, Option<Stored<DomainProof>>>);

/// The keys of the proofs.
pub(crate) fn keys(content: &VersionContent, tenant: TenantKeys) -> Vec<Key> {
    content.domains().into_iter().map(|domain| tenant.challenge(domain.as_str())).collect()
}

impl Proofs {
    /// Takes them out of what was read.
    pub(crate) fn take(content: &VersionContent, read: &mut Read, tenant: TenantKeys) -> Result<Self, StoreError> {
        let take = |domain: &DomainName| Ok((domain.clone(), read.take(&tenant.challenge(domain.as_str()))?));
        content.domains().into_iter().map(take).collect::<Result<_, _>>().map(Self)
    }

    /// The domains that are proven.
    pub(crate) fn proven(&self) -> BTreeSet<DomainName> {
        let proven = self.0.values().flatten().filter(|proof| proof.value.is_proven());
        proven.map(|proof| proof.value.domain.clone()).collect()
    }

    /// A challenge for each domain that has none, or one that is over.
    pub(crate) fn challenges(
        &self,
        tokens: &Tokens,
        tenant: TenantKeys,
        now: Timestamp,
    ) -> Result<Writes, StoreError> {
        let (tokens, _) = tokens.as_chunks();
        self.0.iter().zip(tokens).try_fold(Writes::new(), |writes, ((domain, standing), token)| match standing {
            None => {
                let challenge = DomainProof::challenge(domain.clone(), *token, now);
                writes.create(&tenant.challenge(domain.as_str()), &challenge)
            }
            Some(over) if over.value.is_over(now) => writes.replace(over, &over.value.renewed(*token, now)),
            Some(_) => Ok(writes),
        })
    }

    /// That all of them are still as they were read.
    pub(crate) fn unchanged(&self) -> Writes {
        self.0.values().flatten().fold(Writes::new(), Writes::check)
    }
}
