//! `/v1/identity-stores/{identity_store_id}/external-idp`: the external SAML identity provider of a store.

use serde::Serialize;
use trustplane_domain::certificate::{Certificate, CertificateId};
use trustplane_domain::connection::Connection;
use trustplane_domain::identity_provider::{
    EntityId, IdentityProvider, IdentityProviderId, LoginUrl, Refusal, Settings,
};
use trustplane_domain::saml::IdentityProviderMetadata;
use trustplane_domain::{Conflict, Failure, Faults, Fields, Timestamp};
use trustplane_policy::{Change, Image, Kind, Resource};
use trustplane_runtime::{Answer, Call, Reply};
use trustplane_store::{StoreError, Stored, Writes};

use crate::parameters;
use crate::service_provider::SamlConfig;
use crate::store::{self, Path, Store};

/// The longest body: metadata of 256 KiB, escaped as JSON.
const BODY_LIMIT: usize = 512 * 1024;

/// The reply that a new provider is answered with.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "ExternalIdpCreated"))]
pub(crate) struct Created<'a> {
    hws_sp_saml_config: &'a SamlConfig,
    #[cfg_attr(feature = "schema", schemars(extend("format" = "uuid")))]
    idp_certificate_id: String,
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 2), extend("items" = serde_json::json!({"type": "string", "format": "uuid"}))))]
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

/// A provider that is to be made, and the ids it and its certificates get.
#[derive(Clone, Debug)]
struct New {
    id: IdentityProviderId,
    certificate_ids: Vec<CertificateId>,
    settings: Settings,
    certificates: Vec<Certificate>,
    /// The field that the certificates came in.
    field: &'static str,
}

/// POST: makes the provider of a store, disabled.
pub async fn create(call: Call) -> Result<Reply, Failure> {
    let input = new(&call).map(|(path, wanted)| (path.with_service_provider(), wanted));
    store::change(&call, input, |store, wanted| {
        let made = made(wanted, call.now);
        let resource = resource(wanted.id);
        let after = made.as_ref().ok().map(|provider| image(&store.id, provider));
        let saml = SamlConfig::of(&call.platform, store, call.now);
        let outcome = match (made, saml) {
            (Err(failure), _) | (Ok(_), Err(failure)) => Err(failure),
            (Ok(_), Ok(_)) if store.provider.is_some() => {
                Err(Failure::conflict(Conflict::Exists, "The identity store has an external identity provider already"))
            }
            (Ok(provider), Ok(saml)) => {
                let writes = Writes::new().create(&store.provider_key, &provider)?;
                Ok(Answer::new(writes, Reply::created(&created(&provider, &saml)).etag(1)))
            }
        };
        Ok(Change::new(resource, outcome).after(after))
    })
    .await
}

/// GET: the provider of a store, as a list of one or none.
pub async fn list(call: Call) -> Result<Reply, Failure> {
    let mut faults = Faults::default();
    let path = Path::of(&call, &mut faults);
    store::view(&call, faults.into_result().map(|()| (path, ())), |store, ()| {
        let provider = store.provider.as_ref();
        let associations = provider.map(|provider| association(&provider.value, call.now)).into_iter().collect();
        let reply = Reply::ok(&Associations { associations });
        match provider {
            Some(provider) => {
                let image = image(&store.id, &provider.value);
                Change::new(resource(provider.value.id()), Ok(reply.etag(provider.version))).before(Some(image))
            }
            None => Change::new(Resource::new(Kind::IdentityProvider, store.id.clone()), Ok(reply)),
        }
    })
    .await
}

/// PUT: other settings for a provider.
pub async fn update(call: Call) -> Result<Reply, Failure> {
    let mut faults = Faults::default();
    let (path, id) = named(&call, &mut faults);
    let input = call.request.fields().and_then(|mut fields| {
        let (entity_id, login_url) = saml_fields(&mut fields);
        fields.finish(faults)?;
        let (Some(entity_id), Some(login_url)) = (entity_id, login_url) else { return Err(Failure::Internal) };
        Ok((path, (id, entity_id, login_url)))
    });
    store::change(&call, input, |store, (id, entity_id, login_url)| {
        changed(store, *id, |provider| {
            let want_request_signed = provider.settings().want_request_signed;
            let settings = Settings { entity_id: entity_id.clone(), login_url: login_url.clone(), want_request_signed };
            Ok(provider.update(settings))
        })
    })
    .await
}

/// POST `enable`: users sign in through it.
pub async fn enable(call: Call) -> Result<Reply, Failure> {
    let input = only_named(&call);
    store::change(&call, input, |store, id| changed(store, *id, |provider| provider.enable(call.now))).await
}

/// POST `disable`: users no longer sign in through it.
pub async fn disable(call: Call) -> Result<Reply, Failure> {
    let input = only_named(&call);
    store::change(&call, input, |store, id| changed(store, *id, |provider| Ok(provider.disable()))).await
}

/// DELETE: the end of a disabled provider, its certificates with it.
pub async fn delete(call: Call) -> Result<Reply, Failure> {
    let input = only_named(&call);
    store::change(&call, input, |store, id| {
        let resource = named_resource(*id);
        let provider = match store.provider(*id) {
            Ok(provider) => provider,
            Err(failure) => return Ok(Change::new(resource, Err(failure))),
        };
        let outcome = provider
            .value
            .check_delete()
            .map(|()| Answer::new(Writes::new().remove(provider), Reply::empty()))
            .map_err(Failure::from);
        let before = Some(image(&store.id, &provider.value));
        Ok(Change::new(resource, outcome).before(before).etag(Some(provider.version)))
    })
    .await
}

/// The change of a provider into what `into` makes of it, the connection following in the same transaction.
fn changed(
    store: &Store,
    id: Option<IdentityProviderId>,
    into: impl Fn(&IdentityProvider) -> Result<IdentityProvider, Refusal>,
) -> Result<Change<Answer>, StoreError> {
    let resource = named_resource(id);
    let provider = match store.provider(id) {
        Ok(provider) => provider,
        Err(failure) => return Ok(Change::new(resource, Err(failure))),
    };
    let before = Some(image(&store.id, &provider.value));
    let change =
        |after, outcome| Ok(Change::new(resource, outcome).before(before).after(after).etag(Some(provider.version)));
    match into(&provider.value) {
        Err(refusal) => change(None, Err(refusal.into())),
        Ok(after) if after == provider.value => {
            change(None, Ok(Answer::new(Writes::new(), Reply::empty().etag(provider.version))))
        }
        Ok(after) => {
            let writes = Writes::new().replace(provider, &after)?.and(followed(&store.connection, &after)?);
            let reply = Reply::empty().etag(provider.version + 1);
            change(Some(image(&store.id, &after)), Ok(Answer::new(writes, reply)))
        }
    }
}

/// The connection knows whether the provider is enabled.
fn followed(connection: &Stored<Connection>, provider: &IdentityProvider) -> Result<Writes, StoreError> {
    if connection.value.provider_enabled == provider.is_enabled() {
        return Ok(Writes::new());
    }
    let after = Connection { provider_enabled: provider.is_enabled(), ..connection.value.clone() };
    Writes::new().replace(connection, &after)
}

/// The path's store and provider. An id of another form than ours is nobody's.
pub(crate) fn named(call: &Call, faults: &mut Faults) -> (Path, Option<IdentityProviderId>) {
    let path = Path::of(call, faults);
    let id = parameters::id(call, "idp_id", faults).and_then(|text| IdentityProviderId::parse(&text));
    (path, id)
}

fn only_named(call: &Call) -> Result<(Path, Option<IdentityProviderId>), Failure> {
    let mut faults = Faults::default();
    let input = named(call, &mut faults);
    faults.into_result().map(|()| input)
}

/// Reads a new provider: out of metadata, or out of its settings and a certificate.
fn new(call: &Call) -> Result<(Path, New), Failure> {
    let mut faults = Faults::default();
    let path = Path::of(call, &mut faults);
    let mut fields = call.request.fields_within(BODY_LIMIT)?;
    let present = |text: Option<String>| text.filter(|text| !text.is_empty());
    let metadata = present(fields.optional_string("idp_saml_metadata"));
    let certificate = present(fields.optional_string("idp_certificate"));
    let config = fields.optional_object("idp_saml_config").filter(|config| !config.is_empty());
    let read = match metadata {
        Some(text) => {
            for (field, given) in [("idp_saml_config", config.is_some()), ("idp_certificate", certificate.is_some())] {
                if given {
                    fields.fault(field, "must be left out where idp_saml_metadata is given");
                }
            }
            let read = IdentityProviderMetadata::parse(&text, call.now);
            let read = fields.take("idp_saml_metadata", read);
            read.map(|read| (read.settings, read.certificates, "idp_saml_metadata"))
        }
        None => {
            let config = config.unwrap_or_else(|| {
                fields.fault("idp_saml_config", "is required where idp_saml_metadata is left out");
                serde_json::Map::new()
            });
            let mut config = Fields::of(config);
            let (entity_id, login_url) = saml_fields(&mut config);
            if let Err(Failure::Invalid(wrong)) = config.finish(Faults::default()) {
                let within = |(field, message): (&str, &str)| (format!("idp_saml_config.{field}"), message.to_owned());
                wrong.iter().map(within).for_each(|(field, message)| fields.fault(&field, message));
            }
            let certificate = match certificate {
                Some(pem) => fields.take("idp_certificate", unexpired(&pem, call.now)),
                None => {
                    fields.fault("idp_certificate", "is required where idp_saml_metadata is left out");
                    None
                }
            };
            match (entity_id, login_url, certificate) {
                (Some(entity_id), Some(login_url), Some(certificate)) => {
                    let settings = Settings { entity_id, login_url, want_request_signed: false };
                    Some((settings, vec![certificate], "idp_certificate"))
                }
                _ => None,
            }
        }
    };
    fields.finish(faults)?;
    let Some((settings, certificates, field)) = read else { return Err(Failure::Internal) };
    let certificate_ids = certificates.iter().map(|_| call.random().map(CertificateId::from_random));
    let new = New {
        id: IdentityProviderId::from_random(call.random()?),
        certificate_ids: certificate_ids.collect::<Result<_, _>>()?,
        settings,
        certificates,
        field,
    };
    made(&new, call.now)?;
    Ok((path, new))
}

/// Reads a certificate that has not expired.
pub(crate) fn unexpired(pem: &str, now: Timestamp) -> Result<Certificate, trustplane_domain::certificate::Fault> {
    Certificate::from_pem(pem)?.unexpired(now)
}

fn saml_fields(fields: &mut Fields) -> (Option<EntityId>, Option<LoginUrl>) {
    let entity_id = fields.string("entity_id");
    let entity_id = entity_id.and_then(|text| fields.take("entity_id", EntityId::parse(&text)));
    let login_url = fields.string("login_url");
    let login_url = login_url.and_then(|text| fields.take("login_url", LoginUrl::parse(&text)));
    (entity_id, login_url)
}

/// The provider. What is wrong with its certificates is a fault of the field that they came in.
fn made(new: &New, now: Timestamp) -> Result<IdentityProvider, Failure> {
    let mut ids = new.certificate_ids.iter().copied();
    // INVARIANT: there is an id for each certificate.
    let next = || ids.next().unwrap_or_else(|| CertificateId::from_random([0; 16]));
    let made = IdentityProvider::create(new.id, new.settings.clone(), new.certificates.clone(), next, now);
    made.map_err(|refusal| match refusal {
        Refusal::Certificate(fault) => Failure::invalid(new.field, fault),
        Refusal::CertificateLimit => Failure::invalid(new.field, "holds more than 10 certificates for signing"),
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

fn resource(id: IdentityProviderId) -> Resource {
    Resource::new(Kind::IdentityProvider, id.to_string())
}

fn named_resource(id: Option<IdentityProviderId>) -> Resource {
    Resource::new(Kind::IdentityProvider, id.map(|id| id.to_string()).unwrap_or_default())
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
