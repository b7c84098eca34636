//! `/v1/identity-stores/{identity_store_id}/external-idp`: the external SAML identity provider of a store.

use serde::Serialize;
use trustplane_domain::certificate::{Certificate, CertificateId};
use trustplane_domain::connection::Connection;
use trustplane_domain::identity_provider::{
    EntityId, IdentityProvider, IdentityProviderId, LoginUrl, Refusal, Settings,
};
use trustplane_domain::request;
use trustplane_domain::saml::IdentityProviderMetadata;
use trustplane_domain::{Conflict, Failure, Faults, Fields, Timestamp};
use trustplane_policy::{Image, Kind};
use trustplane_runtime::{Call, Context, Decision, Request, Response, Subject, both};
use trustplane_store::{Reads, Stored, TenantKeys, Writes};

use crate::parameters;
use crate::service_provider::SamlConfig;
use crate::store::{self, Store};

/// Bytes of a body at most: metadata of 256 KiB, escaped as JSON.
const BODY_LIMIT: usize = 512 * 1024;

/// The response to the creation of a provider.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "ExternalIdpCreated"))]
pub(crate) struct Created<'a> {
    hws_sp_saml_config: &'a SamlConfig,
    #[cfg_attr(feature = "schema", schemars(extend("format" = "uuid")))]
    idp_certificate_id: String,
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = trustplane_domain::identity_provider::MAX_CERTIFICATES), extend("items" = serde_json::json!({"type": "string", "format": "uuid"}))))]
    idp_certificate_ids: Vec<String>,
    #[cfg_attr(feature = "schema", schemars(extend("format" = "uuid")))]
    idp_id: String,
}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "ExternalIdps"))]
pub(crate) struct Associations<'a> {
    #[cfg_attr(feature = "schema", schemars(length(max = 1)))]
    associations: Vec<Association<'a>>,
}

/// A provider on the wire.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "ExternalIdp"))]
struct Association<'a> {
    idp_certificate_ids: Vec<CertificateStatus>,
    #[cfg_attr(feature = "schema", schemars(extend("format" = "uuid")))]
    idp_id: String,
    idp_saml_config: IdpSamlConfig<'a>,
    is_enabled: bool,
}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "ExternalIdpCertificateStatus"))]
struct CertificateStatus {
    #[cfg_attr(feature = "schema", schemars(extend("format" = "uuid")))]
    certificate_id: String,
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["ACTIVE", "EXPIRED"])))]
    status: &'static str,
}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "IdpSamlConfig"))]
struct IdpSamlConfig<'a> {
    entity_id: &'a str,
    login_url: &'a str,
    want_request_signed: bool,
}

/// A provider as policies and the audit log see it.
#[derive(Debug, Serialize)]
struct View<'a> {
    identity_store_id: &'a str,
    entity_id: &'a str,
    login_url: &'a str,
    is_enabled: bool,
    certificate_ids: Vec<String>,
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
pub async fn create(call: Call) -> Result<Response, Failure> {
    let request = call
        .input(|request| parameters::id(request, "identity_store_id"))
        .body(|request| new(request, &call))
        .reads(|store, keys| store::reads_served(store, keys))
        .subject(|(store, new), _, _| {
            Subject::new(Kind::IdentityProvider, new.id().to_string()).after(image(store, new))
        });
    store::decide(request, |(_, new), store, cx| {
        let saml = SamlConfig::of(cx.platform(), &store, cx.now)?;
        if store.provider.item.is_some() {
            let message = "The identity store has an external identity provider already";
            return Err(Failure::conflict(Conflict::Exists, message));
        }
        Ok(Decision::write(store.provider.write(new), Response::created(&created(new, &saml)).etag(1)))
    })
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
        let associations = store.provider.value().map(|provider| association(provider, cx.now)).into_iter().collect();
        let response = Response::ok(&Associations { associations });
        Ok(store.provider.version().into_iter().fold(response, Response::etag))
    })
    .await
}

/// PUT: replaces the settings of a provider.
pub async fn update(call: Call) -> Result<Response, Failure> {
    let request = call.input(ProviderPath::parse).body(settings).reads(ProviderPath::reads).subject(subject);
    store::decide(request, |(path, (entity_id, login_url)), store, _| {
        let provider = store.provider(path.provider)?;
        let want_request_signed = provider.value.settings().want_request_signed;
        let settings = Settings { entity_id: entity_id.clone(), login_url: login_url.clone(), want_request_signed };
        Ok(changed(&store, provider, &provider.value.update(settings)))
    })
    .await
}

/// POST `enable`: users sign in through the provider.
pub async fn enable(call: Call) -> Result<Response, Failure> {
    let request = call.input(ProviderPath::parse).reads(ProviderPath::reads).subject(subject);
    store::decide(request, |(path, ()), store, cx| {
        let provider = store.provider(path.provider)?;
        Ok(changed(&store, provider, &provider.value.enable(cx.now)?))
    })
    .await
}

/// POST `disable`: users no longer sign in through the provider.
pub async fn disable(call: Call) -> Result<Response, Failure> {
    let request = call.input(ProviderPath::parse).reads(ProviderPath::reads).subject(subject);
    store::decide(request, |(path, ()), store, _| {
        let provider = store.provider(path.provider)?;
        Ok(changed(&store, provider, &provider.value.disable()))
    })
    .await
}

/// DELETE: removes a disabled provider with its certificates.
pub async fn delete(call: Call) -> Result<Response, Failure> {
    let request = call.input(ProviderPath::parse).reads(ProviderPath::reads).subject(subject);
    store::decide(request, |(path, ()), store, _| {
        let provider = store.provider(path.provider)?;
        provider.value.check_delete()?;
        Ok(Decision::write(Writes::new().remove(provider), Response::empty()))
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
}

/// The subject of a request about the provider of a path.
fn subject<B>((path, _): (&ProviderPath, &B), store: Option<&Store>, _: &Context<'_>) -> Subject {
    let provider = store.and_then(|store| store.provider(path.provider).ok());
    let id = path.provider.map(|id| id.to_string()).unwrap_or_default();
    Subject::new(Kind::IdentityProvider, id).stored(provider, |provider| image(&path.store, provider))
}

/// The replacement of a provider. The connection follows in the same transaction: it knows if the provider is enabled.
fn changed(store: &Store, before: &Stored<IdentityProvider>, after: &IdentityProvider) -> Decision {
    if *after == before.value {
        return Decision::respond(Response::empty().etag(before.version));
    }
    let connection = Connection { provider_enabled: after.is_enabled(), ..store.connection.value.clone() };
    Decision::update(before, after, |provider| image(&store.id, provider), Response::empty())
        .and(Writes::new().replace_if_changed(&store.connection, &connection))
}

/// Parses the settings of a provider.
fn settings(request: &Request) -> Result<(EntityId, LoginUrl), Failure> {
    let mut fields = request.fields()?;
    let parsed = saml_fields(&mut fields);
    fields.finished(parsed)
}

/// Parses a new provider: out of metadata, or out of its settings and a certificate.
fn new(request: &Request, call: &Call) -> Result<IdentityProvider, Failure> {
    let mut fields = request.fields_within(BODY_LIMIT)?;
    let present = |text: Option<String>| text.filter(|text| !text.is_empty());
    let metadata = present(fields.optional_string("idp_saml_metadata"));
    let certificate = present(fields.optional_string("idp_certificate"));
    let config = fields.optional_object("idp_saml_config").filter(|config| !config.is_empty());
    let parsed = match metadata {
        Some(text) => {
            for (field, given) in [("idp_saml_config", config.is_some()), ("idp_certificate", certificate.is_some())] {
                if given {
                    fields.fault(field, "must be left out where idp_saml_metadata is given");
                }
            }
            let parsed = fields.take("idp_saml_metadata", IdentityProviderMetadata::parse(&text, call.now));
            parsed.map(|parsed| (parsed.settings, parsed.certificates, "idp_saml_metadata"))
        }
        None => {
            let settings = config_settings(&mut fields, config);
            let certificate = match certificate {
                Some(pem) => fields.take("idp_certificate", unexpired(&pem, call.now)),
                None => {
                    fields.fault("idp_certificate", "is required where idp_saml_metadata is left out");
                    None
                }
            };
            settings.zip(certificate).map(|(settings, certificate)| (settings, vec![certificate], "idp_certificate"))
        }
    };
    let (settings, certificates, field) = fields.finished(parsed)?;
    create_provider(call, settings, certificates, field)
}

/// Parses the settings of a provider that has no metadata.
fn config_settings(
    fields: &mut Fields,
    config: Option<serde_json::Map<String, serde_json::Value>>,
) -> Option<Settings> {
    let mut config = Fields::of(config.unwrap_or_else(|| {
        fields.fault("idp_saml_config", "is required where idp_saml_metadata is left out");
        serde_json::Map::new()
    }));
    let parsed = saml_fields(&mut config);
    if let Err(Failure::Invalid(faults)) = config.finish(Faults::default()) {
        faults.iter().for_each(|(field, message)| fields.fault(&format!("idp_saml_config.{field}"), message));
    }
    parsed.map(|(entity_id, login_url)| Settings { entity_id, login_url, want_request_signed: false })
}

/// Parses a certificate that has not expired.
pub(crate) fn unexpired(pem: &str, now: Timestamp) -> Result<Certificate, trustplane_domain::certificate::Fault> {
    Certificate::from_pem(pem)?.unexpired(now)
}

request! {
    /// Body of an update of an external identity provider.
    pub(crate) struct UpdateExternalIdp {
        /// The entity id of the identity provider.
        required entity_id: EntityId = "entity_id",
        /// The URL where users sign in.
        required login_url: LoginUrl = "login_url",
    }
}

fn saml_fields(fields: &mut Fields) -> Option<(EntityId, LoginUrl)> {
    let UpdateExternalIdp { entity_id, login_url } = UpdateExternalIdp::read(fields);
    entity_id.zip(login_url)
}

/// Makes the provider. Faults of its certificates are faults of `field`, which they came in.
fn create_provider(
    call: &Call,
    settings: Settings,
    certificates: Vec<Certificate>,
    field: &str,
) -> Result<IdentityProvider, Failure> {
    let id = IdentityProviderId::from_random(call.random()?);
    let ids = certificates.iter().map(|_| call.random().map(CertificateId::from_random));
    let mut ids = ids.collect::<Result<Vec<_>, _>>()?.into_iter();
    // INVARIANT: there is an id for each certificate.
    let next = || ids.next().unwrap_or_else(|| CertificateId::from_random([0; 16]));
    IdentityProvider::create(id, settings, certificates, next, call.now).map_err(|refusal| match refusal {
        Refusal::Certificate(fault) => Failure::invalid(field, fault),
        Refusal::CertificateLimit => Failure::invalid(field, "holds more than 10 certificates for signing"),
        other => other.into(),
    })
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

fn association(provider: &IdentityProvider, now: Timestamp) -> Association<'_> {
    let settings = provider.settings();
    let certificates = provider.certificates().iter();
    Association {
        idp_certificate_ids: certificates
            .map(|one| CertificateStatus { certificate_id: one.id().to_string(), status: one.status(now).as_str() })
            .collect(),
        idp_id: provider.id().to_string(),
        idp_saml_config: IdpSamlConfig {
            entity_id: settings.entity_id.as_str(),
            login_url: settings.login_url.as_str(),
            want_request_signed: settings.want_request_signed,
        },
        is_enabled: provider.is_enabled(),
    }
}

fn certificate_ids(provider: &IdentityProvider) -> Vec<String> {
    provider.certificates().iter().map(|one| one.id().to_string()).collect()
}

pub(crate) fn image(store: &str, provider: &IdentityProvider) -> Image {
    let settings = provider.settings();
    Image::of(&View {
        identity_store_id: store,
        entity_id: settings.entity_id.as_str(),
        login_url: settings.login_url.as_str(),
        is_enabled: provider.is_enabled(),
        certificate_ids: certificate_ids(provider),
    })
}
