//! Runs Trustplane's parsers on texts that another program generated, so that the other program can compare the
//! results.
//!
//! Reads JSON from standard input and writes JSON to standard output, one result per text: `certificates` takes an
//! array of PEM texts, `identity-providers` an array of metadata, `service-provider` an object to write metadata for,
//! `signatures` an array of signed requests, `corpus` nothing: it imports generated metadata. Each result is `{"is": …}` or `{"fault": "…"}`. `check.py` in this package
//! calls it.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use serde::{Deserialize, Serialize};
use trustplane_corpus::Document;
use trustplane_domain::Timestamp;
use trustplane_domain::certificate::{Certificate, SerialNumber};
use trustplane_domain::identity_provider::EntityId;
use trustplane_domain::saml::{IdentityProviderMetadata, LeftOut, ServiceProviderMetadata};
use trustplane_domain::signature::{Presented, RequestParts};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let mut input = String::new();
    std::io::stdin().read_to_string(&mut input)?;
    let output = match std::env::args().nth(1).as_deref() {
        Some("certificates") => {
            let texts: Vec<String> = serde_json::from_str(&input)?;
            let answers: Vec<_> =
                texts.iter().map(|text| Answer::of(Certificate::from_pem(text).as_ref().map(certificate))).collect();
            serde_json::to_string(&answers)?
        }
        Some("identity-providers") => {
            let texts: Vec<String> = serde_json::from_str(&input)?;
            let answers: Vec<_> = texts
                .iter()
                .map(|text| Answer::of(IdentityProviderMetadata::parse(text, Timestamp::now()).as_ref().map(provider)))
                .collect();
            serde_json::to_string(&answers)?
        }
        Some("service-provider") => {
            let wanted: ServiceProvider = serde_json::from_str(&input)?;
            ServiceProviderMetadata {
                entity_id: &wanted.entity_id,
                assertion_consumer_service: &wanted.acs_url,
                signing_certificates: wanted.certificates,
            }
            .to_xml()
        }
        Some("signatures") => {
            let requests: Vec<Request> = serde_json::from_str(&input)?;
            let answers: Vec<_> = requests.iter().map(|request| Answer::of(request.verify())).collect();
            serde_json::to_string(&answers)?
        }
        Some("corpus") => serde_json::to_string(&trustplane_corpus::all().iter().map(imported).collect::<Vec<_>>())?,
        _ => {
            let kinds = "certificates|identity-providers|service-provider|signatures|corpus";
            return Err(format!("usage: show-certificates {kinds}").into());
        }
    };
    std::io::stdout().write_all(output.as_bytes())?;
    Ok(())
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Answer<T> {
    Is(T),
    Fault(String),
}

impl<T> Answer<T> {
    fn of(result: Result<T, impl ToString>) -> Self {
        match result {
            Ok(facts) => Self::Is(facts),
            Err(fault) => Self::Fault(fault.to_string()),
        }
    }
}

/// Returns the facts of a certificate, with the API's field names.
fn certificate(certificate: &Certificate) -> impl Serialize + use<> {
    #[derive(Serialize)]
    struct Facts {
        fingerprint: String,
        issuer_name: String,
        not_after: i64,
        not_before: i64,
        public_key: String,
        serial_number: Option<trustplane_domain::certificate::SerialAsNumber>,
        serial_number_string: SerialNumber,
        signature_algorithm_name: String,
        subject_name: String,
        version: u8,
        weak: bool,
        pem: String,
    }
    Facts {
        fingerprint: certificate.fingerprint().to_owned(),
        issuer_name: certificate.issuer_name().to_owned(),
        not_after: certificate.not_after().as_millis(),
        not_before: certificate.not_before().as_millis(),
        public_key: certificate.public_key().to_owned(),
        serial_number: certificate.serial_number().as_number(),
        serial_number_string: certificate.serial_number().clone(),
        signature_algorithm_name: certificate.signature_algorithm_name().to_owned(),
        subject_name: certificate.subject_name().to_owned(),
        version: certificate.version(),
        weak: certificate.has_weak_signature(),
        pem: certificate.pem().to_owned(),
    }
}

/// A document of the corpus, and the facts that an import finds in it.
fn imported(document: &Document) -> impl Serialize + use<> {
    #[derive(Serialize)]
    struct Imported<T> {
        kind: &'static str,
        text: String,
        answer: Answer<T>,
    }
    let selected = document.select.and_then(|id| EntityId::parse(id).ok());
    let read = IdentityProviderMetadata::parse_selected(&document.text, selected.as_ref(), Timestamp::now());
    Imported { kind: document.kind, text: document.text.clone(), answer: Answer::of(read.as_ref().map(provider)) }
}

fn provider(metadata: &IdentityProviderMetadata) -> impl Serialize + use<> {
    #[derive(Serialize)]
    struct Facts {
        entity_id: String,
        login_url: String,
        want_request_signed: bool,
        fingerprints: Vec<String>,
        left_out: Vec<String>,
    }
    let left_out = metadata.left_out.iter().filter_map(|one| match one {
        LeftOut::Certificate { summary, .. } => summary.as_ref().map(|summary| summary.fingerprint.clone()),
        LeftOut::Service { .. } => None,
    });
    Facts {
        entity_id: metadata.settings.entity_id.as_str().to_owned(),
        login_url: metadata.settings.login_url.as_str().to_owned(),
        want_request_signed: metadata.settings.want_request_signed,
        fingerprints: metadata.certificates.iter().map(|known| known.fingerprint().to_owned()).collect(),
        left_out: left_out.collect(),
    }
}

#[derive(Deserialize)]
struct ServiceProvider {
    entity_id: String,
    acs_url: String,
    certificates: Vec<String>,
}

/// A signed request. Names of headers are in lower case.
#[derive(Deserialize)]
struct Request {
    secret: String,
    method: String,
    path: String,
    query: String,
    headers: BTreeMap<String, String>,
    body: String,
}

impl Request {
    /// Verifies the signature at its own time of signing. Returns the id of the signing key.
    fn verify(&self) -> Result<String, String> {
        let header = |name: &str| self.headers.get(name).map(String::as_str);
        let authorization = header("authorization").ok_or("no authorization")?;
        let presented = Presented::parse(authorization, header).map_err(|fault| fault.to_string())?;
        let parts = RequestParts {
            method: &self.method,
            decoded_path: &self.path,
            raw_query: &self.query,
            header,
            body: self.body.as_bytes(),
        };
        presented
            .verify(self.secret.as_bytes(), &parts, presented.signed_at())
            .map_err(|failure| format!("{failure:?}"))?;
        Ok(presented.access_key_id().to_owned())
    }
}
