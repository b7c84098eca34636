//! `/v1/identity-stores/{identity_store_id}/saml-certificates`: the certificates that our sign-in requests are signed by.

use serde::Serialize;
use trustplane_domain::certificate::CertificateId;
use trustplane_domain::service_provider::{
    EncryptedKey, Refusal, ServiceProvider, SigningCertificate, State, VALIDITY,
};
use trustplane_domain::{Failure, Faults, Timestamp};
use trustplane_policy::{Change, Grant, Image, Kind, Resource};
use trustplane_runtime::{Answer, Call, Reply};
use trustplane_store::{Key, StoreError, Stored, Writes};

use crate::parameters;
use crate::store::{self, Path, Store};

/// A certificate on the wire. Times are milliseconds since the epoch.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "SamlCertificate"))]
pub(crate) struct Body<'a> {
    #[cfg_attr(feature = "schema", schemars(extend("format" = "uuid")))]
    certificate_id: String,
    /// PEM.
    x509certificate: &'a str,
    #[cfg_attr(feature = "schema", schemars(extend("examples" = ["SHA256withRSA"])))]
    algorithm: &'a str,
    /// Milliseconds since the epoch.
    expiry_date: i64,
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["INACTIVE", "ACTIVE", "EXPIRED"])))]
    state: &'static str,
}

/// A certificate as policies and the audit log see it.
#[derive(Debug, Serialize)]
struct View<'a> {
    identity_store_id: &'a str,
    state: &'static str,
    expiry_date: Timestamp,
}

/// A service provider that a certificate is to be added to, and where it is kept.
struct Plan {
    before: Option<Stored<ServiceProvider>>,
    key: Key,
}

/// POST: one certificate more, with a key that KMS makes. Nothing is signed by it before it is activated.
pub async fn create(call: Call) -> Result<Reply, Failure> {
    let (id, serial) = (CertificateId::from_random(call.random()?), call.random()?);
    let mut faults = Faults::default();
    let path = Path::of(&call, &mut faults).with_service_provider();
    let store_id = path.store.clone();
    let input = faults.into_result().map(|()| (path, ()));
    let change = |store: &Store, (): &()| {
        let expiry_date = call.now.plus_millis(VALIDITY);
        let view = View { identity_store_id: &store.id, state: State::Inactive.as_str(), expiry_date };
        let plan = Plan { before: store.service_provider.clone(), key: store.service_provider_key.clone() };
        let outcome = provider(store).check_room().map(|()| plan).map_err(Failure::from);
        Ok(Change::new(resource(id), outcome).after(Some(Image::of(&view))).etag(version(store)))
    };
    let make = async |grant: &Grant| made(&call, grant, id, &store_id, serial).await;
    store::change_made(&call, input, change, make, |plan, certificate| added(&call, plan, certificate)).await
}

/// GET: all of them, the first made first.
pub async fn list(call: Call) -> Result<Reply, Failure> {
    let mut faults = Faults::default();
    let path = Path::of(&call, &mut faults).with_service_provider();
    store::view(&call, faults.into_result().map(|()| (path, ())), |store, ()| {
        let provider = provider(store);
        let bodies: Vec<_> = provider.certificates().iter().map(|one| body(&provider, one, call.now)).collect();
        let reply = Reply::ok(&bodies);
        let reply = version(store).into_iter().fold(reply, Reply::etag);
        Change::new(Resource::new(Kind::SpCertificate, store.id.clone()), Ok(reply))
    })
    .await
}

/// POST `active`: requests are signed by this one, and no more by another.
pub async fn activate(call: Call) -> Result<Reply, Failure> {
    store::change(&call, named(&call), |store, id| {
        changed(store, *id, call.now, |provider, id| provider.activate(id, call.now))
    })
    .await
}

/// DELETE: one that no user's sign-in request is signed by.
pub async fn delete(call: Call) -> Result<Reply, Failure> {
    store::change(&call, named(&call), |store, id| {
        let enabled = store.provider.as_ref().filter(|provider| provider.value.is_enabled());
        let settings = enabled.map(|provider| provider.value.settings());
        changed(store, *id, call.now, |provider, id| provider.delete_certificate(id, settings, call.now))
    })
    .await
}

/// The change of the service provider into what `into` makes of it.
fn changed(
    store: &Store,
    id: Option<CertificateId>,
    now: Timestamp,
    into: impl Fn(&ServiceProvider, CertificateId) -> Result<ServiceProvider, Refusal>,
) -> Result<Change<Answer>, StoreError> {
    let (Some(stored), Some(id)) = (&store.service_provider, id) else {
        let resource = Resource::new(Kind::SpCertificate, id.map(|id| id.to_string()).unwrap_or_default());
        return Ok(Change::new(resource, Err(Failure::NotFound("certificate"))));
    };
    let after = into(&stored.value, id);
    let outcome = match &after {
        Err(refusal) => Err((*refusal).into()),
        Ok(after) if *after == stored.value => Ok(Answer::new(Writes::new(), Reply::empty().etag(stored.version))),
        Ok(after) => {
            let writes = Writes::new().replace(stored, after)?;
            Ok(Answer::new(writes, Reply::empty().etag(stored.version + 1)))
        }
    };
    let seen = |provider: &ServiceProvider| provider.find(id).map(|one| image(&store.id, provider, one, now));
    let after = after.ok().filter(|after| *after != stored.value);
    Ok(Change::new(resource(id), outcome)
        .before(seen(&stored.value))
        .after(after.as_ref().and_then(seen))
        .etag(Some(stored.version)))
}

/// A new certificate of `store`, its key made and encrypted by KMS.
async fn made(
    call: &Call,
    grant: &Grant,
    id: CertificateId,
    store: &str,
    serial: [u8; 16],
) -> Result<SigningCertificate, Failure> {
    let seal = call.platform.seal.as_ref().ok_or(Failure::Internal)?;
    let pair = seal.key_pair(grant.tenant(), store).await.map_err(|error| {
        tracing::warn!(error = %error, "no key pair was made");
        Failure::Unavailable { retry_after: 1 }
    })?;
    let certificate = trustplane_keys::self_signed(&pair.pkcs8, store, serial, call.now).map_err(|fault| {
        tracing::error!(fault = %fault, "no certificate was made");
        Failure::Internal
    })?;
    let key = EncryptedKey::from_ciphertext(pair.sealed);
    Ok(SigningCertificate { id, certificate, key, created_at: call.now })
}

/// The service provider with the certificate that was made for it.
fn added(call: &Call, plan: Plan, certificate: &SigningCertificate) -> Result<Answer, Failure> {
    let before = plan.before.as_ref().map(|stored| stored.value.clone()).unwrap_or_default();
    let after = before.add_certificate(certificate.clone())?;
    let (writes, version) = match &plan.before {
        Some(stored) => (Writes::new().replace(stored, &after), stored.version + 1),
        None => (Writes::new().create(&plan.key, &after), 1),
    };
    let reply = Reply::created(&body(&after, certificate, call.now)).etag(version);
    Ok(Answer::new(writes.map_err(|error| Failure::from(&error))?, reply))
}

fn named(call: &Call) -> Result<(Path, Option<CertificateId>), Failure> {
    let mut faults = Faults::default();
    let path = Path::of(call, &mut faults).with_service_provider();
    let id = parameters::id(call, "certificate_id", &mut faults).and_then(|text| CertificateId::parse(&text));
    faults.into_result().map(|()| (path, id))
}

/// The service provider of the store; one that has made no certificate yet is empty.
fn provider(store: &Store) -> ServiceProvider {
    store.service_provider.as_ref().map(|stored| stored.value.clone()).unwrap_or_default()
}

fn version(store: &Store) -> Option<u64> {
    store.service_provider.as_ref().map(|stored| stored.version)
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

fn image(store: &str, provider: &ServiceProvider, one: &SigningCertificate, now: Timestamp) -> Image {
    let state = provider.state(one, now).as_str();
    Image::of(&View { identity_store_id: store, state, expiry_date: one.certificate.not_after() })
}

fn resource(id: CertificateId) -> Resource {
    Resource::new(Kind::SpCertificate, id.to_string())
}
