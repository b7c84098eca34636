//! Safe retries: a reply kept under the client's `Idempotency-Key`.

use sha2::{Digest, Sha256};
use trustplane_domain::timestamp::DAY;
use trustplane_domain::{Failure, Timestamp};
use trustplane_store::Idempotency;

use crate::{Request, Response};

/// The key that a POST sent, if any: 1 to 255 visible characters.
pub(crate) fn key(request: &Request) -> Result<Option<String>, Failure> {
    if request.method != "POST" {
        return Ok(None);
    }
    let Some(key) = request.header("idempotency-key") else { return Ok(None) };
    if (1..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(Some(key.to_owned()))
    } else {
        Err(Failure::invalid("Idempotency-Key", "must be 1 to 255 visible ASCII characters"))
    }
}

/// Hashes the parts that a repeated request has in common with the first: method, path and body.
pub(crate) fn fingerprint(request: &Request) -> String {
    let mut hash = Sha256::new();
    for part in [request.method.as_bytes(), request.path.as_bytes(), &request.body] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Converts a response into the item that is kept for a day.
pub(crate) fn keep(request: &Request, reply: &Response, now: Timestamp) -> Idempotency {
    Idempotency {
        fingerprint: fingerprint(request),
        status: reply.status,
        headers: reply.headers.clone(),
        body: reply.body.clone(),
        kept_until: now.plus_millis(DAY),
    }
}

/// The kept reply, for the same request again.
pub(crate) fn replay(request: &Request, kept: &Idempotency) -> Result<Response, Failure> {
    if kept.fingerprint != fingerprint(request) {
        return Err(Failure::IdempotencyMismatch);
    }
    Ok(Response {
        status: kept.status,
        headers: kept.headers.clone(),
        body: kept.body.clone(),
        content_type: "application/json",
    })
}
