//! Verification of AWS Signature Version 4.
//!
//! This STS knows the secrets of the sessions that it issued, so their signatures are verified. The platform's own
//! credentials come from outside, so only the form of their signatures is checked. Source: "AWS Signature Version 4 for
//! API requests" in the IAM User Guide.

use axum::http::{HeaderMap, StatusCode};
use ring::digest::{SHA256, digest};
use ring::hmac;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{Duration, OffsetDateTime, PrimitiveDateTime};

use crate::calls::Service;
use crate::role::Caller;
use crate::state::State;
use crate::wire::Failure;

/// Prefix of the access key ids that this STS issues. It distinguishes a forgotten session from the platform's
/// credentials.
pub(crate) const ISSUED_PREFIX: &str = "ASIALOCAL";

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const CLOCK_SKEW: Duration = Duration::minutes(15);
const DATE: &[BorrowedFormatItem<'_>] = format_description!("[year][month][day]T[hour][minute][second]Z");

/// The parts of the `Authorization` header.
#[derive(Debug, PartialEq)]
struct Authorization<'a> {
    access_key_id: &'a str,
    date: &'a str,
    region: &'a str,
    service: &'a str,
    signed_headers: Vec<&'a str>,
    signature: &'a str,
}

/// The signer, and the region in the signature's scope.
pub(crate) struct Signer {
    pub(crate) caller: Caller,
    pub(crate) region: String,
}

/// Identifies the signer of a `POST /`.
///
/// # Errors
/// AWS's error for a request that is not signed, wrongly signed, or signed with unknown or expired credentials.
pub(crate) fn signer(
    state: &State,
    service: Service,
    headers: &HeaderMap,
    body: &[u8],
    now: OffsetDateTime,
) -> Result<Signer, Failure> {
    let query = service == Service::Sts;
    let Some(header) = headers.get("authorization") else {
        return Err(if query {
            Failure::new("MissingAuthenticationToken", "Request is missing Authentication Token")
                .with_status(StatusCode::FORBIDDEN)
        } else {
            Failure::front_end("MissingAuthenticationTokenException", "Missing Authentication Token")
        });
    };
    let incomplete = |what: String| {
        Failure::front_end(if query { "IncompleteSignature" } else { "IncompleteSignatureException" }, what)
    };
    let authorization = header
        .to_str()
        .map_err(|_| "Authorization header must be visible ASCII.".to_owned())
        .and_then(Authorization::parse)
        .map_err(incomplete)?;
    let timestamp = headers.get("x-amz-date").and_then(|date| date.to_str().ok()).ok_or_else(|| {
        incomplete("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.".into())
    })?;
    let signed_at = PrimitiveDateTime::parse(timestamp, DATE)
        .map_err(|_| incomplete(format!("Date must be in ISO-8601 'basic format'. Got '{timestamp}'.")))?
        .assume_utc();

    let refused = |why: String| {
        if query {
            Failure::new("SignatureDoesNotMatch", why).with_status(StatusCode::FORBIDDEN)
        } else {
            Failure::front_end("InvalidSignatureException", why)
        }
    };
    if authorization.service != service.signing_name() {
        return Err(refused(format!("Credential should be scoped to correct service: '{}'. ", service.signing_name())));
    }
    if !timestamp.starts_with(authorization.date) {
        return Err(refused(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP".into(),
        ));
    }
    if (now - signed_at).abs() > CLOCK_SKEW {
        return Err(refused(format!("Signature expired: {timestamp} is not within 15 min. of {now}")));
    }

    let region = authorization.region.to_owned();
    let key = authorization.access_key_id;
    let Some(session) = state.sessions.get(key) else {
        return if key.starts_with(ISSUED_PREFIX) {
            Err(unknown_token(query))
        } else {
            Ok(Signer { caller: Caller::platform(), region })
        };
    };
    if headers.get("x-amz-security-token").map(|token| token.as_bytes()) != Some(session.token.as_bytes()) {
        return Err(unknown_token(query));
    }
    let expected = signature(&authorization, &session.secret_access_key, timestamp, headers, body);
    if expected.as_deref() != Some(authorization.signature) {
        return Err(refused(
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access \
             Key and signing method. Consult the service documentation for details."
                .into(),
        ));
    }
    if session.expires <= now {
        let message = "The security token included in the request is expired";
        return Err(if query {
            Failure::new("ExpiredToken", message).with_status(StatusCode::FORBIDDEN)
        } else {
            Failure::front_end("ExpiredTokenException", message)
        });
    }
    Ok(Signer { caller: session.caller.clone(), region })
}

fn unknown_token(query: bool) -> Failure {
    let message = "The security token included in the request is invalid.";
    if query {
        Failure::new("InvalidClientTokenId", message).with_status(StatusCode::FORBIDDEN)
    } else {
        Failure::front_end("UnrecognizedClientException", message)
    }
}

impl<'a> Authorization<'a> {
    fn parse(header: &'a str) -> Result<Self, String> {
        let Some(parameters) = header.strip_prefix(ALGORITHM) else {
            return Err(format!(
                "Unsupported AWS 'algorithm': the Authorization header must begin with '{ALGORITHM}'."
            ));
        };
        let parameter = |name: &str| {
            parameters
                .split(',')
                .find_map(|parameter| parameter.trim().strip_prefix(name)?.strip_prefix('='))
                .filter(|value| !value.is_empty())
                .ok_or_else(|| format!("Authorization header requires '{name}' parameter."))
        };
        let credential = parameter("Credential")?;
        let scope = credential.split('/').collect::<Vec<_>>();
        let &[access_key_id, date, region, service, "aws4_request"] = scope.as_slice() else {
            return Err(format!("Credential must have exactly 5 slash-delimited elements, got '{credential}'."));
        };
        let signed_headers = parameter("SignedHeaders")?.split(';').collect::<Vec<_>>();
        if !signed_headers.contains(&"host") || !signed_headers.contains(&"x-amz-date") {
            return Err("'Host' and 'X-Amz-Date' must be signed headers.".into());
        }
        let signature = parameter("Signature")?;
        if signature.len() != 64 || !signature.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Err("'Signature' must be 64 hexadecimal digits.".into());
        }
        Ok(Self { access_key_id, date, region, service, signed_headers, signature })
    }
}

/// Computes the request's signature. Returns `None` if a signed header is missing.
fn signature(
    authorization: &Authorization<'_>,
    secret: &str,
    timestamp: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> Option<String> {
    let mut canonical = String::from("POST\n/\n\n");
    for name in &authorization.signed_headers {
        let mut values = headers.get_all(*name).iter().peekable();
        values.peek()?;
        let values = values.map(|value| Some(value.to_str().ok()?.split_whitespace().collect::<Vec<_>>().join(" ")));
        canonical.push_str(&format!("{name}:{}\n", values.collect::<Option<Vec<_>>>()?.join(",")));
    }
    canonical.push_str(&format!("\n{}\n{}", authorization.signed_headers.join(";"), sha256(body)));
    let Authorization { date, region, service, .. } = authorization;
    let to_sign =
        format!("{ALGORITHM}\n{timestamp}\n{date}/{region}/{service}/aws4_request\n{}", sha256(canonical.as_bytes()));
    let mut key = format!("AWS4{secret}").into_bytes();
    for part in [date, region, service, "aws4_request", &to_sign] {
        key = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), part.as_bytes()).as_ref().to_vec();
    }
    Some(hex(&key))
}

fn sha256(bytes: &[u8]) -> String {
    hex(digest(&SHA256, bytes).as_ref())
}

/// Encodes bytes in lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tests the key derivation with the example in "Create a signed AWS API request". That example is a GET; its key
    /// derivation is the same.
    #[test]
    fn derives_the_documented_signing_key() {
        let mut key = b"AWS4wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_vec();
        for part in ["20150830", "us-east-1", "iam", "aws4_request"] {
            key = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), part.as_bytes()).as_ref().to_vec();
        }
        assert_eq!(hex(&key), "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9");
    }

    #[test]
    fn parses_only_whole_headers() {
        let signature = "a".repeat(64);
        let header = format!(
            "AWS4-HMAC-SHA256 Credential=AKID/20150830/us-east-1/sts/aws4_request, \
             SignedHeaders=host;x-amz-date, Signature={signature}"
        );
        let parsed = Authorization::parse(&header).unwrap();
        assert_eq!((parsed.access_key_id, parsed.region, parsed.service), ("AKID", "us-east-1", "sts"));
        for (from, to) in [
            ("AWS4-HMAC-SHA256", "AWS3"),
            ("/aws4_request", ""),
            ("host;", ""),
            ("Credential=", "Cred="),
            ("Signature=a", "Signature=g"),
            ("Signature=aa", "Signature=a"),
        ] {
            assert!(Authorization::parse(&header.replace(from, to)).is_err(), "{from}");
        }
    }
}
