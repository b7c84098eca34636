//! Safe retries: a response kept under the client's `Idempotency-Key`.

use sha2::{Digest, Sha256};
use trustplane_domain::timestamp::DAY;
use trustplane_domain::{Failure, Timestamp};
use trustplane_store::Idempotency;

use crate::{Request, Response};

/// The key that a POST sent, if any: 1 to 255 visible characters.
pub(crate) fn key(request: &Request) -> Result<Option<String>, Failure> {
    if request.method != "POST" || request.ignores_retry_key() {
        return Ok(None);
    }
    let Some(key) = request.header("idempotency-key") else { return Ok(None) };
    if (1..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(Some(key.to_owned()))
    } else {
        Err(Failure::invalid("Idempotency-Key", "must be 1 to 255 visible ASCII characters"))
    }
}

/// Computes the hash of a request's method, path, query and body. Requests with one key and different hashes are
/// different requests.
///
/// A request without a query has the hash that it had before the query was part of it, so that responses that were kept
/// until then are replayed.
pub(crate) fn fingerprint(request: &Request) -> String {
    let mut hash = Sha256::new();
    let query = Some(request.raw_query.as_bytes()).filter(|query| !query.is_empty());
    let parts = [request.method.as_bytes(), request.path.as_bytes(), &request.body];
    for part in parts.into_iter().chain(query) {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hex::encode(hash.finalize())
}

/// Converts a response into the item that is kept for a day.
pub(crate) fn keep(request: &Request, response: &Response, now: Timestamp) -> Idempotency {
    Idempotency {
        fingerprint: fingerprint(request),
        status: response.status,
        headers: response.headers.clone(),
        body: response.body.clone(),
        kept_until: now.plus_millis(DAY),
    }
}

/// Returns the kept response if the request is the same one again.
pub(crate) fn replay(request: &Request, kept: &Idempotency) -> Result<Response, Failure> {
    if kept.fingerprint != fingerprint(request) {
        return Err(Failure::IdempotencyMismatch);
    }
    let replayed = Response {
        status: kept.status,
        headers: kept.headers.clone(),
        body: kept.body.clone(),
        content_type: "application/json",
        is_base64: false,
    };
    Ok(replayed.header("idempotency-replayed", "true"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::HttpEvent;

    fn request(method: &str, path: &str, query: &str, body: &str) -> Request {
        let event = json!({
            "rawPath": path,
            "rawQueryString": query,
            "headers": {},
            "requestContext": {"http": {"method": method, "path": path, "sourceIp": "192.0.2.1"}},
            "body": body,
            "isBase64Encoded": false,
        });
        Request::of(serde_json::from_value::<HttpEvent>(event).unwrap())
    }

    #[test]
    fn every_part_of_a_request_is_in_its_fingerprint() {
        let requests = [
            request("POST", "/v1/keys", "", "{}"),
            request("PUT", "/v1/keys", "", "{}"),
            request("POST", "/v1/other", "", "{}"),
            request("POST", "/v1/keys", "", "{ }"),
            request("POST", "/v1/keys", "a=1", "{}"),
            request("POST", "/v1/keys", "a=2", "{}"),
            request("POST", "/v1/keysa=1", "", "{}"),
            request("POST", "/v1/keys", "a=1{}", ""),
        ];
        let fingerprints: std::collections::HashSet<_> = requests.iter().map(fingerprint).collect();
        assert_eq!(fingerprints.len(), requests.len());
        assert_eq!(fingerprint(&requests[4]), fingerprint(&request("POST", "/v1/keys", "a=1", "{}")));
    }
}
