//! A server of SAML metadata on loopback, which functions fetch from.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use trustplane_end_to_end::World;
use trustplane_local::https::Https;

use super::metadata::metadata;

/// The entity id of [`document`].
pub const ENTITY: &str = "https://idp.example.com/saml";

/// A token in the path of the URL, which nobody but an administrator may see.
pub const TOKEN: &str = "s3cr3t-t0ken";

/// A server with one document. It stops when it is dropped.
pub struct MetadataServer {
    https: Https,
    served: Arc<Mutex<Served>>,
}

#[derive(Default)]
struct Served {
    status: u16,
    text: String,
    /// Number of the document, for its entity tag.
    edition: usize,
    requests: Vec<Seen>,
}

/// The kind of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// The document was sent.
    Whole,
    /// The client had it already.
    NotModified,
    /// The server failed on purpose.
    Failed,
}

impl MetadataServer {
    /// Starts a server whose certificate the functions of a world trust.
    pub async fn start(world: &World) -> Self {
        Self::with_names(world, &["idp.localhost"]).await
    }

    /// Starts a server whose certificate has these host names.
    pub async fn with_names(world: &World, names: &[&str]) -> Self {
        let served = Arc::new(Mutex::new(Served { status: 200, ..Served::default() }));
        let router = Router::new().route("/{token}/metadata", get(serve)).with_state(Arc::clone(&served));
        let https = Https::start(world.stack().authority(), names, 0, router).await.unwrap();
        Self { https, served }
    }

    /// The URL of the document.
    pub fn url(&self) -> String {
        format!("{}/{TOKEN}/metadata", self.origin())
    }

    /// The origin of the URL.
    pub fn origin(&self) -> String {
        format!("https://idp.localhost:{}", self.https.port())
    }

    /// Serves this document from now on.
    pub fn serve(&self, text: &str) {
        let mut served = self.served.lock().unwrap();
        (served.status, served.text, served.edition) = (200, text.to_owned(), served.edition + 1);
    }

    /// Responds with this status from now on.
    pub fn fail(&self, status: u16) {
        self.served.lock().unwrap().status = status;
    }

    /// Takes the requests since the last call.
    pub fn requests(&self) -> Vec<Seen> {
        std::mem::take(&mut self.served.lock().unwrap().requests)
    }
}

async fn serve(State(served): State<Arc<Mutex<Served>>>, headers: HeaderMap) -> Response {
    let mut served = served.lock().unwrap();
    if served.status != 200 {
        served.requests.push(Seen::Failed);
        return StatusCode::from_u16(served.status).unwrap().into_response();
    }
    let tag = format!("\"{}\"", served.edition);
    if headers.get("if-none-match").is_some_and(|known| known == tag.as_str()) {
        served.requests.push(Seen::NotModified);
        return StatusCode::NOT_MODIFIED.into_response();
    }
    served.requests.push(Seen::Whole);
    ([("etag", tag)], served.text.clone()).into_response()
}

/// Metadata of one provider with these certificates, given as PEM.
pub fn document(certificates: &[&str]) -> String {
    document_of(ENTITY, "", certificates)
}

/// The same, of this entity id and with these attributes of the role.
pub fn document_of(entity_id: &str, attributes: &str, certificates: &[&str]) -> String {
    let base64 = |pem: &&str| pem.lines().filter(|line| !line.starts_with("-----")).collect::<String>();
    metadata(entity_id, attributes, &certificates.iter().map(base64).collect::<Vec<_>>())
}
