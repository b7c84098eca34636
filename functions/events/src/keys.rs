//! `notify-expiring-keys`: notices that a credential expires soon or is not used, that a certificate of a service provider
//! expires soon, and that the time of a setup link is over.
//!
//! A notice is an audit record, written in the transaction that moves the item's place on the due list. So each is given
//! once, however often, late or concurrently the sweep runs.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Value, json};
use trustplane_domain::Timestamp;
use trustplane_domain::credential::{Credential, CredentialNotice, Kind as CredentialKind, Role, UNUSED_DAYS};
use trustplane_domain::service_provider::{ExpiryNotice, ServiceProvider};
use trustplane_domain::setup::{SetupLink, View as LinkView};
use trustplane_policy::{Image, Kind, Resource};
use trustplane_runtime::{EventCall, EventError};
use trustplane_store::{Stored, Writes};

use crate::due::{Budget, Change, Decision, Fault, sweep};

/// A credential as it is when a notice of it is given.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "NoticedApiKeyImage"))]
pub(crate) struct KeyView<'a> {
    name: &'a str,
    #[cfg_attr(feature = "schema", schemars(with = "String", extend("enum" = ["bearer", "access_key"])))]
    kind: CredentialKind,
    roles: &'a BTreeSet<Role>,
    created_by: &'a str,
    expires_at: Option<Timestamp>,
    last_used_at: Option<Timestamp>,
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["expiring", "unused"])))]
    notice: &'static str,
    threshold_days: Option<u16>,
    days_left: Option<i64>,
    unused_days: Option<i64>,
}

/// A certificate of a service provider as it is when a notice of it is given.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "ExpiringSpCertificateImage"))]
pub(crate) struct CertificateView<'a> {
    identity_store_id: &'a str,
    state: &'static str,
    expiry_date: Timestamp,
    threshold_days: u16,
    days_left: i64,
}

/// Gives every notice that is due: `{notices, suspended, left}` of credentials, of certificates and of setup links.
pub async fn notify_expiring(event: EventCall) -> Result<Value, EventError> {
    let keys = sweep(&event, Budget::at_once(1), async |key| Ok(of_key(key, event.now))).await.response("notices");
    let certificates =
        sweep(&event, Budget::at_once(1), async |provider| of_provider(provider, event.now)).await.response("notices");
    let links = sweep(&event, Budget::at_once(1), async |link| Ok(of_link(link, event.now))).await.response("notices");
    Ok(json!({"keys": keys?, "certificates": certificates?, "setup_links": links?}))
}

/// A credential that was used since it was listed gets another place on the list, without a notice.
fn of_key(key: &Stored<Credential>, now: Timestamp) -> Option<Decision<Credential>> {
    let (notices, after) = key.value.take_notices(now);
    let changes: Vec<Change> = notices.iter().map(|notice| of_credential(&key.value, *notice)).collect();
    Some(Decision { after, count: changes.len(), changes, grant: None, writes: Writes::new() })
}

fn of_credential(key: &Credential, notice: CredentialNotice) -> Change {
    let (name, threshold_days, days_left, unused_days) = match notice {
        CredentialNotice::Expiring { threshold, days_left } => ("expiring", Some(threshold), Some(days_left), None),
        CredentialNotice::Unused => ("unused", None, None, Some(UNUSED_DAYS)),
    };
    let view = KeyView {
        name: &key.name,
        kind: key.kind,
        roles: &key.roles,
        created_by: &key.created_by,
        expires_at: key.expires_at,
        last_used_at: key.last_used_at,
        notice: name,
        threshold_days,
        days_left,
        unused_days,
    };
    Change { resource: Resource::new(Kind::ApiKey, key.id.to_string()), before: None, after: Some(Image::of(&view)) }
}

fn of_link(link: &Stored<SetupLink>, now: Timestamp) -> Option<Decision<SetupLink>> {
    let after = link.value.take_notice(now)?;
    let resource = Resource::new(Kind::SetupLink, link.value.id.to_string());
    let change = Change { resource, before: None, after: Some(Image::of(&LinkView::of(&after))) };
    Some(Decision { after, count: 1, changes: vec![change], grant: None, writes: Writes::new() })
}

fn of_provider(provider: &Stored<ServiceProvider>, now: Timestamp) -> Result<Option<Decision<ServiceProvider>>, Fault> {
    let store = provider.key.identity_store().ok_or("the key is not one of a service provider")?;
    let (notices, after) = provider.value.take_notices(now);
    let changes: Vec<Change> =
        notices.iter().filter_map(|notice| of_certificate(&provider.value, &store, notice, now)).collect();
    Ok(Some(Decision { after, count: changes.len(), changes, grant: None, writes: Writes::new() }))
}

fn of_certificate(provider: &ServiceProvider, store: &str, notice: &ExpiryNotice, now: Timestamp) -> Option<Change> {
    let certificate = provider.find(notice.certificate)?;
    let view = CertificateView {
        identity_store_id: store,
        state: provider.state(certificate, now).as_str(),
        expiry_date: certificate.certificate.not_after(),
        threshold_days: notice.threshold,
        days_left: notice.days_left,
    };
    let resource = Resource::new(Kind::SpCertificate, notice.certificate.to_string());
    Some(Change { resource, before: None, after: Some(Image::of(&view)) })
}
