//! `check-domains`: whether proven domains still have their DNS record, once a day each, and the end of challenges whose
//! record never came.
//!
//! What others have to hear of (a record gone, back, or gone for too long; a challenge that ended) is an audit record,
//! written in the transaction that moves the proof's place on the due list. So it is told once, however often the sweep
//! runs, how late, or beside itself. A revoked proof changes nothing else: an active version stays active.

use serde::Serialize;
use serde_json::Value;
use trustplane_dns::Resolver;
use trustplane_domain::Timestamp;
use trustplane_domain::directory::domain_proof::{DomainProof, Outcome, ProofEvent, ProofStatus};
use trustplane_domain::ids::TenantId;
use trustplane_policy::{Image, Kind, Resource};
use trustplane_runtime::{Platform, EventCall, EventError};
use trustplane_store::{CommitError, DOMAIN, Stored, AuditedChange, Writes};

use crate::due::{Fault, again, sweep};

/// How often a proof is read again that somebody else wrote in between.
const ATTEMPTS: usize = 3;
/// Domains that are looked at side by side: name servers that do not answer take seconds.
const AT_ONCE: usize = 25;

/// A proof as others are told of it.
#[derive(Debug, Serialize)]
struct View {
    status: ProofStatus,
    event: Option<ProofEvent>,
    outcome: Option<Outcome>,
    missing_since: Option<Timestamp>,
}

/// Looks at every proof that is due, and says at how many: `{checked, suspended, left}`.
pub async fn check(reaction: EventCall) -> Result<Value, EventError> {
    let resolver = Resolver::new(Platform::setting("TRUSTPLANE_DNS_SERVER").ok().as_deref())?;
    let see = |tenant, proof| look(&reaction, &resolver, tenant, proof);
    sweep(&reaction, DOMAIN, AT_ONCE, see).await.said("checked")
}

/// Looks at one proof: says whether it was due.
async fn look(
    reaction: &EventCall,
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
                let told = AuditedChange { resource: &resource, before: Some(&was), after: Some(&is) };
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
