//! Tests with the published example, with requests as the SDKs sign them, and with requests that must be refused.

use proptest::prelude::*;
use serde::Deserialize;
use serde_json::Value;

use super::*;

/// A case of `vectors.json`: the example of the signing guide, and requests in the formats of the Python, Node and Go
/// SDKs and of Terraform's provider.
#[derive(Deserialize)]
struct Vector {
    name: String,
    ak: String,
    sk: String,
    method: String,
    path: String,
    query: Vec<(String, Value)>,
    headers: serde_json::Map<String, Value>,
    body: String,
    canonical_request: String,
    string_to_sign: String,
    authorization: String,
}

fn vectors() -> Vec<Vector> {
    serde_json::from_str(include_str!("vectors.json")).unwrap()
}

/// A request whose parts can be changed.
#[derive(Clone, Debug)]
struct Request {
    method: String,
    path: String,
    query: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    authorization: String,
}

impl Request {
    fn of(vector: &Vector) -> Self {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        Self {
            method: vector.method.clone(),
            path: vector.path.clone(),
            query: vector
                .query
                .iter()
                .map(|(key, value)| format!("{key}={}", percent(&text(value))))
                .collect::<Vec<_>>()
                .join("&"),
            headers: vector.headers.iter().map(|(name, value)| (name.to_lowercase(), text(value))).collect(),
            body: vector.body.clone().into_bytes(),
            authorization: vector.authorization.clone(),
        }
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn parts<'a>(&'a self) -> RequestParts<'a, impl Fn(&str) -> Option<&'a str>> {
        RequestParts {
            method: &self.method,
            decoded_path: &self.path,
            raw_query: &self.query,
            header: |name: &str| self.header(name),
            body: &self.body,
        }
    }

    fn presented(&self) -> Result<Presented, Malformed> {
        Presented::parse(&self.authorization, |name| self.header(name))
    }

    /// Returns true if it verifies at its own time of signing.
    fn passes(&self, secret: &[u8]) -> bool {
        self.presented().is_ok_and(|presented| presented.verify(secret, &self.parts(), presented.signed_at()).is_ok())
    }
}

/// Percent-encodes all but letters and digits.
fn percent(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02x}") })
        .collect()
}

#[test]
fn all_vectors_verify() {
    let vectors = vectors();
    assert_eq!(vectors.len(), 7);
    for vector in vectors {
        let request = Request::of(&vector);
        let presented = request.presented().unwrap();
        assert_eq!(presented.access_key_id(), vector.ak, "{}", vector.name);
        let canonical = canonical::request(&request.parts(), &presented.authorization).unwrap();
        assert_eq!(canonical, vector.canonical_request, "{}", vector.name);
        assert_eq!(presented.string_to_sign(&canonical), vector.string_to_sign, "{}", vector.name);
        let now = presented.signed_at();
        assert_eq!(presented.verify(vector.sk.as_bytes(), &request.parts(), now), Ok(()), "{}", vector.name);
        assert_eq!(presented.verify(b"another", &request.parts(), now), Err(SignatureFailure::Mismatch));
    }
}

#[test]
fn fifteen_minutes_of_skew_are_taken_either_way() {
    let vector = &vectors()[0];
    let request = Request::of(vector);
    let presented = request.presented().unwrap();
    for (skew, passes) in
        [(-MAX_SKEW - 1, false), (-MAX_SKEW, true), (0, true), (MAX_SKEW, true), (MAX_SKEW + 1, false)]
    {
        let now = presented.signed_at().plus_millis(skew);
        let expected = if passes { Ok(()) } else { Err(SignatureFailure::Expired) };
        assert_eq!(presented.verify(vector.sk.as_bytes(), &request.parts(), now), expected, "{skew}");
    }
}

#[test]
fn unsigned_headers_are_free_and_signed_ones_must_be_there() {
    let vector = &vectors()[6];
    let mut request = Request::of(vector);
    request.headers.push(("x-extra".to_owned(), "1".to_owned()));
    request.headers.retain(|(name, _)| name != "host" && name != "x-security-token");
    assert!(request.passes(vector.sk.as_bytes()));
    assert!(!request.presented().unwrap().signs("X-Security-Token"));
    assert!(request.presented().unwrap().signs("User-Agent"));
    request.headers.retain(|(name, _)| name != "user-agent");
    assert!(!request.passes(vector.sk.as_bytes()));
}

#[test]
fn the_date_must_be_signed_and_well_formed() {
    let vector = &vectors()[0];
    let mut request = Request::of(vector);
    request.authorization = request.authorization.replace(";x-sdk-date", "");
    assert_eq!(request.presented(), Err(Malformed::DateNotSigned));
    let mut request = Request::of(vector);
    request.headers.retain(|(name, _)| name != "x-sdk-date");
    assert_eq!(request.presented(), Err(Malformed::Date));
    request.headers.push(("x-sdk-date".to_owned(), "2019-11-15T03:36:55Z".to_owned()));
    assert_eq!(request.presented(), Err(Malformed::Date));
}

#[test]
fn a_payload_is_signed_or_refused() {
    // A client that declares its payload unsigned signs that word instead of the body's hash.
    let secret = b"secret";
    let mut request = Request::of(&vectors()[3]);
    request.headers.push(("x-sdk-content-sha256".to_owned(), "UNSIGNED-PAYLOAD".to_owned()));
    let names = ["x-sdk-content-sha256", "x-sdk-date"];
    request.authorization = sign(&request, &names, secret, "UNSIGNED-PAYLOAD");
    assert!(!request.passes(secret));
    let hash = hex(&Sha256::digest(&request.body));
    request.authorization = sign(&request, &names, secret, &hash);
    assert!(request.passes(secret));
}

#[test]
fn debug_output_holds_no_secret() {
    let vector = &vectors()[0];
    assert!(!format!("{:?}", Request::of(vector).presented()).contains(&vector.sk));
}

/// Signs a request independently of the code under test: HMAC by its definition in RFC 2104, the canonical request line
/// by line. `names` are sorted.
fn sign(request: &Request, names: &[&str], secret: &[u8], payload: &str) -> String {
    let mut lines = vec![request.method.to_uppercase()];
    let encoded: Vec<_> = request.path.split('/').map(strict).collect();
    lines.push(format!("{}{}", encoded.join("/"), if request.path.ends_with('/') { "" } else { "/" }));
    lines.push(request.query.clone());
    for name in names {
        lines.push(format!("{name}:{}", request.header(name).unwrap().trim()));
    }
    lines.extend([String::new(), names.join(";"), payload.to_owned()]);
    let digest = hex(&Sha256::digest(lines.join("\n")));
    let string_to_sign = format!("SDK-HMAC-SHA256\n{}\n{digest}", request.header("x-sdk-date").unwrap());
    let signature = hex(&hmac(secret, string_to_sign.as_bytes()));
    format!("SDK-HMAC-SHA256 Access=AK, SignedHeaders={}, Signature={signature}", names.join(";"))
}

fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut block = if key.len() > 64 { Sha256::digest(key).to_vec() } else { key.to_vec() };
    block.resize(64, 0);
    let pad = |with: u8| block.iter().map(|byte| byte ^ with).collect::<Vec<_>>();
    let inner = Sha256::digest([pad(0x36), message.to_vec()].concat());
    Sha256::digest([pad(0x5c), inner.to_vec()].concat()).to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn strict(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

/// Generates requests with a canonical query, signed with `secret`.
fn signed() -> impl Strategy<Value = (Request, Vec<u8>)> {
    let header = ("[a-z][a-z0-9-]{0,10}", "[ -~]{0,20}");
    (
        prop_oneof![Just("GET"), Just("POST"), Just("PUT"), Just("DELETE")],
        "(/[a-zA-Z0-9 %~é*-]{0,8}){1,4}/?",
        proptest::collection::btree_map("[a-z]{1,4}", "[ -~é]{0,8}", 0..4),
        proptest::collection::btree_map(header.0, header.1, 0..6),
        proptest::collection::vec(any::<u8>(), 0..60),
        proptest::collection::vec(any::<u8>(), 0..80),
    )
        .prop_map(|(method, path, query, mut headers, body, secret)| {
            headers.insert("x-sdk-date".to_owned(), "20260102T030405Z".to_owned());
            let names: Vec<_> = headers.keys().cloned().collect();
            let names: Vec<_> = names.iter().map(String::as_str).collect();
            let mut request = Request {
                method: method.to_owned(),
                path,
                query: query
                    .iter()
                    .map(|(key, value)| format!("{key}={}", strict(value)))
                    .collect::<Vec<_>>()
                    .join("&"),
                headers: headers.clone().into_iter().collect(),
                body,
                authorization: String::new(),
            };
            let hash = hex(&Sha256::digest(&request.body));
            request.authorization = sign(&request, &names, &secret, &hash);
            (request, secret)
        })
}

/// Flips one bit of one byte of `text`. Returns `None` if the result is not UTF-8.
fn flip(text: &str, at: usize, bit: u32) -> Option<String> {
    let mut bytes = text.as_bytes().to_vec();
    *bytes.get_mut(at)? ^= 1 << bit;
    String::from_utf8(bytes).ok()
}

proptest! {
    #[test]
    fn what_another_signer_signs_verifies((request, secret) in signed()) {
        prop_assert!(request.passes(&secret));
    }

    #[test]
    fn no_signed_part_can_be_changed(
        (request, secret) in signed(),
        part in 0..6_usize,
        at in any::<prop::sample::Index>(),
        bit in 0..7_u32,
    ) {
        let mut changed = request.clone();
        let mut secret = secret;
        let pick = |length: usize| if length == 0 { 0 } else { at.index(length) };
        let new = match part {
            0 => flip(&request.method, pick(request.method.len()), bit).map(|text| changed.method = text),
            1 => flip(&request.path, pick(request.path.len()), bit).map(|text| changed.path = text),
            2 => flip(&request.query, pick(request.query.len()), bit).map(|text| changed.query = text),
            3 => {
                let header = pick(request.headers.len());
                let value = &request.headers[header].1;
                flip(value, pick(value.len()), bit).map(|text| changed.headers[header].1 = text)
            }
            4 => changed.body.get_mut(pick(request.body.len())).map(|byte| *byte ^= 1 << bit),
            _ => secret.get_mut(pick(request.body.len())).map(|byte| *byte ^= 1 << bit),
        };
        prop_assume!(new.is_some());
        // Some changes have no meaning: the case of the method, white space around a header, another encoding of the
        // same query.
        let same_method = changed.method.eq_ignore_ascii_case(&request.method);
        let same_headers = changed.headers.iter().zip(&request.headers).all(|(one, other)| one.1.trim() == other.1.trim());
        let same_query = canonical_query(&changed.query) == canonical_query(&request.query);
        prop_assume!(!(part == 0 && same_method || part == 2 && same_query || part == 3 && same_headers));
        prop_assert!(!changed.passes(&secret));
    }

    #[test]
    fn no_bit_of_the_authorization_can_be_changed((request, secret) in signed(), at in any::<prop::sample::Index>(), bit in 0..7_u32) {
        let Some(text) = flip(&request.authorization, at.index(request.authorization.len()), bit) else { return Ok(()) };
        let mut changed = request.clone();
        changed.authorization = text;
        // The key id selects the secret for verification, so it is not part of the signed text.
        prop_assume!(changed.presented().is_ok_and(|presented| presented.access_key_id() == "AK"));
        prop_assert!(!changed.passes(&secret));
    }

    #[test]
    fn any_request_is_verified_without_a_panic(
        authorization in "SDK-HMAC-SHA256 Access=[a-z]{1,3}, SignedHeaders=x-sdk-date;[a-z;]{0,9}, Signature=[0-9a-f]{64}",
        path: String,
        query: String,
        value: String,
    ) {
        let headers = vec![("x-sdk-date".to_owned(), "20260102T030405Z".to_owned()), ("a".to_owned(), value)];
        let request = Request { method: "GET".to_owned(), path, query, headers, body: Vec::new(), authorization };
        prop_assert!(!request.passes(b"secret"));
    }
}

/// Returns a query's decoded pairs as a set, independently of the code under test.
fn canonical_query(query: &str) -> Vec<(Vec<u8>, Vec<u8>)> {
    let plain = |text: &str| {
        let mut bytes = Vec::new();
        let mut characters = text.bytes().peekable();
        while let Some(byte) = characters.next() {
            let ahead: Vec<u8> = characters.clone().take(2).collect();
            if byte == b'%' && ahead.len() == 2 && ahead.iter().all(u8::is_ascii_hexdigit) {
                bytes.push(u8::from_str_radix(&String::from_utf8(ahead).unwrap(), 16).unwrap());
                characters.nth(1);
            } else {
                bytes.push(if byte == b'+' { b' ' } else { byte });
            }
        }
        bytes
    };
    let mut pairs: Vec<_> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            pair.split_once('=').map_or_else(|| (plain(pair), Vec::new()), |(key, value)| (plain(key), plain(value)))
        })
        .collect();
    pairs.sort();
    pairs
}
