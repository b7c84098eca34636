//! SDK-HMAC-SHA256: how the clients of Huawei Cloud's APIs sign their requests with an access key pair.
//!
//! After Huawei Cloud's "API Request Signing Guide" (support.huaweicloud.com/intl/en-us/devg-apisign) and what its SDKs
//! send. Clients sign different sets of headers: exactly those that are listed are verified, and only `x-sdk-date` must
//! be among them. There is no nonce, and SDKs send a retry with the signature of the first try: within the window of
//! time a request may come again.

mod authorization;
mod canonical;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use authorization::Authorization;
pub use authorization::Malformed;

use crate::timestamp::{SECOND, Timestamp};

/// The scheme of the `Authorization` header, and the first line of what is signed.
pub const ALGORITHM: &str = "SDK-HMAC-SHA256";

/// How far a client's clock may be off, in milliseconds.
pub const MAX_SKEW: i64 = 15 * 60 * SECOND;

/// The header that says when a request was signed.
pub const DATE_HEADER: &str = "x-sdk-date";

/// A signature as it is presented: well-formed, and not yet verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presented {
    authorization: Authorization,
    date: String,
    signed_at: Timestamp,
}

/// The request that a signature is verified against, as it arrived.
pub struct RequestParts<'a, H> {
    /// `GET`.
    pub method: &'a str,
    /// The path, percent-decoded, as API Gateway hands it over.
    pub decoded_path: &'a str,
    /// What stands behind the `?`, as it was sent; empty if nothing does.
    pub raw_query: &'a str,
    /// The value of the header of this name, whatever its case; repeated ones joined by commas.
    pub header: H,
    /// The body as it was sent.
    pub body: &'a [u8],
}

/// Why a signature does not stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureFailure {
    /// It was made more than [`MAX_SKEW`] before or after now.
    Expired,
    /// It is not that of this request under this key.
    Mismatch,
}

impl Presented {
    /// Reads the value of an `Authorization` header; `header` finds the others of the request.
    pub fn parse<'a>(authorization: &str, header: impl Fn(&str) -> Option<&'a str>) -> Result<Self, Malformed> {
        let authorization = Authorization::parse(authorization)?;
        if !authorization.signed_headers.iter().any(|name| name.eq_ignore_ascii_case(DATE_HEADER)) {
            return Err(Malformed::DateNotSigned);
        }
        let date = header(DATE_HEADER).ok_or(Malformed::Date)?.trim();
        let signed_at = authorization::date(date).ok_or(Malformed::Date)?;
        Ok(Self { authorization, date: date.to_owned(), signed_at })
    }

    /// The id of the access key, as it was sent.
    pub fn access_key_id(&self) -> &str {
        &self.authorization.access_key_id
    }

    /// When the request was signed, by the client's clock.
    pub fn signed_at(&self) -> Timestamp {
        self.signed_at
    }

    /// Whether the header of this name is covered by the signature.
    pub fn signs(&self, header: &str) -> bool {
        self.authorization.signed_headers.iter().any(|name| name.eq_ignore_ascii_case(header))
    }

    /// Whether the request was signed recently enough. It needs no secret, so it may be asked before one is derived.
    pub fn check_window(&self, now: Timestamp) -> Result<(), SignatureFailure> {
        let skew = now.millis_since(self.signed_at).saturating_abs();
        if skew <= MAX_SKEW { Ok(()) } else { Err(SignatureFailure::Expired) }
    }

    /// Verifies the signature of `request` under `secret`, in constant time, and its window of time.
    pub fn verify<'a, H: Fn(&str) -> Option<&'a str>>(
        &self,
        secret: &[u8],
        request: &RequestParts<'a, H>,
        now: Timestamp,
    ) -> Result<(), SignatureFailure> {
        self.check_window(now)?;
        let canonical = canonical::request(request, &self.authorization).ok_or(SignatureFailure::Mismatch)?;
        let string_to_sign = self.string_to_sign(&canonical);
        // A key of any length is taken by HMAC (RFC 2104).
        let mut mac = Hmac::<Sha256>::new_from_slice(secret).map_err(|_| SignatureFailure::Mismatch)?;
        mac.update(string_to_sign.as_bytes());
        let expected: [u8; 32] = mac.finalize().into_bytes().into();
        let same = expected.ct_eq(&self.authorization.signature);
        if same.into() { Ok(()) } else { Err(SignatureFailure::Mismatch) }
    }

    fn string_to_sign(&self, canonical: &str) -> String {
        let digest: [u8; 32] = Sha256::digest(canonical).into();
        format!("{ALGORITHM}\n{}\n{}", self.date, canonical::hexadecimal(&digest))
    }
}

#[cfg(test)]
mod tests;
