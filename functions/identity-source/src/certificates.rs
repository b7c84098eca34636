//! `…/external-idp/{idp_id}/certificate`: the certificates that an external identity provider's signatures are trusted by.

use serde::Serialize;
use trustplane_domain::certificate::{Certificate, CertificateId, SerialAsNumber};
use trustplane_domain::identity_provider::{IdentityProviderId, TrustedCertificate};
use trustplane_domain::setup::Section;
use trustplane_domain::{Failure, Timestamp};
use trustplane_domain::{request, text_field};
use trustplane_policy::{Image, Kind};
use trustplane_runtime::{Call, Decision, Request, Response, Subject, both};
use trustplane_store::Writes;

use crate::external_idp::{ProviderPath, enabled_before, is_done};
use crate::parameters::{self, BODY_LIMIT};
use crate::store::{self, Store};
use crate::warnings;

/// The only use of a certificate.
const SIGNING: &str = "SIGNING";

/// The response to the import of a certificate.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "CertificateImported"))]
pub(crate) struct Imported {
    /// Id of the certificate.
    #[cfg_attr(feature = "schema", schemars(extend("format" = "uuid")))]
    certificate_id: String,
}

/// The certificates of an identity provider.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "IdpCertificates"))]
pub(crate) struct Certificates<'a> {
    /// The certificates, in the order of their import.
    #[cfg_attr(feature = "schema", schemars(length(max = trustplane_domain::identity_provider::MAX_CERTIFICATES)))]
    idp_certificates: Vec<Body<'a>>,
}

/// A certificate. Times are milliseconds since the epoch.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "IdpCertificate"))]
struct Body<'a> {
    /// Id of the certificate.
    #[cfg_attr(feature = "schema", schemars(extend("format" = "uuid")))]
    certificate_id: String,
    /// Distinguished name of the issuer.
    issuer_name: &'a str,
    /// Milliseconds since the epoch.
    not_after: i64,
    /// Milliseconds since the epoch.
    not_before: i64,
    /// Public key in base64 (SubjectPublicKeyInfo).
    public_key: &'a str,
    /// Null where Huawei Cloud's Go SDK would fail on it, which reads it into a 32-bit float.
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    serial_number: Option<SerialAsNumber>,
    /// Serial number, in decimal.
    #[cfg_attr(feature = "schema", schemars(regex(pattern = "^-?[0-9]+$")))]
    serial_number_string: &'a str,
    /// Algorithm of the certificate's own signature.
    #[cfg_attr(feature = "schema", schemars(extend("examples" = ["SHA256withRSA"])))]
    signature_algorithm_name: &'a str,
    /// Distinguished name of the subject.
    subject_name: &'a str,
    /// Version of X.509.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = [1, 3])))]
    version: u8,
    /// The certificate in PEM.
    #[serde(rename = "x509_Certificate_in_pem")]
    pem: &'a str,
    /// Present where a refresh from the metadata URL added the certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["metadata_url"])))]
    source: Option<&'static str>,
    /// The time from which a refresh may remove it, since it is gone from the document. Milliseconds since the epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    removal_at: Option<i64>,
}

/// A certificate as policies and the audit log see it.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "IdpCertificateImage"))]
pub(crate) struct View<'a> {
    identity_store_id: &'a str,
    idp_id: String,
    fingerprint: &'a str,
    subject_name: &'a str,
    not_before: Timestamp,
    not_after: Timestamp,
}

/// A certificate to import, and the id that it gets.
#[derive(Clone, Debug)]
struct New {
    id: CertificateId,
    certificate: Certificate,
}

/// POST: imports a certificate.
pub async fn import(call: Call) -> Result<Response, Failure> {
    let request =
        call.input(ProviderPath::parse).body(|request| new(request, &call)).reads(ProviderPath::reads).subject(
            |(path, new), store, cx| {
                let provider = store.and_then(|store| store.provider(path.provider).ok());
                Subject::new(Kind::IdpCertificate, new.id.to_string())
                    .worked_before(enabled_before(provider, cx))
                    .after(provider.map(|provider| image(&path.store, provider.value.id(), &new.certificate)))
                    .version(provider.map(|provider| provider.version))
            },
        );
    store::decide(request, |(path, new), store, cx| {
        let provider = store.provider(path.provider)?;
        let after = provider.value.import_certificate(new.id, new.certificate.clone(), cx.now)?;
        let response = Response::ok(&Imported { certificate_id: new.id.to_string() }).etag(provider.version + 1);
        let decision = Decision::write(Writes::new().replace(provider, &after), warned(response, &new.certificate));
        Ok(decision.completing(Section::IdentityProvider, is_done(&after, cx)))
    })
    .await
}

/// GET: all certificates of a provider, in order of import.
pub async fn list(call: Call) -> Result<Response, Failure> {
    let request = call.input(ProviderPath::parse).reads(ProviderPath::reads).subject(|(path, ()), _, _| {
        Subject::new(Kind::IdpCertificate, path.provider.map(|id| id.to_string()).unwrap_or_default())
    });
    store::decide(request, |(path, ()), store, _| {
        let provider = store.provider(path.provider)?;
        let idp_certificates = provider.value.certificates().iter().map(body).collect();
        Ok(Response::ok(&Certificates { idp_certificates }).etag(provider.version))
    })
    .await
}

/// DELETE: removes a certificate.
pub async fn delete(call: Call) -> Result<Response, Failure> {
    let request = call
        .input(|request| both(ProviderPath::parse(request), parameters::id(request, "certificate_id")))
        .reads(|(path, _), keys| path.reads(keys))
        .subject(|((path, id), ()), store, cx| {
            let provider = store.and_then(|store| store.provider(path.provider).ok());
            let certificate = store.and_then(|store| certificate(store, path, id).ok());
            let id = CertificateId::parse(id).map(|id| id.to_string()).unwrap_or_default();
            Subject::new(Kind::IdpCertificate, id)
                .worked_before(enabled_before(provider, cx))
                .before(
                    provider
                        .zip(certificate)
                        .map(|(provider, one)| image(&path.store, provider.value.id(), one.certificate())),
                )
                .version(provider.map(|provider| provider.version))
        });
    store::decide(request, |((path, id), ()), store, cx| {
        let provider = store.provider(path.provider)?;
        let certificate = certificate(&store, path, id)?;
        let after = provider.value.delete_certificate(certificate.id(), cx.now)?;
        Ok(Decision::write(Writes::new().replace(provider, &after), Response::empty().etag(provider.version + 1)))
    })
    .await
}

/// Returns the certificate of this id. An id of another form than the platform's is no certificate's.
fn certificate<'a>(store: &'a Store, path: &ProviderPath, id: &str) -> Result<&'a TrustedCertificate, Failure> {
    let id = CertificateId::parse(id);
    let certificate = store.provider(path.provider)?.value.certificates().iter().find(|one| Some(one.id()) == id);
    certificate.ok_or(Failure::NotFound("certificate"))
}

request! {
    /// Body of an import.
    pub(crate) struct ImportCertificate {
        /// The certificate as PEM.
        required pem: Pem = "x509_certificate_in_pem",
        /// The use of the certificate.
        required usage: Usage = "certificate_use",
    }
}

/// A certificate as PEM, which is parsed later.
pub(crate) enum Pem {}

text_field!(Pem => String, |text: &str| Ok::<_, String>(text.to_owned()), {
    "type": "string", "maxLength": trustplane_domain::certificate::MAX_CHARACTERS
});

/// The use of a certificate.
pub(crate) enum Usage {}

text_field!(Usage => (), |text| if text == SIGNING { Ok(()) } else { Err("must be `SIGNING`") }, {"const": SIGNING});

fn new(request: &Request, call: &Call) -> Result<New, Failure> {
    let mut fields = request.fields_within(BODY_LIMIT)?;
    let ImportCertificate { pem, usage: _ } = ImportCertificate::read(&mut fields);
    let certificate = pem.and_then(|pem| {
        let parsed = Certificate::from_pem(&pem).and_then(|certificate| certificate.unexpired(call.now));
        fields.take("x509_certificate_in_pem", parsed)
    });
    let certificate = fields.finished(certificate)?;
    Ok(New { id: CertificateId::from_random(call.random()?), certificate })
}

/// The response, with a warning if the certificate's own signature could be forged: the platform does not verify it, but
/// a client that does will refuse it.
fn warned(response: Response, certificate: &Certificate) -> Response {
    warnings::warn(response, certificate.warning().as_slice())
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
        source: (!trusted.source().is_manual()).then_some("metadata_url"),
        removal_at: trusted.removal_at().map(Timestamp::as_millis),
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
