//! `notify-expiring-certificates`: notices that a certificate of an identity provider expires soon, or has expired.
//!
//! A notice is an audit record, written in the transaction that moves the provider's place on the due list. So it is
//! sent once, even if sweeps run repeatedly, late, or concurrently.

use serde::Serialize;
use serde_json::Value;
use trustplane_domain::Timestamp;
use trustplane_domain::identity_provider::{IdentityProvider, IdentityProviderId, Notice};
use trustplane_domain::ids::TenantId;
use trustplane_policy::{Image, Kind, Resource};
use trustplane_runtime::{Reaction, ReactionError};
use trustplane_store::{CERTIFICATE, CommitError, Stored, Told, Writes};

use crate::due::{Fault, again, sweep};

/// Largest number of attempts for a provider that changes between read and write.
const ATTEMPTS: usize = 3;

/// A certificate at the time of its notice.
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

/// Sends all due notices. Returns the counts: `{notices, suspended, left}`.
pub async fn notify_expiring(reaction: Reaction) -> Result<Value, ReactionError> {
    sweep(&reaction, CERTIFICATE, 1, |tenant, provider| notify(&reaction, tenant, provider)).await.said("notices")
}

/// Sends the due notices of one provider. Returns their number.
async fn notify(reaction: &Reaction, tenant: TenantId, mut before: Stored<IdentityProvider>) -> Result<usize, Fault> {
    let grant = reaction.grant(tenant);
    let store = before.key.identity_store().ok_or("it is no identity provider's place")?;
    for _ in 0..ATTEMPTS {
        let (notices, after) = before.value.take_notices(reaction.now);
        if notices.is_empty() {
            return Ok(0);
        }
        let told: Vec<(Resource, Image)> =
            notices.iter().map(|notice| notice_of(&before.value, &store, notice)).collect();
        let told: Vec<Told<'_>> =
            told.iter().map(|(resource, after)| Told { resource, before: None, after: Some(after) }).collect();
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
