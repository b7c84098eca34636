//! `check-domains`: checks daily that proven domains still have their DNS record, notices that a challenge expires soon, and
//! ends challenges whose record never came.
//!
//! Events (a record gone, back, or gone for too long; name servers without a clear answer; a challenge that expires soon, was
//! met or has expired) are audit records, written in the transaction that moves the proof's place on the due list. So each is
//! recorded once, however often, late or concurrently the sweep runs. A revoked proof changes nothing else: an active version
//! stays active. Before the notice that a challenge expires its record is looked up, and a record that is there proves the
//! domain.

use serde::Serialize;
use serde_json::Value;
use trustplane_dns::Resolver;
use trustplane_domain::Timestamp;
use trustplane_domain::directory::domain_proof::{DomainProof, Outcome, ProofEvent, ProofStatus};
use trustplane_policy::{Image, Kind, Resource};
use trustplane_runtime::{EventCall, EventError};
use trustplane_store::Writes;

use crate::due::{Budget, Change, Decision, sweep};

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
    unanswered_since: Option<Timestamp>,
    /// Of a notice that a challenge expires soon: its end.
    expires_at: Option<Timestamp>,
    /// Of that notice: the days before the end that it is for.
    threshold_days: Option<u16>,
    /// Of that notice: days to the end, rounded up.
    days_left: Option<i64>,
}

/// Checks every proof that is due: `{checked, suspended, left}`.
pub async fn check(event: EventCall) -> Result<Value, EventError> {
    let resolver = Resolver::shared(event.platform.dns_server())?;
    sweep(&event, Budget::at_once(AT_ONCE), async |proof| Ok(checked(&proof.value, resolver, event.now).await))
        .await
        .response("checked")
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
    let (after, event) = match after.with_notice(now).filter(|_| event.is_none()) {
        Some(noticed) => (noticed, Some(ProofEvent::Expiring)),
        None => (after, event),
    };
    let changes = event.map(|event| Change {
        resource: Resource::new(Kind::Domain, after.domain.as_str()),
        before: Some(image(before, None, now)),
        after: Some(image(&after, Some(event), now)),
    });
    Some(Decision { changes: changes.into_iter().collect(), after, count: 1, grant: None, writes: Writes::new() })
}

fn image(proof: &DomainProof, event: Option<ProofEvent>, now: Timestamp) -> Image {
    let is_notice = event == Some(ProofEvent::Expiring);
    Image::of(&View {
        status: proof.status,
        event,
        outcome: proof.outcome,
        missing_since: proof.missing_since,
        unanswered_since: proof.unanswered_since,
        expires_at: Some(proof.expires_at).filter(|_| is_notice),
        threshold_days: proof.noticed.filter(|_| is_notice),
        days_left: is_notice.then(|| proof.days_left(now)),
    })
}
