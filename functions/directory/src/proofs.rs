//! The proofs of the domains that a version names.

use std::collections::{BTreeMap, BTreeSet};

use trustplane_domain::Timestamp;
use trustplane_domain::directory::domain_name::DomainName;
use trustplane_domain::directory::domain_proof::DomainProof;
use trustplane_domain::directory::version::VersionContent;
use trustplane_store::{Reads, Slot, TenantKeys, Writes};

/// Random bytes for the challenges of all domains that a version can name: 10 restricted and 10 supported ones.
pub(crate) type Tokens = [u8; 20 * 20];

/// The proof of each domain; an empty slot where no challenge was ever made.
#[derive(Debug)]
pub(crate) struct Proofs(BTreeMap<DomainName, Slot<DomainProof>>);

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
