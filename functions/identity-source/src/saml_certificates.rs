//! `/v1/identity-stores/{identity_store_id}/saml-certificates`: the certificates that sign-in requests are signed by.

use serde::Serialize;
use trustplane_domain::certificate::CertificateId;
use trustplane_domain::service_provider::{EncryptedKey, ServiceProvider, SigningCertificate, State, VALIDITY};
use trustplane_domain::{Failure, Timestamp};
use trustplane_policy::{Grant, Image, Kind};
use trustplane_runtime::{Call, Context, Decision, Planned, Request, Response, Subject, both};
use trustplane_store::{Reads, Stored, TenantKeys, Writes};

use crate::parameters;
use crate::store::{self, ServedStore};

/// A certificate. Times are milliseconds since the epoch.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "SamlCertificate"))]
pub(crate) struct Body<'a> {
    /// Id of the certificate.
    #[cfg_attr(feature = "schema", schemars(extend("format" = "uuid")))]
    certificate_id: String,
    /// PEM.
    x509certificate: &'a str,
    /// Algorithm of the signatures.
    #[cfg_attr(feature = "schema", schemars(extend("examples" = ["SHA256withRSA"])))]
    algorithm: &'a str,
    /// Milliseconds since the epoch.
    expiry_date: i64,
    /// `ACTIVE` if the certificate signs sign-in requests.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["INACTIVE", "ACTIVE", "EXPIRED"])))]
    state: &'static str,
}

/// The certificates, as an array at the top level.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "SamlCertificates"))]
#[serde(transparent)]
pub(crate) struct Bodies<'a>(Vec<Body<'a>>);

/// A certificate as policies and the audit log see it.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "SpCertificateImage"))]
pub(crate) struct View<'a> {
    identity_store_id: &'a str,
    state: &'static str,
    expiry_date: Timestamp,
}

/// The path of a certificate.
#[derive(Clone, Debug)]
struct CertificatePath {
    store: String,
    /// `None` for an id of another form than the platform's, which no certificate has.
    certificate: Option<CertificateId>,
}

/// POST: creates a certificate, with a key that KMS makes. Nothing is signed by it before it is activated.
pub async fn create(call: Call) -> Result<Response, Failure> {
    let (id, serial) = (CertificateId::from_random(call.random()?), call.random()?);
    let request = call
        .input(|request| parameters::id(request, "identity_store_id"))
        .reads(|store, keys| store::reads_served(store, keys))
        .subject(|(store, ()), loaded, cx| {
            let expiry_date = cx.now.plus_millis(VALIDITY);
            let view = View { identity_store_id: store, state: State::Inactive.as_str(), expiry_date };
            Subject::new(Kind::SpCertificate, id.to_string())
                .after(Image::of(&view))
                .version(loaded.and_then(|store| store.service_provider.version()))
        });
    let plan = |_: (&_, &_), store: ServedStore, _: &Context<'_>| {
        provider(&store).check_room()?;
        Ok(Planned::new(store))
    };
    let make =
        async |store: &ServedStore, cx: &Context<'_>, grant: &Grant| made(cx, grant, id, &store.id, serial).await;
    store::work(request, plan, make, |store, certificate, cx| {
        let after = provider(&store).add_certificate(certificate.clone())?;
        let slot = &store.service_provider;
        let response = Response::created(&body(&after, certificate, cx.now)).etag(slot.next_version());
        Ok(Decision::write(slot.write(&after), response))
    })
    .await
}

/// GET: all certificates, in order of creation.
pub async fn list(call: Call) -> Result<Response, Failure> {
    let request = call
        .input(|request| parameters::id(request, "identity_store_id"))
        .reads(|store, keys| store::reads_served(store, keys))
        .subject(|(id, ()), _, _| Subject::new(Kind::SpCertificate, id.clone()));
    store::decide(request, |_, store, cx| {
        let provider = provider(&store);
        let bodies = Bodies(provider.certificates().iter().map(|one| body(&provider, one, cx.now)).collect());
        Ok(store.service_provider.version().into_iter().fold(Response::ok(&bodies), Response::etag))
    })
    .await
}

/// POST `active`: requests are signed by this certificate, and no longer by another.
pub async fn activate(call: Call) -> Result<Response, Failure> {
    let request = call.input(CertificatePath::parse).reads(CertificatePath::reads).subject(subject);
    store::decide(request, |(path, ()), store, cx| {
        let (provider, id) = path.find(&store)?;
        Ok(changed(path, provider, &provider.value.activate(id, cx.now)?, cx.now))
    })
    .await
}

/// DELETE: removes a certificate that no sign-in request is signed by.
pub async fn delete(call: Call) -> Result<Response, Failure> {
    let request = call.input(CertificatePath::parse).reads(CertificatePath::reads).subject(subject);
    store::decide(request, |(path, ()), store, cx| {
        let (provider, id) = path.find(&store)?;
        let enabled = store.provider.value().filter(|provider| provider.is_enabled());
        let settings = enabled.map(|provider| provider.settings());
        Ok(changed(path, provider, &provider.value.delete_certificate(id, settings, cx.now)?, cx.now))
    })
    .await
}

impl CertificatePath {
    fn parse(request: &Request) -> Result<Self, Failure> {
        let ids = both(parameters::id(request, "identity_store_id"), parameters::id(request, "certificate_id"));
        ids.map(|(store, id)| Self { store, certificate: CertificateId::parse(&id) })
    }

    fn reads(&self, keys: TenantKeys) -> impl Reads<Loaded = ServedStore> + use<> {
        store::reads_served(&self.store, keys)
    }

    /// Returns the service provider, if it has certificates, and the certificate's id.
    fn find<'a>(&self, store: &'a ServedStore) -> Result<(&'a Stored<ServiceProvider>, CertificateId), Failure> {
        store.service_provider.item.as_ref().zip(self.certificate).ok_or(Failure::NotFound("certificate"))
    }

    /// The image of the certificate in this service provider.
    fn image(&self, provider: &ServiceProvider, now: Timestamp) -> Option<Image> {
        let certificate = provider.find(self.certificate?)?;
        let state = provider.state(certificate, now).as_str();
        let expiry_date = certificate.certificate.not_after();
        Some(Image::of(&View { identity_store_id: &self.store, state, expiry_date }))
    }
}

/// The subject of a request about the certificate of a path.
fn subject((path, ()): (&CertificatePath, &()), store: Option<&ServedStore>, cx: &Context<'_>) -> Subject {
    let subject = Subject::new(Kind::SpCertificate, path.certificate.map(|id| id.to_string()).unwrap_or_default());
    match store.and_then(|store| path.find(store).ok()) {
        Some((provider, _)) => subject.before(path.image(&provider.value, cx.now)).version(provider.version),
        None => subject,
    }
}

/// The replacement of the service provider.
fn changed(
    path: &CertificatePath,
    before: &Stored<ServiceProvider>,
    after: &ServiceProvider,
    now: Timestamp,
) -> Decision {
    if *after == before.value {
        return Decision::respond(Response::empty().etag(before.version));
    }
    Decision::write(Writes::new().replace(before, after), Response::empty().etag(before.version + 1))
        .after(path.image(after, now))
}

/// Makes a certificate of `store`, with a key pair that KMS makes and encrypts.
async fn made(
    cx: &Context<'_>,
    grant: &Grant,
    id: CertificateId,
    store: &str,
    serial: [u8; 16],
) -> Result<SigningCertificate, Failure> {
    let pair = cx.platform().seal()?.key_pair(grant.tenant(), store).await;
    let pair = pair?;
    let certificate = trustplane_keys::self_signed(&pair.pkcs8, store, serial, cx.now).map_err(Failure::internal)?;
    let key = EncryptedKey::from_ciphertext(pair.sealed);
    Ok(SigningCertificate { id, certificate, key, created_at: cx.now, noticed: None })
}

/// The service provider of a store: empty if it has no certificate yet.
fn provider(store: &ServedStore) -> ServiceProvider {
    store.service_provider.value().cloned().unwrap_or_default()
}

fn body<'a>(provider: &ServiceProvider, one: &'a SigningCertificate, now: Timestamp) -> Body<'a> {
    Body {
        certificate_id: one.id.to_string(),
        x509certificate: one.certificate.pem(),
        algorithm: one.certificate.signature_algorithm_name(),
        expiry_date: one.certificate.not_after().as_millis(),
        state: provider.state(one, now).as_str(),
    }
}
