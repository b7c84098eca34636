//! The canonical request: the text that client and server both derive from a request.

use percent_encoding::{percent_decode_str, percent_encode};
use sha2::{Digest, Sha256};

use super::RequestParts;
use super::authorization::Authorization;
use crate::percent::RESERVED;

/// Builds the canonical request. Returns `None` if a header that is listed as signed is missing.
pub(super) fn request<'a, H: Fn(&str) -> Option<&'a str>>(
    request: &RequestParts<'a, H>,
    authorization: &Authorization,
) -> Option<String> {
    let mut headers = String::new();
    for name in &authorization.signed_headers {
        let value = (request.header)(&name.to_ascii_lowercase())?;
        headers.push_str(&format!("{name}:{}\n", value.trim()));
    }
    Some(format!(
        "{}\n{}\n{}\n{headers}\n{}\n{}",
        request.method.to_ascii_uppercase(),
        path(request.decoded_path),
        query(request.raw_query),
        authorization.signed_headers.join(";"),
        hex::encode(Sha256::digest(request.body)),
    ))
}

/// Encodes each segment and ends the path with a slash. A slash that the client encoded is like any other slash here,
/// as in the SDKs, which decode the path before they split it.
fn path(decoded: &str) -> String {
    let mut path = String::new();
    for segment in decoded.split('/') {
        path.extend(percent_encode(segment.as_bytes(), RESERVED));
        path.push('/');
    }
    // The last segment is empty if the path ends in a slash already.
    if path.ends_with("//") {
        path.pop();
    }
    path
}

/// Decodes the query, sorts it by key and value, and encodes it again. Clients differ in their encoding, and all sort
/// before they encode.
fn query(raw: &str) -> String {
    let mut pairs: Vec<(Vec<u8>, Vec<u8>)> = raw
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key), decode(value))
        })
        .collect();
    pairs.sort_unstable();
    let mut query = String::new();
    for (key, value) in pairs {
        if !query.is_empty() {
            query.push('&');
        }
        query.extend(percent_encode(&key, RESERVED));
        query.push('=');
        query.extend(percent_encode(&value, RESERVED));
    }
    query
}

/// Decodes percent-encoding. A `+` is a space, as HTTP clients write it in a query. A `%` without two digits is
/// literal.
fn decode(text: &str) -> Vec<u8> {
    percent_decode_str(&text.replace('+', " ")).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_are_encoded_and_end_in_a_slash() {
        for (decoded, canonical) in [
            ("", "/"),
            ("/", "/"),
            ("/v1/instances", "/v1/instances/"),
            ("/v1/instances/", "/v1/instances/"),
            ("/a b/ü~*", "/a%20b/%C3%BC~%2A/"),
            ("/50%/x?y", "/50%25/x%3Fy/"),
            ("/a//b", "/a//b/"),
            ("/a//", "/a//"),
        ] {
            assert_eq!(path(decoded), canonical, "{decoded}");
        }
    }

    #[test]
    fn queries_are_sorted_and_encoded_in_one_way() {
        for (raw, canonical) in [
            ("", ""),
            ("&", ""),
            ("a", "a="),
            ("=x", "=x"),
            ("b=2&a=1", "a=1&b=2"),
            ("a=2&a=10&a=", "a=&a=10&a=2"),
            ("a=x+y&b=x%20y&c=x%2By", "a=x%20y&b=x%20y&c=x%2By"),
            ("marker=m%20%2f%2B%3D%26%C3%A9", "marker=m%20%2F%2B%3D%26%C3%A9"),
            ("a=[1]:$", "a=%5B1%5D%3A%24"),
            ("a=b=c", "a=b%3Dc"),
            ("a=%zz%4", "a=%25zz%254"),
            ("a=%ff", "a=%FF"),
            // Sorted by the decoded text: `-` sorts before `/`, but after `%2F`.
            ("a%2F=2&a-=1", "a-=1&a%2F=2"),
        ] {
            assert_eq!(query(raw), canonical, "{raw}");
        }
    }

    proptest! {
        #[test]
        fn a_canonical_query_is_its_own(raw in "[a-c%=&+0-9\\PC]{0,60}") {
            let once = query(&raw);
            prop_assert_eq!(query(&once), once);
        }

        #[test]
        fn what_is_encoded_is_decoded(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let text = percent_encode(&bytes, RESERVED).to_string();
            prop_assert_eq!(decode(&text), bytes);
        }
    }
}
