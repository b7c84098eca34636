//! `notify-expiring-certificates`: word that a certificate of an identity provider is about to expire, or has.
//!
//! A notice is an audit record, written in the transaction that moves the provider's place on the due list. So it is
//! told once, however often the sweep runs, how late, or beside itself.

use serde::Serialize;
use serde_json::Value;
use trustplane_domain::Timestamp;
use trustplane_domain::identity_provider::{IdentityProvider, IdentityProviderId, Notice};
use trustplane_domain::ids::TenantId;
use trustplane_policy::{Image, Kind, Resource};
use trustplane_runtime::{EventCall, EventError};
use trustplane_store::{CERTIFICATE, CommitError, Stored, AuditedChange, Writes};

use crate::due::{Fault, again, sweep};

/// How often a provider is read again that somebody else wrote in between.
const ATTEMPTS: usize = 3;

/// A certificate as it is when a notice of it is given.
#[derive(Debug, Serialize)]
struct View<'a> {
    identity_store_id: &'a str,
    idp_id: IdentityProviderId,
    idp_enabled: bool,
    subject_name: Option<&'a str>,
    fingerprint: &'a str,
    not_after: Timestamp,
    threshold_days: u16,
    days_left: i64,
}

/// Gives every notice that is due, and says how many: `{notices, suspended, left}`.
pub async fn notify_expiring(reaction: EventCall) -> Result<Value, EventError> {
    sweep(&reaction, CERTIFICATE, 1, |tenant, provider| notify(&reaction, tenant, provider)).await.said("notices")
}

/// Gives the notices of one provider: says how many.
async fn notify(reaction: &EventCall, tenant: TenantId, mut before: Stored<IdentityProvider>) -> Result<usize, Fault> {
    let grant = reaction.grant(tenant);
    let store = before.key.identity_store().ok_or("it is no identity provider's place")?;
    for _ in 0..ATTEMPTS {
        let (notices, after) = before.value.take_notices(reaction.now);
        if notices.is_empty() {
            return Ok(0);
        }
        let told: Vec<(Resource, Image)> =
            notices.iter().map(|notice| notice_of(&before.value, &store, notice)).collect();
        let told: Vec<AuditedChange<'_>> =
            told.iter().map(|(resource, after)| AuditedChange { resource, before: None, after: Some(after) }).collect();
        let writes = Writes::new().replace(&before, &after)?;
        match reaction.platform.table.commit_all(&grant, &told, writes, None).await {
            Ok(_) => return Ok(notices.len()),
            Err(CommitError::Lost) => match again(reaction, tenant, &before.key).await? {
                Some(found) => before = found,
                None => return Ok(0),
            },
            Err(error) => return Err(error.into()),
        }
    }
    Err("somebody else wrote it again and again".into())
}

fn notice_of(provider: &IdentityProvider, store: &str, notice: &Notice) -> (Resource, Image) {
    let trusted = provider.certificates().iter().find(|trusted| trusted.id() == notice.certificate);
    let view = View {
        identity_store_id: store,
        idp_id: notice.provider,
        idp_enabled: provider.is_enabled(),
        subject_name: trusted.map(|trusted| trusted.certificate().subject_name()),
        fingerprint: &notice.fingerprint,
        not_after: notice.not_after,
        threshold_days: notice.threshold,
        days_left: notice.days_left,
    };
    (Resource::new(Kind::IdpCertificate, notice.certificate.to_string()), Image::of(&view))
}
