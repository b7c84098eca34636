//! `notify-expiring-certificates`: notices that a certificate of an identity provider is about to expire, or has expired.
//!
//! A notice is an audit record, written in the transaction that moves the provider's place on the due list. So each is
//! given once, however often, late or concurrently the sweep runs.

use serde::Serialize;
use serde_json::Value;
use trustplane_domain::Timestamp;
use trustplane_domain::identity_provider::{IdentityProvider, IdentityProviderId, Notice};
use trustplane_policy::{Image, Kind, Resource};
use trustplane_runtime::{EventCall, EventError};
use trustplane_store::{Stored, Writes};

use crate::due::{Budget, Change, Decision, Fault, sweep};

/// A certificate as it is when a notice of it is given.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "ExpiringIdpCertificateImage"))]
pub(crate) struct View<'a> {
    identity_store_id: &'a str,
    idp_id: IdentityProviderId,
    idp_enabled: bool,
    subject_name: Option<&'a str>,
    fingerprint: &'a str,
    not_after: Timestamp,
    threshold_days: u16,
    days_left: i64,
}

/// Gives every notice that is due: `{notices, suspended, left}`.
pub async fn notify_expiring(event: EventCall) -> Result<Value, EventError> {
    sweep(&event, Budget::at_once(1), async |provider| notices(provider, event.now)).await.response("notices")
}

fn notices(provider: &Stored<IdentityProvider>, now: Timestamp) -> Result<Option<Decision<IdentityProvider>>, Fault> {
    let store = provider.key.identity_store().ok_or("the key is not one of an identity provider")?;
    let (notices, after) = provider.value.take_notices(now);
    let changes: Vec<Change> = notices.iter().map(|notice| change(&provider.value, &store, notice)).collect();
    Ok((!changes.is_empty()).then(|| Decision {
        after,
        count: changes.len(),
        changes,
        grant: None,
        writes: Writes::new(),
    }))
}

fn change(provider: &IdentityProvider, store: &str, notice: &Notice) -> Change {
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
    let resource = Resource::new(Kind::IdpCertificate, notice.certificate.to_string());
    Change { resource, before: None, after: Some(Image::of(&view)) }
}
