//! `check-domains`: checks daily whether the DNS record of a proven domain still exists, and ends challenges without a
//! record.
//!
//! Each event (a record is missing, restored, or missing for too long; a challenge expired) is an audit record, written
//! in the transaction that moves the proof's place on the due list. So it is published once, even if sweeps run
//! repeatedly, late, or concurrently. A revoked proof has no other effect: an active version stays active.

use serde::Serialize;
use serde_json::Value;
use trustplane_dns::Resolver;
use trustplane_domain::Timestamp;
use trustplane_domain::directory::domain_proof::{DomainProof, Outcome, ProofEvent, ProofStatus};
use trustplane_domain::ids::TenantId;
use trustplane_policy::{Image, Kind, Resource};
use trustplane_runtime::{Platform, Reaction, ReactionError};
use trustplane_store::{CommitError, DOMAIN, Stored, Told, Writes};

use crate::due::{Fault, again, sweep};

/// Largest number of attempts for a proof that changes between read and write.
const ATTEMPTS: usize = 3;
/// Domains that are checked concurrently. Unresponsive name servers take seconds.
const AT_ONCE: usize = 25;

/// A proof as its audit record shows it.
#[derive(Debug, Serialize)]
struct View {
    status: ProofStatus,
    event: Option<ProofEvent>,
    outcome: Option<Outcome>,
    missing_since: Option<Timestamp>,
}

/// Checks all due proofs. Returns the counts: `{checked, suspended, left}`.
pub async fn check(reaction: Reaction) -> Result<Value, ReactionError> {
    let resolver = Resolver::new(Platform::setting("TRUSTPLANE_DNS_SERVER").ok().as_deref())?;
    let see = |tenant, proof| look(&reaction, &resolver, tenant, proof);
    sweep(&reaction, DOMAIN, AT_ONCE, see).await.said("checked")
}

/// Checks one proof. Returns the number of checks: 1 if it was due, otherwise 0.
async fn look(
    reaction: &Reaction,
    resolver: &Resolver,
    tenant: TenantId,
    mut before: Stored<DomainProof>,
) -> Result<usize, Fault> {
    let (table, now) = (&reaction.platform.table, reaction.now);
    let grant = reaction.grant(tenant);
    for _ in 0..ATTEMPTS {
        if before.value.next_due().is_none_or(|due| due > now) {
            return Ok(0);
        }
        let (after, event) = match before.value.expired(now) {
            Some(ended) => ended,
            None => before.value.observed(&resolver.txt(&before.value.record_name()).await, now),
        };
        let writes = Writes::new().replace(&before, &after)?;
        let written = match event {
            None => table.note(&grant, writes).await,
            Some(_) => {
                let resource = Resource::new(Kind::Domain, after.domain.as_str());
                let (was, is) = (image(&before.value, None), image(&after, event));
                let told = Told { resource: &resource, before: Some(&was), after: Some(&is) };
                table.commit(&grant, &told, writes, None).await
            }
        };
        match written {
            Ok(_) => return Ok(1),
            Err(CommitError::Lost) => match again(reaction, tenant, &before.key).await? {
                Some(found) => before = found,
                None => return Ok(0),
            },
            Err(error) => return Err(error.into()),
        }
    }
    Err("somebody else wrote it again and again".into())
}

fn image(proof: &DomainProof, event: Option<ProofEvent>) -> Image {
    let view = View { status: proof.status, event, outcome: proof.outcome, missing_since: proof.missing_since };
    Image::of(&view)
}
