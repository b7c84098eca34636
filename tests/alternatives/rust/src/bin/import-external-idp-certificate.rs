//! POST /v1/identity-stores/{identity_store_id}/external-idp/{idp_id}/certificate.

use std::collections::HashMap;
use std::sync::Arc;

use alternatives::{Found, Refused, Store, body, hex, is_id, parameter, refused, serve};
use lambda_http::{Error, Request};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;
use x509_parser::oid_registry::OID_SIG_ED25519;
use x509_parser::pem::Pem;
use x509_parser::prelude::ASN1Time;
use x509_parser::public_key::PublicKey;

const MOST: usize = 10;

#[derive(Serialize, Deserialize)]
struct Provider {
    certificates: HashMap<String, Certificate>,
    #[serde(flatten)]
    others: HashMap<String, Value>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Certificate {
    id: String,
    pem: String,
}

#[derive(Deserialize)]
struct Given {
    x509_certificate_in_pem: String,
    certificate_use: String,
}

/// Returns the SHA-256 of a certificate that can be used.
fn fingerprint(text: &str) -> Result<String, Refused> {
    if text.len() > 10_000 || text.contains("PRIVATE KEY") {
        return refused(400, "x509_certificate_in_pem is too long, or has a private key");
    }
    let pems: Vec<Pem> = Pem::iter_from_buffer(text.as_bytes()).flatten().collect();
    let [pem] = pems.as_slice() else {
        return refused(400, "x509_certificate_in_pem is not one X.509 certificate");
    };
    let Ok(certificate) = pem.parse_x509() else {
        return refused(400, "x509_certificate_in_pem is not one X.509 certificate");
    };
    let key = certificate.public_key();
    let strong = match key.parsed() {
        Ok(PublicKey::RSA(key)) => key.key_size() >= 2048,
        Ok(PublicKey::EC(point)) => point.key_size() >= 256,
        _ => key.algorithm.algorithm == OID_SIG_ED25519,
    };
    if !strong || certificate.validity().not_after < ASN1Time::now() {
        return refused(400, "the certificate has expired, or its key is too weak");
    }
    Ok(hex(&Sha256::digest(&pem.contents)))
}

async fn import(store: Arc<Store>, request: Request) -> Result<Value, Refused> {
    let (identity_store, idp) = (parameter(&request, "identity_store_id"), parameter(&request, "idp_id"));
    if !is_id(&identity_store) || !is_id(&idp) {
        return refused(400, "identity_store_id or idp_id is not valid");
    }
    let key = format!("IDP#{identity_store}#{idp}");
    let found: Found<Provider> = store.read(&request, &key, "admin").await?;
    let Given { x509_certificate_in_pem: pem, certificate_use } = body(&request)?;
    if certificate_use != "SIGNING" {
        return refused(400, "certificate_use is not SIGNING");
    }
    let digest = fingerprint(&pem)?;
    let Some(provider) = found.item.as_ref().map(|item| &item.value) else {
        return refused(404, "no such identity provider");
    };
    let mut certificates = provider.certificates.clone();
    if certificates.contains_key(&digest) || certificates.len() >= MOST {
        return refused(409, format!("the provider has this certificate, or {MOST} others"));
    }
    let id = Uuid::new_v4().to_string();
    certificates.insert(digest, Certificate { id: id.clone(), pem });
    let after = Provider { certificates, others: provider.others.clone() };
    store.write(&request, &found, "import-certificate", &key, &after).await?;
    Ok(json!({"certificate_id": id}))
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    serve(
        import,
        |status, message, id| json!({"error_code": format!("IIC.{status}"), "error_msg": message, "request_id": id}),
    )
    .await
}
