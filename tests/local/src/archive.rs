//! S3's `PutObject`, `DeleteObject` and `ListObjectVersions`, local, for one bucket with versions and locked objects.
//!
//! Sources: "PutObject", "DeleteObject", "ListObjectVersions", Amazon S3 API Reference; "Locking objects with Object Lock",
//! Amazon S3 User Guide. In compliance mode a version is neither deleted nor replaced: a deletion without a version adds a
//! marker, and a second object of the same key is another version.

use axum::{
    Router,
    body::Bytes,
    extract::{Query, Request, State},
    http::{HeaderMap, Method, StatusCode, Uri},
    response::{IntoResponse, Response},
    routing::any,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::{collections::BTreeMap, fmt::Write as _};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::journal::Journal;

/// Largest object, in bytes.
const SIZE: usize = 64 * 1024;

/// The locks of the template's bucket.
const LOCK: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ObjectLockConfiguration \
                    xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule>\
                    <DefaultRetention><Mode>COMPLIANCE</Mode><Days>400</Days></DefaultRetention></Rule>\
                    </ObjectLockConfiguration>";

/// The archive, as a cheap handle. Each entry is a version of an object, or a delete marker.
#[derive(Clone)]
pub(crate) struct Archive {
    versions: Journal,
}

impl Archive {
    /// Creates an archive that keeps versions in `versions`.
    pub fn new(versions: Journal) -> Self {
        Self { versions }
    }

    /// Returns the versions and delete markers, oldest first.
    pub fn versions(&self) -> Vec<Value> {
        self.versions.entries()
    }

    /// Returns the HTTP endpoint, with paths of the form `/bucket/key`.
    pub fn router(self) -> Router {
        Router::new().fallback(any(serve)).with_state(self)
    }

    fn put(&self, key: &str, headers: &HeaderMap, body: &[u8]) -> Response {
        let checksum = headers.get("x-amz-checksum-sha256").and_then(|value| value.to_str().ok());
        let Some(checksum) = checksum else {
            return failure(
                StatusCode::BAD_REQUEST,
                "InvalidRequest",
                "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters",
            );
        };
        if checksum != STANDARD.encode(Sha256::digest(body)) {
            let message = "Value for x-amz-checksum-sha256 header is invalid.";
            return failure(StatusCode::BAD_REQUEST, "InvalidRequest", message);
        }
        self.versions.add(json!({"key": key, "at": now(), "body": String::from_utf8_lossy(body)}));
        StatusCode::OK.into_response()
    }

    fn delete(&self, key: &str, query: &BTreeMap<String, String>) -> Response {
        if query.contains_key("versionId") {
            let message = "Access Denied because object protected by object lock.";
            return failure(StatusCode::FORBIDDEN, "AccessDenied", message);
        }
        self.versions.add(json!({"key": key, "at": now(), "marker": true}));
        StatusCode::NO_CONTENT.into_response()
    }

    fn list(&self, bucket: &str, query: &BTreeMap<String, String>) -> Response {
        let prefix = query.get("prefix").map(String::as_str).unwrap_or_default();
        let most = query.get("max-keys").and_then(|most| most.parse().ok()).unwrap_or(1_000);
        let text = |version: &Value, name: &str| version[name].as_str().unwrap_or_default().to_owned();
        let mut found: Vec<Value> = self.versions();
        found.retain(|version| text(version, "key").starts_with(prefix));
        // In the order of keys, and the versions of a key from the newest to the oldest.
        found.reverse();
        found.sort_by_key(|version| text(version, "key"));
        let mut xml = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListVersionsResult \
             xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>{bucket}</Name><Prefix>{prefix}</Prefix>\
             <MaxKeys>{most}</MaxKeys><IsTruncated>{}</IsTruncated>",
            found.len() > most
        );
        for version in found.iter().take(most) {
            let element = if version["marker"] == true { "DeleteMarker" } else { "Version" };
            let _ = write!(
                xml,
                "<{element}><Key>{}</Key><LastModified>{}</LastModified></{element}>",
                text(version, "key"),
                text(version, "at")
            );
        }
        xml.push_str("</ListVersionsResult>");
        ([("content-type", "application/xml")], xml).into_response()
    }
}

async fn serve(
    State(archive): State<Archive>,
    Query(query): Query<BTreeMap<String, String>>,
    uri: Uri,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let body: Bytes = match axum::body::to_bytes(body, SIZE).await {
        Ok(body) => body,
        Err(_) => return failure(StatusCode::BAD_REQUEST, "EntityTooLarge", "The object is too large."),
    };
    let signed = parts.headers.get("authorization").and_then(|value| value.to_str().ok());
    if !signed.is_some_and(|value| value.starts_with("AWS4-HMAC-SHA256 ") && value.contains("/s3/aws4_request")) {
        return failure(StatusCode::FORBIDDEN, "AccessDenied", "The request is not signed for S3.");
    }
    let path = uri.path().trim_start_matches('/');
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    match (parts.method, key.is_empty()) {
        (Method::PUT, false) => archive.put(key, &parts.headers, &body),
        (Method::DELETE, false) => archive.delete(key, &query),
        (Method::GET, true) if query.contains_key("object-lock") => {
            ([("content-type", "application/xml")], LOCK).into_response()
        }
        (Method::GET, true) if query.contains_key("versions") => archive.list(bucket, &query),
        _ => failure(StatusCode::NOT_IMPLEMENTED, "NotImplemented", "The local archive has no such operation."),
    }
}

fn failure(status: StatusCode, code: &str, message: &str) -> Response {
    let xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    );
    (status, [("content-type", "application/xml")], xml).into_response()
}

fn now() -> String {
    OffsetDateTime::now_utc().format(&Rfc3339).unwrap_or_default()
}
