//! `/v1/identity-stores/{identity_store_id}/external-idp`: the external SAML identity provider of a store.

use std::rc::Rc;

use serde::Serialize;
use trustplane_domain::connection::Connection;
use trustplane_domain::credential::Role;
use trustplane_domain::identity_provider::{IdentityProvider, IdentityProviderId, Metadata, View};
use trustplane_domain::service_provider::ServiceProvider;
use trustplane_domain::setup::Section;
use trustplane_domain::{Conflict, Failure};
use trustplane_outbound::Client;
use trustplane_policy::{Image, Kind};
use trustplane_runtime::{Call, Context, Decision, Request, Response, Subject, both};
use trustplane_store::{Reads, Stored, TenantKeys, Writes};

use crate::offers::{Change, New};
use crate::provider_tests::untested;
use crate::refresh::MetadataBody;
use crate::service_provider::SamlConfig;
use crate::store::{self, ServedStore, Store};
use crate::warnings::Remarks;
use crate::{fetched, parameters};

/// The response to the creation of a provider.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "ExternalIdpCreated"))]
pub(crate) struct Created<'a> {
    /// Settings of the service provider, for the identity provider.
    hws_sp_saml_config: &'a SamlConfig,
    /// Id of the first certificate.
    #[cfg_attr(feature = "schema", schemars(extend("format" = "uuid")))]
    idp_certificate_id: String,
    /// Ids of all certificates.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = trustplane_domain::identity_provider::MAX_CERTIFICATES), extend("items" = serde_json::json!({"type": "string", "format": "uuid"}))))]
    idp_certificate_ids: Vec<String>,
    /// Id of the provider.
    #[cfg_attr(feature = "schema", schemars(extend("format" = "uuid")))]
    idp_id: String,
}

/// The external identity provider of an identity store, as a list.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "ExternalIdps"))]
pub(crate) struct Associations<'a> {
    /// The provider, if there is one.
    #[cfg_attr(feature = "schema", schemars(length(max = 1)))]
    associations: Vec<Association<'a>>,
}

/// An external identity provider.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "ExternalIdp"))]
struct Association<'a> {
    /// Ids of the certificates, with the status of each.
    idp_certificate_ids: Vec<CertificateStatus>,
    /// Id of the provider.
    #[cfg_attr(feature = "schema", schemars(extend("format" = "uuid")))]
    idp_id: String,
    /// SAML settings of the provider.
    idp_saml_config: IdpSamlConfig<'a>,
    /// True if users sign in through the provider.
    is_enabled: bool,
    /// Present where the provider has a metadata URL.
    #[serde(flatten)]
    followed: Option<Followed<'a>>,
}

/// The metadata URL of a provider.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "ExternalIdpMetadataUrl"))]
struct Followed<'a> {
    /// The URL; its origin for callers without the role `editor` or `admin`, since the rest may hold a token.
    metadata_url: String,
    #[serde(flatten)]
    metadata: MetadataBody<'a>,
    /// The last fetches, newest first.
    #[cfg_attr(feature = "schema", schemars(length(max = 20)))]
    metadata_fetches: Vec<FetchBody<'a>>,
}

/// A fetch of a metadata URL.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "ExternalIdpMetadataFetch"))]
struct FetchBody<'a> {
    /// Milliseconds since the epoch.
    at: i64,
    /// Outcome of the fetch.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["current", "unreachable", "invalid", "changed", "all_keys_changed", "limit"])))]
    status: &'static str,
    /// Reason of a failure.
    error: Option<&'a str>,
    /// SHA-256 of the document; null where none was sent.
    document_sha256: Option<&'a str>,
}

/// A certificate of a provider.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "ExternalIdpCertificateStatus"))]
struct CertificateStatus {
    /// Id of the certificate.
    #[cfg_attr(feature = "schema", schemars(extend("format" = "uuid")))]
    certificate_id: String,
    /// `EXPIRED` if the validity of the certificate is over.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["ACTIVE", "EXPIRED"])))]
    status: &'static str,
}

/// SAML settings of an identity provider.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "IdpSamlConfig"))]
struct IdpSamlConfig<'a> {
    /// Entity id of the provider.
    entity_id: &'a str,
    /// URL that sign-in requests are sent to.
    login_url: &'a str,
    /// True if the provider wants signed requests.
    want_request_signed: bool,
}

/// A provider as the audit log sees it, with remarks on the change.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "IdentityProviderImage"))]
pub(crate) struct Recorded<'a> {
    #[serde(flatten)]
    view: View<'a>,
    #[serde(flatten)]
    remarks: &'a Remarks,
}

/// The path of a provider.
#[derive(Clone, Debug)]
pub(crate) struct ProviderPath {
    /// The id of the store.
    pub(crate) store: String,
    /// `None` for an id of another form than the platform's, which no provider has.
    pub(crate) provider: Option<IdentityProviderId>,
}

/// POST: creates the provider of a store, disabled.
pub async fn create(call: Call, client: Rc<Client>) -> Result<Response, Failure> {
    let request = call
        .input(|request| parameters::id(request, "identity_store_id"))
        .body(|request| New::parse(request, &call, &client))
        .reads(|store, keys| store::reads_served(store, keys))
        .subject(|(store, new), _, _| {
            let subject = Subject::new(Kind::IdentityProvider, new.id.to_string());
            match new.made() {
                Some(made) => subject.after(image(store, &made.provider)),
                None => subject.action(fetched::preview()),
            }
        });
    let wanted =
        |(_, new): (&String, &New), _: &ServedStore, _: &Context<'_>| Ok(new.made().is_none().then(|| new.clone()));
    fetched::decide(
        request,
        wanted,
        async |new, cx| new.fetch(&client, cx.now).await,
        |(_, new), store, cx| {
            let made = new.made().ok_or_else(|| Failure::internal("the metadata is not there"))?;
            let saml = SamlConfig::of(cx.platform(), &store, cx.now)?;
            if store.provider.item.is_some() {
                let message = "The identity store has an external identity provider already";
                return Err(Failure::conflict(Conflict::Exists, message));
            }
            let response = made.remarks.warn(Response::created(&created(&made.provider, &saml)).etag(1));
            let scheduled =
                Writes::new().put(&cx.keys.identity_provider_health(&store.id), &untested(&store.id, cx.now));
            let decision = Decision::write(store.provider.write(&made.provider).and(scheduled), response);
            let decision = decision.completing(Section::IdentityProvider, cx.platform_enables());
            Ok(decision.audited_as(None, Some(recorded(&store.id, &made.provider, &made.remarks))))
        },
    )
    .await
}

/// GET: the provider of a store, as a list of one or none.
pub async fn list(call: Call) -> Result<Response, Failure> {
    let request = call
        .input(|request| parameters::id(request, "identity_store_id"))
        .reads(|store, keys| store::reads(store, keys))
        .subject(|(id, ()), store, _| {
            let provider = store.and_then(|store| store.provider.item.as_ref());
            let resource = provider.map_or_else(|| id.clone(), |provider| provider.value.id().to_string());
            Subject::new(Kind::IdentityProvider, resource).stored(provider, |provider| image(id, provider))
        });
    store::decide(request, |_, store, cx| {
        let associations = store.provider.value().map(|provider| association(provider, cx)).into_iter().collect();
        let response = Response::ok(&Associations { associations });
        Ok(store.provider.version().into_iter().fold(response, Response::etag))
    })
    .await
}

/// PUT: replaces the settings of a provider, or all that its metadata says.
pub async fn update(call: Call, client: Rc<Client>) -> Result<Response, Failure> {
    let request = call
        .input(ProviderPath::parse)
        .body(|request| Change::parse(request, &call, &client))
        .reads(ProviderPath::reads_served)
        .subject(|(path, change), store, cx| {
            let action = change.is_incomplete().then(fetched::preview).flatten();
            changing((path, change), store, cx).action(action)
        });
    let wanted = |(path, change): (&ProviderPath, &Change), store: &ServedStore, _: &Context<'_>| {
        let _ = store.provider(path.provider)?;
        Ok(change.is_incomplete().then(|| change.clone()))
    };
    fetched::decide(
        request,
        wanted,
        async |change, cx| change.fetch(&client, cx.now).await,
        |(path, change), store, cx| {
            let provider = store.provider(path.provider)?;
            let after = change.applied(&provider.value, cx.now)?;
            let remarks = change.remarks(&after, service_provider(&store), cx.now);
            Ok(changed(&store, provider, &after, remarks).completing(Section::IdentityProvider, is_done(&after, cx)))
        },
    )
    .await
}

/// POST `enable`: users sign in through the provider.
pub async fn enable(call: Call) -> Result<Response, Failure> {
    let request = call.input(ProviderPath::parse).reads(ProviderPath::reads_served).subject(subject);
    store::decide(request, |(path, ()), store, cx| {
        let provider = store.provider(path.provider)?;
        let after = provider.value.enable(cx.now)?;
        let remarks = Remarks::default().on_signing(&after, service_provider(&store), cx.now);
        Ok(changed(&store, provider, &after, remarks).completing(Section::IdentityProvider, is_done(&after, cx)))
    })
    .await
}

/// POST `disable`: users no longer sign in through the provider.
pub async fn disable(call: Call) -> Result<Response, Failure> {
    let request = call.input(ProviderPath::parse).reads(ProviderPath::reads).subject(subject);
    store::decide(request, |(path, ()), store, _| {
        let provider = store.provider(path.provider)?;
        Ok(changed(&store, provider, &provider.value.disable(), Remarks::default()))
    })
    .await
}

/// DELETE: removes a disabled provider with its certificates.
pub async fn delete(call: Call) -> Result<Response, Failure> {
    let request = call.input(ProviderPath::parse).reads(ProviderPath::reads).subject(subject);
    store::decide(request, |(path, ()), store, cx| {
        let provider = store.provider(path.provider)?;
        provider.value.check_delete()?;
        let writes = Writes::new().remove(provider).delete(&cx.keys.identity_provider_health(&store.id));
        Ok(Decision::write(writes, Response::empty()))
    })
    .await
}

impl ProviderPath {
    /// Parses the path.
    pub(crate) fn parse(request: &Request) -> Result<Self, Failure> {
        let ids = both(parameters::id(request, "identity_store_id"), parameters::id(request, "idp_id"));
        ids.map(|(store, id)| Self { store, provider: IdentityProviderId::parse(&id) })
    }

    /// The reads of the provider's store.
    pub(crate) fn reads(&self, keys: TenantKeys) -> impl Reads<Loaded = Store> + use<> {
        store::reads(&self.store, keys)
    }

    /// The reads of the provider's store and of its service provider.
    pub(crate) fn reads_served(&self, keys: TenantKeys) -> impl Reads<Loaded = ServedStore> + use<> {
        store::reads_served(&self.store, keys)
    }
}

/// The subject of a request about the provider of a path.
pub(crate) fn subject<B, S>((path, _): (&ProviderPath, &B), store: Option<&Store<S>>, _: &Context<'_>) -> Subject {
    let provider = store.and_then(|store| store.provider(path.provider).ok());
    let id = path.provider.map(|id| id.to_string()).unwrap_or_default();
    Subject::new(Kind::IdentityProvider, id).stored(provider, |provider| image(&path.store, provider))
}

/// The subject of a request that changes the provider of a path.
pub(crate) fn changing<B, S>(asked: (&ProviderPath, &B), store: Option<&Store<S>>, cx: &Context<'_>) -> Subject {
    let provider = store.and_then(|store| store.provider(asked.0.provider).ok());
    subject(asked, store, cx).worked_before(enabled_before(provider, cx))
}

/// The fact for a setup session if the provider was enabled before it began.
pub(crate) fn enabled_before(provider: Option<&Stored<IdentityProvider>>, cx: &Context<'_>) -> Option<bool> {
    cx.worked_before(|at| provider.is_some_and(|provider| provider.value.was_enabled_before(at)))
}

/// Returns true if nothing is left to do for a setup session: the provider is enabled, or the platform enables it.
pub(crate) fn is_done(provider: &IdentityProvider, cx: &Context<'_>) -> bool {
    provider.is_enabled() || cx.platform_enables()
}

/// The service provider of a store, if it has certificates.
fn service_provider(store: &ServedStore) -> Option<&ServiceProvider> {
    store.service_provider.value()
}

/// The replacement of a provider. The connection follows in the same transaction: it knows if the provider is enabled.
fn changed<S>(
    store: &Store<S>,
    before: &Stored<IdentityProvider>,
    after: &IdentityProvider,
    remarks: Remarks,
) -> Decision {
    let response = remarks.warn(Response::empty());
    if *after == before.value {
        return Decision::respond(response.etag(before.version));
    }
    let connection = Connection { provider_enabled: after.is_enabled(), ..store.connection.value.clone() };
    let images = (Some(image(&store.id, &before.value)), Some(recorded(&store.id, after, &remarks)));
    Decision::update(before, after, |provider| image(&store.id, provider), response)
        .audited_as(images.0, images.1)
        .and(Writes::new().replace_if_changed(&store.connection, &connection))
}

fn created<'a>(provider: &IdentityProvider, saml: &'a SamlConfig) -> Created<'a> {
    let ids = certificate_ids(provider);
    Created {
        hws_sp_saml_config: saml,
        idp_certificate_id: ids.first().cloned().unwrap_or_default(),
        idp_certificate_ids: ids,
        idp_id: provider.id().to_string(),
    }
}

fn association<'a>(provider: &'a IdentityProvider, cx: &Context<'_>) -> Association<'a> {
    let settings = provider.settings();
    let certificates = provider.certificates().iter();
    Association {
        idp_certificate_ids: certificates
            .map(|one| CertificateStatus { certificate_id: one.id().to_string(), status: one.status(cx.now).as_str() })
            .collect(),
        idp_id: provider.id().to_string(),
        idp_saml_config: IdpSamlConfig {
            entity_id: settings.entity_id.as_str(),
            login_url: settings.login_url.as_str(),
            want_request_signed: settings.want_request_signed,
        },
        is_enabled: provider.is_enabled(),
        followed: provider.metadata().map(|metadata| Followed::of(metadata, may_write(cx))),
    }
}

/// Returns true for a caller whose roles permit changes, and for a setup session, which may set the URL.
fn may_write(cx: &Context<'_>) -> bool {
    cx.caller.setup.is_some() || cx.caller.roles.iter().any(|role| matches!(role, Role::Editor | Role::Admin))
}

impl<'a> Followed<'a> {
    fn of(metadata: &'a Metadata, in_full: bool) -> Self {
        let url = metadata.url();
        let fetches = metadata.fetches().iter().map(|fetch| FetchBody {
            at: fetch.at.as_millis(),
            status: fetch.status.as_str(),
            error: fetch.error.as_deref(),
            document_sha256: fetch.document_sha256.as_deref(),
        });
        Self {
            metadata_url: if in_full { url.as_str().to_owned() } else { url.origin() },
            metadata: MetadataBody::of(metadata),
            metadata_fetches: fetches.collect(),
        }
    }
}

fn certificate_ids(provider: &IdentityProvider) -> Vec<String> {
    provider.certificates().iter().map(|one| one.id().to_string()).collect()
}

fn image(store: &str, provider: &IdentityProvider) -> Image {
    Image::of(&View::of(store, provider))
}

fn recorded(store: &str, provider: &IdentityProvider, remarks: &Remarks) -> Image {
    Image::of(&Recorded { view: View::of(store, provider), remarks })
}
