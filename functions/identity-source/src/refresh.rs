//! POST `…/external-idp/{idp_id}/refresh`: fetches the provider's metadata now, and applies what the rules permit, or all
//! of it where an administrator accepts it.

use std::rc::Rc;

use serde::Serialize;
use trustplane_domain::certificate::CertificateId;
use trustplane_domain::identity_provider::{
    IdentityProvider, Metadata, Observation, Pending, RefreshEvent, RefreshRecord, Refreshed, View,
};
use trustplane_domain::request::Label;
use trustplane_domain::setup::Section;
use trustplane_domain::{Conflict, Failure, Timestamp, request};
use trustplane_outbound::Client;
use trustplane_policy::{Action, Image};
use trustplane_runtime::{Call, Context, Decision, Request, Response, actions};

use crate::external_idp::{ProviderPath, changing, is_done};
use crate::{fetched, offers};

/// The limit of refreshes, for the caller.
const LIMIT: &str = "the metadata of an identity provider is refreshed at most once per minute";

request! {
    /// Body of a refresh. It may be left out.
    pub(crate) struct RefreshExternalIdp {
        /// True to apply pending changes, and new certificates although none of the document is trusted. It takes the
        /// permission to update the provider.
        optional accept: bool = "accept" default false,
        /// Accept this very document, by its SHA-256; another one is refused with 409.
        optional document_sha256: Label<64> = "document_sha256",
    }
}

/// The effect of a refresh.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "ExternalIdpRefreshed"))]
pub(crate) struct Body<'a> {
    #[serde(flatten)]
    metadata: MetadataBody<'a>,
    /// The changes of this refresh, and what it reported.
    changes: Vec<ChangeBody<'a>>,
}

/// The state of a provider's metadata.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "ExternalIdpMetadata"))]
pub(crate) struct MetadataBody<'a> {
    /// Milliseconds since the epoch.
    metadata_checked_at: i64,
    /// Milliseconds since the epoch.
    metadata_next_check_at: i64,
    /// State of the metadata.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["current", "unreachable", "invalid", "changed", "all_keys_changed", "limit"])))]
    metadata_status: &'static str,
    /// Trust in later documents at the URL.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["continuous", "tls"])))]
    metadata_trust: &'static str,
    /// SHA-256 of the last document that was read.
    #[cfg_attr(feature = "schema", schemars(regex(pattern = "^[0-9a-f]{64}$")))]
    metadata_document_sha256: &'a str,
    /// The changes of the document that wait for an administrator.
    metadata_pending: &'a [Pending],
    /// Reason of the last failure; absent after a success.
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata_error: Option<&'a str>,
}

/// A change of a refresh.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "ExternalIdpRefreshChange"))]
struct ChangeBody<'a> {
    /// Kind of the change.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["certificate_added", "certificate_removal_announced", "certificate_removed", "all_keys_changed", "accepted", "held", "failing", "recovered"])))]
    change: &'static str,
    /// Id of the certificate; null if the change is not about one.
    #[cfg_attr(feature = "schema", schemars(extend("format" = "uuid")))]
    certificate_id: Option<String>,
    /// SHA-256 of the certificate, in hexadecimal; null if the change is not about one.
    fingerprint_sha256: Option<&'a str>,
    /// Of an announced removal, its time; of failures, the time of the first. Milliseconds since the epoch.
    at: Option<i64>,
}

/// A refresh that a caller asks for.
#[derive(Clone, Debug)]
struct Refresh {
    accept: bool,
    document_sha256: Option<String>,
    ids: Vec<CertificateId>,
    /// The outcome of the fetch, once it is there.
    observed: Option<Observation>,
}

/// POST: fetches the metadata and applies it.
pub async fn refresh(call: Call, client: Rc<Client>) -> Result<Response, Failure> {
    let request = call
        .input(ProviderPath::parse)
        .body(|request| Refresh::parse(request, &call))
        .reads(ProviderPath::reads)
        .subject(|(path, refresh), store, cx| changing((path, refresh), store, cx).action(refresh.action()));
    let fetch = async |(refresh, provider): &(Refresh, IdentityProvider), cx: &Context<'_>| {
        Ok(Refresh { observed: client.observe(provider, cx.now).await, ..refresh.clone() })
    };
    fetched::decide(
        request,
        |(path, refresh), store, cx| {
            let provider = &store.provider(path.provider)?.value;
            let metadata = provider.metadata().ok_or(trustplane_domain::identity_provider::Refusal::NoMetadataUrl)?;
            if let Some(millis) = metadata.wait(cx.now) {
                let seconds = u32::try_from(millis.div_euclid(1_000) + 1).unwrap_or(60);
                return Err(Failure::RateLimited { retry_after: seconds, limit: LIMIT });
            }
            Ok(refresh.observed.is_none().then(|| (refresh.clone(), provider.clone())))
        },
        fetch,
        |(path, refresh), store, cx| {
            let before = store.provider(path.provider)?;
            let observation =
                refresh.observed.as_ref().ok_or_else(|| Failure::internal("the metadata is not there"))?;
            refresh.check(observation, &before.value)?;
            let refreshed = before.value.refreshed(observation, refresh.accept, offers::next(&refresh.ids), cx.now)?;
            let Refreshed { provider, events } = refreshed;
            let after = provider.refresh_requested(cx.now);
            let response = Response::ok(&body(&after, &events).ok_or_else(|| Failure::internal("no metadata URL"))?);
            let image = |provider: &IdentityProvider| Image::of(&View::of(&path.store, provider));
            let recorded = Image::of(&RefreshRecord::of(&path.store, &after, &events));
            Ok(Decision::update(before, &after, image, response)
                .audited_as(Some(image(&before.value)), Some(recorded))
                .completing(Section::IdentityProvider, is_done(&after, cx)))
        },
    )
    .await
}

impl Refresh {
    fn parse(request: &Request, call: &Call) -> Result<Self, Failure> {
        let mut fields = request.optional_fields()?;
        let RefreshExternalIdp { accept, document_sha256 } = RefreshExternalIdp::read(&mut fields);
        let accept = accept.unwrap_or_default();
        if document_sha256.is_some() && !accept {
            fields.fault("document_sha256", "must be left out unless accept is true");
        }
        fields.finish(trustplane_domain::Faults::default())?;
        Ok(Self { accept, document_sha256, ids: offers::ids(call)?, observed: None })
    }

    /// The action that the policies are asked about: before the document is there, a preview of it; to accept it, an update.
    fn action(&self) -> Option<Action> {
        match (&self.observed, self.accept) {
            (None, _) => fetched::preview(),
            (Some(_), true) => actions().find(|action| action.name == "update-external-idp"),
            (Some(_), false) => None,
        }
    }

    /// Checks that the document is the one that the caller accepts.
    fn check(&self, observation: &Observation, provider: &IdentityProvider) -> Result<(), Failure> {
        let found = match observation {
            Observation::Document(document) => Some(document.sha256.as_str()),
            Observation::NotModified => provider.metadata().map(Metadata::document_sha256),
            Observation::Invalid { sha256, .. } | Observation::TooManyCertificates { sha256, .. } => {
                Some(sha256.as_str())
            }
            Observation::Unreachable(_) => None,
        };
        match (&self.document_sha256, found) {
            (Some(wanted), Some(found)) if wanted != found => {
                let message = format!("the document changed: its SHA-256 is `{found}`; look at it, then accept that");
                Err(Failure::conflict(Conflict::LostRace, message))
            }
            _ => Ok(()),
        }
    }
}

impl<'a> MetadataBody<'a> {
    /// The state of this metadata.
    pub(crate) fn of(metadata: &'a Metadata) -> Self {
        Self {
            metadata_checked_at: metadata.checked_at().as_millis(),
            metadata_next_check_at: metadata.next_check_at().as_millis(),
            metadata_status: metadata.status().as_str(),
            metadata_trust: metadata.trust().as_str(),
            metadata_document_sha256: metadata.document_sha256(),
            metadata_pending: metadata.pending(),
            metadata_error: metadata.fetches().first().and_then(|fetch| fetch.error.as_deref()),
        }
    }
}

fn body<'a>(provider: &'a IdentityProvider, events: &'a [RefreshEvent]) -> Option<Body<'a>> {
    let changes = events.iter().map(|event| ChangeBody {
        change: event.name(),
        certificate_id: event.certificate().map(|certificate| certificate.id.to_string()),
        fingerprint_sha256: event.certificate().map(|certificate| certificate.fingerprint.as_str()),
        at: event.at().map(Timestamp::as_millis),
    });
    Some(Body { metadata: MetadataBody::of(provider.metadata()?), changes: changes.collect() })
}
