//! SDK-HMAC-SHA256: the signature that clients of Huawei Cloud's APIs put on a request, with an access key pair.
//!
//! The sources are Huawei Cloud's "API Request Signing Guide" (support.huaweicloud.com/intl/en-us/devg-apisign) and the
//! requests of its SDKs. Clients sign different sets of headers: verification covers exactly the listed ones, and only
//! `x-sdk-date` must be among them. There is no nonce, and SDKs send a retry with the signature of the first attempt.
//! So the same request can arrive again within the time window.

mod authorization;
mod canonical;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use authorization::Authorization;
pub use authorization::Malformed;

use crate::timestamp::{SECOND, Timestamp};

/// The scheme of the `Authorization` header, and the first line of the string to sign.
pub const ALGORITHM: &str = "SDK-HMAC-SHA256";

/// Largest difference between a client's clock and ours, in milliseconds.
pub const MAX_SKEW: i64 = 15 * 60 * SECOND;

/// The header with the time of signing.
pub const DATE_HEADER: &str = "x-sdk-date";

/// A signature from a request: well-formed, but not verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presented {
    authorization: Authorization,
    date: String,
    signed_at: Timestamp,
}

/// The parts of a request that its signature covers, as they arrived.
pub struct RequestParts<'a, H> {
    /// The method: `GET`.
    pub method: &'a str,
    /// The path, percent-decoded, as API Gateway passes it.
    pub decoded_path: &'a str,
    /// The part after the `?`, as the client sent it; empty if there is none.
    pub raw_query: &'a str,
    /// Returns the value of a header, for its name in any case. Repeated headers are joined by commas.
    pub header: H,
    /// The body, as the client sent it.
    pub body: &'a [u8],
}

/// Reasons why a signature is not valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureFailure {
    /// It was made more than [`MAX_SKEW`] before or after now.
    Expired,
    /// It does not belong to this request and this key.
    Mismatch,
}

impl Presented {
    /// Parses the value of an `Authorization` header; `header` returns the other headers of the request.
    pub fn parse<'a>(authorization: &str, header: impl Fn(&str) -> Option<&'a str>) -> Result<Self, Malformed> {
        let authorization = Authorization::parse(authorization)?;
        if !authorization.signed_headers.iter().any(|name| name.eq_ignore_ascii_case(DATE_HEADER)) {
            return Err(Malformed::DateNotSigned);
        }
        let date = header(DATE_HEADER).ok_or(Malformed::Date)?.trim();
        let signed_at = authorization::date(date).ok_or(Malformed::Date)?;
        Ok(Self { authorization, date: date.to_owned(), signed_at })
    }

    /// Returns the id of the access key, as the client sent it.
    pub fn access_key_id(&self) -> &str {
        &self.authorization.access_key_id
    }

    /// Returns the time of signing, by the client's clock.
    pub fn signed_at(&self) -> Timestamp {
        self.signed_at
    }

    /// Returns true if the signature covers the header with this name.
    pub fn signs(&self, header: &str) -> bool {
        self.authorization.signed_headers.iter().any(|name| name.eq_ignore_ascii_case(header))
    }

    /// Verifies the time of signing. This needs no secret, so it can precede the derivation of the secret.
    pub fn check_window(&self, now: Timestamp) -> Result<(), SignatureFailure> {
        let skew = now.millis_since(self.signed_at).saturating_abs();
        if skew <= MAX_SKEW { Ok(()) } else { Err(SignatureFailure::Expired) }
    }

    /// Verifies the signature of `request` with `secret`, in constant time, and its time window.
    pub fn verify<'a, H: Fn(&str) -> Option<&'a str>>(
        &self,
        secret: &[u8],
        request: &RequestParts<'a, H>,
        now: Timestamp,
    ) -> Result<(), SignatureFailure> {
        self.check_window(now)?;
        let canonical = canonical::request(request, &self.authorization).ok_or(SignatureFailure::Mismatch)?;
        let string_to_sign = self.string_to_sign(&canonical);
        // HMAC accepts a key of any length (RFC 2104).
        let mut mac = Hmac::<Sha256>::new_from_slice(secret).map_err(|_| SignatureFailure::Mismatch)?;
        mac.update(string_to_sign.as_bytes());
        let expected: [u8; 32] = mac.finalize().into_bytes().into();
        let same = expected.ct_eq(&self.authorization.signature);
        if same.into() { Ok(()) } else { Err(SignatureFailure::Mismatch) }
    }

    fn string_to_sign(&self, canonical: &str) -> String {
        format!("{ALGORITHM}\n{}\n{}", self.date, hex::encode(Sha256::digest(canonical)))
    }
}

#[cfg(test)]
mod tests;
