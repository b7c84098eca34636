//! `check-domains`: checks daily that proven domains still have their DNS record, and ends challenges whose record never
//! came.
//!
//! Events (a record gone, back, or gone for too long; an expired challenge) are audit records, written in the transaction
//! that moves the proof's place on the due list. So each is recorded once, however often, late or concurrently the sweep
//! runs. A revoked proof changes nothing else: an active version stays active.

use serde::Serialize;
use serde_json::Value;
use trustplane_dns::Resolver;
use trustplane_domain::Timestamp;
use trustplane_domain::directory::domain_proof::{DomainProof, Outcome, ProofEvent, ProofStatus};
use trustplane_policy::{Image, Kind, Resource};
use trustplane_runtime::{EventCall, EventError};
use trustplane_store::Writes;

use crate::due::{Change, Decision, sweep};

/// Domains that are resolved at the same time: name servers that do not answer take seconds.
const AT_ONCE: usize = 25;

/// A proof in the audit log.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "DomainImage"))]
pub(crate) struct View {
    status: ProofStatus,
    event: Option<ProofEvent>,
    outcome: Option<Outcome>,
    missing_since: Option<Timestamp>,
}

/// Checks every proof that is due: `{checked, suspended, left}`.
pub async fn check(event: EventCall) -> Result<Value, EventError> {
    let resolver = Resolver::shared(event.platform.dns_server())?;
    sweep(&event, AT_ONCE, async |proof| Ok(checked(&proof.value, resolver, event.now).await)).await.response("checked")
}

/// The proof after its check; `None` if it is not due.
async fn checked(before: &DomainProof, resolver: &Resolver, now: Timestamp) -> Option<Decision<DomainProof>> {
    if before.next_due().is_none_or(|due| due > now) {
        return None;
    }
    let (after, event) = match before.expired(now) {
        Some(ended) => ended,
        None => before.observed(&resolver.txt(&before.record_name()).await, now),
    };
    let changes = event.map(|event| Change {
        resource: Resource::new(Kind::Domain, after.domain.as_str()),
        before: Some(image(before, None)),
        after: Some(image(&after, Some(event))),
    });
    Some(Decision { changes: changes.into_iter().collect(), after, count: 1, writes: Writes::new(), grant: None })
}

fn image(proof: &DomainProof, event: Option<ProofEvent>) -> Image {
    let view = View { status: proof.status, event, outcome: proof.outcome, missing_since: proof.missing_since };
    Image::of(&view)
}
