//! `…/external-idp/{idp_id}/certificate`: the certificates that an external identity provider's signatures are trusted by.

use serde::Serialize;
use trustplane_domain::Timestamp;
use trustplane_domain::certificate::{Certificate, CertificateId, SerialAsNumber};
use trustplane_domain::identity_provider::{IdentityProviderId, TrustedCertificate};
use trustplane_domain::{Failure, Faults};
use trustplane_policy::{Change, Image, Kind, Resource};
use trustplane_runtime::{Answer, Call, Reply};
use trustplane_store::Writes;

use crate::external_idp::{named, unexpired};
use crate::parameters;
use crate::store::{self, Path};

/// The one use that there is.
const SIGNING: &str = "SIGNING";

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "CertificateImported"))]
pub(crate) struct Imported {
    #[cfg_attr(feature = "schema", schemars(extend("format" = "uuid")))]
    certificate_id: String,
}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "IdpCertificates"))]
pub(crate) struct Certificates<'a> {
    #[cfg_attr(feature = "schema", schemars(length(max = 2)))]
    idp_certificates: Vec<Body<'a>>,
}

/// A certificate on the wire. Times are milliseconds since the epoch.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "IdpCertificate"))]
struct Body<'a> {
    #[cfg_attr(feature = "schema", schemars(extend("format" = "uuid")))]
    certificate_id: String,
    issuer_name: &'a str,
    /// Milliseconds since the epoch.
    not_after: i64,
    /// Milliseconds since the epoch.
    not_before: i64,
    public_key: &'a str,
    /// Null where Huawei Cloud's Go SDK would fail on it, which reads it into a 32-bit float.
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    serial_number: Option<SerialAsNumber>,
    #[cfg_attr(feature = "schema", schemars(regex(pattern = "^-?[0-9]+$")))]
    serial_number_string: &'a str,
    #[cfg_attr(feature = "schema", schemars(extend("examples" = ["SHA256withRSA"])))]
    signature_algorithm_name: &'a str,
    subject_name: &'a str,
    #[cfg_attr(feature = "schema", schemars(extend("const" = 3)))]
    version: u8,
    #[serde(rename = "x509_Certificate_in_pem")]
    pem: &'a str,
}

/// A certificate as policies and the audit log see it.
#[derive(Debug, Serialize)]
struct View<'a> {
    identity_store_id: &'a str,
    idp_id: String,
    fingerprint: &'a str,
    subject_name: &'a str,
    not_before: Timestamp,
    not_after: Timestamp,
}

/// A certificate that is to be imported, and the id it gets.
#[derive(Clone, Debug)]
struct New {
    provider: Option<IdentityProviderId>,
    id: CertificateId,
    certificate: Certificate,
}

/// POST: one certificate more.
pub async fn import(call: Call) -> Result<Reply, Failure> {
    let input = new(&call);
    store::change(&call, input, |store, new| {
        let resource = Resource::new(Kind::IdpCertificate, new.id.to_string());
        let provider = match store.provider(new.provider) {
            Ok(provider) => provider,
            Err(failure) => return Ok(Change::new(resource, Err(failure))),
        };
        let outcome = match provider.value.import_certificate(new.id, new.certificate.clone(), call.now) {
            Err(refusal) => Err(refusal.into()),
            Ok(after) => {
                let reply = Reply::ok(&Imported { certificate_id: new.id.to_string() }).etag(provider.version + 1);
                Ok(Answer::new(Writes::new().replace(provider, &after)?, warned(reply, &new.certificate)))
            }
        };
        let after = image(&store.id, provider.value.id(), &new.certificate);
        Ok(Change::new(resource, outcome).after(Some(after)).etag(Some(provider.version)))
    })
    .await
}

/// GET: all certificates of a provider, the first imported first.
pub async fn list(call: Call) -> Result<Reply, Failure> {
    let mut faults = Faults::default();
    let input = named(&call, &mut faults);
    store::view(&call, faults.into_result().map(|()| input), |store, id| {
        let resource = Resource::new(Kind::IdpCertificate, id.map(|id| id.to_string()).unwrap_or_default());
        let reply = store.provider(*id).map(|provider| {
            let idp_certificates = provider.value.certificates().iter().map(body).collect();
            Reply::ok(&Certificates { idp_certificates }).etag(provider.version)
        });
        Change::new(resource, reply)
    })
    .await
}

/// DELETE: one certificate less.
pub async fn delete(call: Call) -> Result<Reply, Failure> {
    let mut faults = Faults::default();
    let (path, provider) = named(&call, &mut faults);
    let id = parameters::id(&call, "certificate_id", &mut faults).and_then(|text| CertificateId::parse(&text));
    let input = faults.into_result().map(|()| (path, (provider, id)));
    store::change(&call, input, |store, (provider, id)| {
        let resource = Resource::new(Kind::IdpCertificate, id.map(|id| id.to_string()).unwrap_or_default());
        let found = store.provider(*provider).and_then(|provider| {
            let certificate = provider.value.certificates().iter().find(|one| Some(one.id()) == *id);
            certificate.map(|certificate| (provider, certificate)).ok_or(Failure::NotFound("certificate"))
        });
        let (provider, certificate) = match found {
            Ok(found) => found,
            Err(failure) => return Ok(Change::new(resource, Err(failure))),
        };
        let outcome = match provider.value.delete_certificate(certificate.id(), call.now) {
            Err(refusal) => Err(refusal.into()),
            Ok(after) => {
                let writes = Writes::new().replace(provider, &after)?;
                Ok(Answer::new(writes, Reply::empty().etag(provider.version + 1)))
            }
        };
        let before = image(&store.id, provider.value.id(), certificate.certificate());
        Ok(Change::new(resource, outcome).before(Some(before)).etag(Some(provider.version)))
    })
    .await
}

fn new(call: &Call) -> Result<(Path, New), Failure> {
    let mut faults = Faults::default();
    let (path, provider) = named(call, &mut faults);
    let mut fields = call.request.fields()?;
    let pem = fields.string("x509_certificate_in_pem");
    let certificate = pem.and_then(|pem| fields.take("x509_certificate_in_pem", unexpired(&pem, call.now)));
    if fields.string("certificate_use").is_some_and(|usage| usage != SIGNING) {
        fields.fault("certificate_use", "must be `SIGNING`");
    }
    fields.finish(faults)?;
    let Some(certificate) = certificate else { return Err(Failure::Internal) };
    Ok((path, New { provider, id: CertificateId::from_random(call.random()?), certificate }))
}

/// The reply, with a warning where the certificate's own signature could be forged: nobody checks it here, and whoever
/// does elsewhere will refuse it.
fn warned(reply: Reply, certificate: &Certificate) -> Reply {
    if certificate.has_weak_signature() {
        let algorithm = certificate.signature_algorithm_name();
        reply.header("warning", format!("199 - \"the certificate is signed with {algorithm}, which can be forged\""))
    } else {
        reply
    }
}

fn body(trusted: &TrustedCertificate) -> Body<'_> {
    let certificate = trusted.certificate();
    Body {
        certificate_id: trusted.id().to_string(),
        issuer_name: certificate.issuer_name(),
        not_after: certificate.not_after().as_millis(),
        not_before: certificate.not_before().as_millis(),
        public_key: certificate.public_key(),
        serial_number: certificate.serial_number().as_number(),
        serial_number_string: certificate.serial_number().as_str(),
        signature_algorithm_name: certificate.signature_algorithm_name(),
        subject_name: certificate.subject_name(),
        version: certificate.version(),
        pem: certificate.pem(),
    }
}

fn image(store: &str, provider: IdentityProviderId, certificate: &Certificate) -> Image {
    Image::of(&View {
        identity_store_id: store,
        idp_id: provider.to_string(),
        fingerprint: certificate.fingerprint(),
        subject_name: certificate.subject_name(),
        not_before: certificate.not_before(),
        not_after: certificate.not_after(),
    })
}
