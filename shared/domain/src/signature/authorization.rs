//! The `Authorization` header of a signed request.

use std::fmt;

use time::PrimitiveDateTime;
use time::macros::format_description;

use super::ALGORITHM;
use crate::timestamp::{SECOND, Timestamp};

/// Largest size of the header, in bytes.
const MAX_LENGTH: usize = 8 * 1024;
/// Largest number of signed headers.
const MAX_SIGNED_HEADERS: usize = 64;
/// Largest size of an access key's id, in bytes.
const MAX_KEY_ID: usize = 128;

/// The parts of the header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Authorization {
    pub(super) access_key_id: String,
    /// The signed headers, in the order and the case in which they were listed.
    pub(super) signed_headers: Vec<String>,
    pub(super) signature: [u8; 32],
}

/// Reasons why the header is not a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// The algorithm is not supported.
    Algorithm,
    /// The header is longer than the limit.
    TooLong,
    /// The format is not `Access=…, SignedHeaders=…, Signature=…`.
    Parameters,
    /// `Access` is not the id of an access key.
    AccessKeyId,
    /// `SignedHeaders` has no entry, too many, a duplicate, or an invalid name.
    SignedHeaders,
    /// `Signature` is not 64 lower-case hexadecimal digits.
    Signature,
    /// `x-sdk-date` is not among the signed headers.
    DateNotSigned,
    /// `x-sdk-date` is missing, or not in the format `20060102T150405Z`.
    Date,
}

impl fmt::Display for Malformed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Algorithm => "the algorithm is not SDK-HMAC-SHA256",
            Self::TooLong => "the authorization header is too long",
            Self::Parameters => "the authorization header does not hold Access, SignedHeaders and Signature",
            Self::AccessKeyId => "Access is not the id of an access key",
            Self::SignedHeaders => "SignedHeaders is not a list of different headers",
            Self::Signature => "Signature is not 64 lower-case hexadecimal digits",
            Self::DateNotSigned => "X-Sdk-Date is not among the signed headers",
            Self::Date => "X-Sdk-Date is missing or not written as 20060102T150405Z",
        })
    }
}

impl std::error::Error for Malformed {}

impl Authorization {
    pub(super) fn parse(text: &str) -> Result<Self, Malformed> {
        if text.len() > MAX_LENGTH {
            return Err(Malformed::TooLong);
        }
        let (algorithm, parameters) = text.trim().split_once(' ').ok_or(Malformed::Algorithm)?;
        if algorithm != ALGORITHM {
            return Err(Malformed::Algorithm);
        }
        let (mut access, mut headers, mut signature) = (None, None, None);
        for parameter in parameters.split(',') {
            let (name, value) = parameter.trim().split_once('=').ok_or(Malformed::Parameters)?;
            let place = match name {
                "Access" => &mut access,
                "SignedHeaders" => &mut headers,
                "Signature" => &mut signature,
                _ => return Err(Malformed::Parameters),
            };
            if place.replace(value).is_some() {
                return Err(Malformed::Parameters);
            }
        }
        let (Some(access), Some(headers), Some(signature)) = (access, headers, signature) else {
            return Err(Malformed::Parameters);
        };
        Ok(Self {
            access_key_id: access_key_id(access).ok_or(Malformed::AccessKeyId)?,
            signed_headers: signed_headers(headers).ok_or(Malformed::SignedHeaders)?,
            signature: digest(signature).ok_or(Malformed::Signature)?,
        })
    }
}

/// Parses `20060102T150405Z`.
pub(super) fn date(text: &str) -> Option<Timestamp> {
    let format = format_description!("[year][month][day]T[hour][minute][second]Z");
    if text.len() != 16 {
        return None;
    }
    let seconds = PrimitiveDateTime::parse(text, &format).ok()?.assume_utc().unix_timestamp();
    Some(Timestamp::from_millis(seconds.saturating_mul(SECOND)))
}

fn access_key_id(text: &str) -> Option<String> {
    let is_id = (1..=MAX_KEY_ID).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte));
    is_id.then(|| text.to_owned())
}

fn signed_headers(text: &str) -> Option<Vec<String>> {
    let names: Vec<_> = text.split(';').take(MAX_SIGNED_HEADERS + 1).map(str::to_owned).collect();
    if names.len() > MAX_SIGNED_HEADERS || !names.iter().all(|name| is_token(name)) {
        return None;
    }
    let mut different: Vec<_> = names.iter().map(|name| name.to_ascii_lowercase()).collect();
    different.sort_unstable();
    different.dedup();
    (different.len() == names.len()).then_some(names)
}

/// Returns true if `name` is a token (RFC 9110, section 5.6.2).
fn is_token(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// Parses 64 lower-case hexadecimal digits.
fn digest(text: &str) -> Option<[u8; 32]> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let bytes: Vec<u8> =
        pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect::<Option<_>>()?;
    if rest.is_empty() { bytes.try_into().ok() } else { None }
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SIGNATURE: &str = "7be6668032f70418fcc22abc52071e57aff61b84a1d2381bb430d6870f4f6ebe";

    fn with(access: &str, headers: &str, signature: &str) -> Result<Authorization, Malformed> {
        Authorization::parse(&format!("{ALGORITHM} Access={access}, SignedHeaders={headers}, Signature={signature}"))
    }

    #[test]
    fn the_three_parameters_are_read() {
        let read = with("AK-1", "host;X-Sdk-Date;a", SIGNATURE).unwrap();
        assert_eq!(read.access_key_id, "AK-1");
        assert_eq!(read.signed_headers, ["host", "X-Sdk-Date", "a"]);
        assert_eq!(read.signature[..2], [0x7b, 0xe6]);
        let other = format!("  {ALGORITHM}   Signature={SIGNATURE},SignedHeaders=host;X-Sdk-Date;a ,  Access=AK-1 ");
        assert_eq!(Authorization::parse(&other), Ok(read));
    }

    #[test]
    fn what_is_not_a_signature_is_refused() {
        for (text, fault) in [
            ("", Malformed::Algorithm),
            ("SDK-HMAC-SHA256", Malformed::Algorithm),
            ("Bearer tpk_x", Malformed::Algorithm),
            ("SDK-HMAC-SM3 Access=a, SignedHeaders=b, Signature=c", Malformed::Algorithm),
            ("sdk-hmac-sha256 Access=a, SignedHeaders=b, Signature=c", Malformed::Algorithm),
            ("V11-HMAC-SHA256 Credential=a/b, SignedHeaders=b, Signature=c", Malformed::Algorithm),
            ("SDK-HMAC-SHA256 Access=a, SignedHeaders=b", Malformed::Parameters),
            ("SDK-HMAC-SHA256 Access=a, SignedHeaders=b, Signature=c, Access=d", Malformed::Parameters),
            ("SDK-HMAC-SHA256 Access=a, SignedHeaders=b, Signature=c, Other=d", Malformed::Parameters),
            ("SDK-HMAC-SHA256 ,,,", Malformed::Parameters),
        ] {
            assert_eq!(Authorization::parse(text), Err(fault), "{text}");
        }
        for access in ["", "a b", "a/b", "é", &"a".repeat(129)] {
            assert_eq!(with(access, "x-sdk-date", SIGNATURE), Err(Malformed::AccessKeyId), "{access}");
        }
        let many = (0..65).map(|number| format!("h{number}")).collect::<Vec<_>>().join(";");
        for headers in ["", ";", "a;;b", "a;A", "a b", "a:b", &many] {
            assert_eq!(with("a", headers, SIGNATURE), Err(Malformed::SignedHeaders), "{headers}");
        }
        for signature in
            ["", "00", &SIGNATURE.to_uppercase(), &SIGNATURE[1..], &format!("{SIGNATURE}0"), &format!("{SIGNATURE}00")]
        {
            assert_eq!(with("a", "b", signature), Err(Malformed::Signature), "{signature}");
        }
        assert_eq!(Authorization::parse(&"x".repeat(9_000)), Err(Malformed::TooLong));
    }

    #[test]
    fn the_date_is_written_in_one_way() {
        assert_eq!(date("20191115T033655Z"), Timestamp::parse("2019-11-15T03:36:55Z"));
        for text in
            ["", "20191115T033655", "2019-11-15T03:36:55Z", "20191315T033655Z", "20190230T000000Z", "+2019115T033655Z"]
        {
            assert_eq!(date(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "(SDK-HMAC-SHA256 |Access=|SignedHeaders=|Signature=|[a-f0-9]{2}|[,; ]|\\PC){0,40}") {
            let _ = Authorization::parse(&text);
            let _ = date(&text);
        }
    }
}
