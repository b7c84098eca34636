//! A provider as policies and the audit log see it.

use serde::Serialize;

use super::{IdentityProvider, Pending, RefreshEvent, Trust};
use crate::timestamp::Timestamp;

/// A provider as policies see it.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "IdentityProviderView"))]
pub struct View<'a> {
    identity_store_id: &'a str,
    entity_id: &'a str,
    login_url: &'a str,
    is_enabled: bool,
    certificate_ids: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata_origin: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata_trust: Option<Trust>,
}

/// A provider as the audit log sees it after a refresh. The URL is shown by its origin: the rest may hold a token.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "RefreshedIdentityProviderImage"))]
pub struct RefreshRecord<'a> {
    #[serde(flatten)]
    view: View<'a>,
    metadata_status: Option<&'static str>,
    document_sha256: Option<&'a str>,
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pending: &'a [Pending],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    events: Vec<RecordedEvent<'a>>,
}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "IdentityProviderRefreshEvent"))]
struct RecordedEvent<'a> {
    event: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fingerprint_sha256: Option<&'a str>,
    /// Of an announced removal, its time; of failures, the time of the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Timestamp>,
}

impl<'a> View<'a> {
    /// The provider of a store.
    pub fn of(store: &'a str, provider: &'a IdentityProvider) -> Self {
        let settings = provider.settings();
        Self {
            identity_store_id: store,
            entity_id: settings.entity_id.as_str(),
            login_url: settings.login_url.as_str(),
            is_enabled: provider.is_enabled(),
            certificate_ids: provider.certificates().iter().map(|one| one.id().to_string()).collect(),
            metadata_origin: provider.metadata().map(|metadata| metadata.url().origin()),
            metadata_trust: provider.metadata().map(super::Metadata::trust),
        }
    }
}

impl<'a> RefreshRecord<'a> {
    /// The provider of a store after a refresh with these events.
    pub fn of(store: &'a str, provider: &'a IdentityProvider, events: &'a [RefreshEvent]) -> Self {
        let metadata = provider.metadata();
        Self {
            view: View::of(store, provider),
            metadata_status: metadata.map(|metadata| metadata.status().as_str()),
            document_sha256: metadata.map(super::Metadata::document_sha256),
            error: metadata.and_then(|metadata| metadata.fetches().first()?.error.as_deref()),
            pending: metadata.map(super::Metadata::pending).unwrap_or_default(),
            events: events.iter().map(RecordedEvent::of).collect(),
        }
    }
}

impl<'a> RecordedEvent<'a> {
    fn of(event: &'a RefreshEvent) -> Self {
        let certificate = event.certificate();
        Self {
            event: event.name(),
            certificate_id: certificate.map(|certificate| certificate.id.to_string()),
            fingerprint_sha256: certificate.map(|certificate| certificate.fingerprint.as_str()),
            at: event.at(),
        }
    }
}
