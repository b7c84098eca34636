//! A demonstration identity provider on loopback: SAML metadata, a discovery document and a key set. It rotates its keys,
//! moves its login page and fails by a command.
//!
//! | command | effect |
//! |---|---|
//! | `add-key` | publishes one more key, as the first step of a rotation |
//! | `drop-key` | drops the oldest key, as the last step |
//! | `replace-keys` | replaces all keys at once |
//! | `move` | moves the login page |
//! | `fail` | responds with 503 to everything |
//! | `recover` | responds again |

use crate::{Error, authority::Authority, https::Https};
use axum::{
    Json, Router,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine as _, engine::general_purpose::STANDARD, engine::general_purpose::URL_SAFE_NO_PAD};
use rcgen::{CertificateParams, DnType, KeyPair};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use time::{Duration, OffsetDateTime};

/// Host name of the provider.
const HOST: &str = "idp.localhost";
/// Validity of a certificate.
const LIFE: Duration = Duration::days(365);

/// A running provider. It stops when it is dropped.
#[derive(Debug)]
pub struct IdentityProvider {
    https: Https,
    state: Shared,
}

type Shared = Arc<Mutex<Provider>>;

#[derive(Debug, Default)]
struct Provider {
    origin: String,
    /// The oldest first.
    keys: Vec<Key>,
    moves: usize,
    is_failing: bool,
}

#[derive(Debug)]
struct Key {
    certificate: String,
    x: String,
    y: String,
}

impl IdentityProvider {
    /// Starts a provider with one key on this port of 127.0.0.1; 0 selects a free one.
    pub async fn start(authority: &Authority, port: u16) -> Result<Self, Error> {
        let state = Shared::default();
        let router = Router::new()
            .route("/metadata", get(metadata))
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/jwks", get(key_set))
            .with_state(Arc::clone(&state));
        let https = Https::start(authority, &[HOST], port, router).await?;
        let mut provider = locked(&state);
        provider.origin = format!("https://{HOST}:{}", https.port());
        provider.keys.push(Key::create()?);
        drop(provider);
        Ok(Self { https, state })
    }

    /// Returns the URL of the SAML metadata.
    pub fn metadata_url(&self) -> String {
        format!("{}/metadata", self.issuer())
    }

    /// Returns the issuer, which the URL of the discovery document begins with.
    pub fn issuer(&self) -> String {
        format!("https://{HOST}:{}", self.https.port())
    }

    /// Returns the routes of the commands: `POST /_idp/{command}`.
    pub(crate) fn commands(&self) -> Router {
        Router::new().route("/_idp/{command}", post(command)).with_state(Arc::clone(&self.state))
    }
}

fn locked(state: &Shared) -> MutexGuard<'_, Provider> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn command(State(state): State<Shared>, Path(command): Path<String>) -> Response {
    let mut provider = locked(&state);
    match provider.obey(&command) {
        Ok(true) => Json(provider.summary()).into_response(),
        Ok(false) => (StatusCode::NOT_FOUND, format!("there is no command `{command}`\n")).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

async fn metadata(State(state): State<Shared>) -> Response {
    let provider = locked(&state);
    provider.respond("application/samlmetadata+xml", || provider.metadata())
}

async fn discovery(State(state): State<Shared>) -> Response {
    let provider = locked(&state);
    provider.respond("application/json", || provider.discovery().to_string())
}

async fn key_set(State(state): State<Shared>) -> Response {
    let provider = locked(&state);
    provider.respond("application/jwk-set+json", || provider.key_set().to_string())
}

impl Provider {
    /// Does a command. Returns false if there is none of this name.
    fn obey(&mut self, command: &str) -> Result<bool, Error> {
        match command {
            "add-key" => self.keys.push(Key::create()?),
            "drop-key" if self.keys.len() > 1 => drop(self.keys.remove(0)),
            "drop-key" => {}
            "replace-keys" => self.keys = vec![Key::create()?],
            "move" => self.moves += 1,
            "fail" => self.is_failing = true,
            "recover" => self.is_failing = false,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn summary(&self) -> Value {
        json!({ "keys": self.keys.len(), "login_url": self.login_url(), "failing": self.is_failing })
    }

    fn respond(&self, media_type: &'static str, body: impl FnOnce() -> String) -> Response {
        if self.is_failing {
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
        ([(header::CONTENT_TYPE, media_type)], body()).into_response()
    }

    fn login_url(&self) -> String {
        format!("{}/sso{}", self.origin, if self.moves == 0 { String::new() } else { self.moves.to_string() })
    }

    fn metadata(&self) -> String {
        let keys: String = self
            .keys
            .iter()
            .map(|key| {
                format!(
                    "<md:KeyDescriptor use=\"signing\"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>",
                    key.certificate
                )
            })
            .collect();
        format!(
            "<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" entityID=\"{origin}/saml\"><md:IDPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">{keys}<md:SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" Location=\"{login}\"/></md:IDPSSODescriptor></md:EntityDescriptor>",
            origin = self.origin,
            login = self.login_url(),
        )
    }

    fn discovery(&self) -> Value {
        let origin = &self.origin;
        json!({
            "issuer": origin,
            "authorization_endpoint": format!("{origin}/authorize"),
            "token_endpoint": format!("{origin}/token"),
            "jwks_uri": format!("{origin}/jwks"),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": ["ES256"],
        })
    }

    fn key_set(&self) -> Value {
        let key = |key: &Key| json!({ "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": key.x, "x": key.x, "y": key.y });
        json!({ "keys": self.keys.iter().map(key).collect::<Vec<_>>() })
    }
}

impl Key {
    /// Creates a P-256 key with its certificate.
    fn create() -> Result<Self, Error> {
        let failed = |error: rcgen::Error| Error::while_doing("creating a key of the demonstration provider", error);
        let key = KeyPair::generate().map_err(failed)?;
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "Demonstration provider");
        params.not_before = OffsetDateTime::now_utc() - Duration::days(1);
        params.not_after = OffsetDateTime::now_utc() + LIFE;
        let certificate = params.self_signed(&key).map_err(failed)?;
        // An uncompressed point: 4, then both coordinates.
        let point = key.public_key_raw();
        let coordinate = |range: std::ops::Range<usize>| {
            let bytes =
                point.get(range).ok_or_else(|| Error::new("a key of the demonstration provider is no P-256 key"))?;
            Ok::<_, Error>(URL_SAFE_NO_PAD.encode(bytes))
        };
        Ok(Self { certificate: STANDARD.encode(certificate.der()), x: coordinate(1..33)?, y: coordinate(33..65)? })
    }
}
