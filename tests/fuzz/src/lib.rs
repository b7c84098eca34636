//! Signs requests independently of the fuzzed code. A request is parsed from a fuzzer's bytes. Its canonical form and
//! signature follow Huawei Cloud's signing guide in the plainest way.

pub mod metadata;

use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use trustplane_domain::signature::RequestParts;

/// Signing time of all requests.
pub const DATE: &str = "20260102T030405Z";

/// A request to sign or verify.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    /// The path, decoded as API Gateway passes it.
    pub path: String,
    pub query: String,
    /// Headers by name, in lower case.
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Request {
    /// Parses lines of text: method, path, query, body; then headers, each `name:value`.
    pub fn read(lines: &mut dyn Iterator<Item = &str>) -> Self {
        let mut next = || lines.next().unwrap_or_default().to_owned();
        let (method, path, query, body) = (next(), next(), next(), next());
        let mut headers: BTreeMap<String, String> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        headers.insert("x-sdk-date".to_owned(), DATE.to_owned());
        Self { method, path, query, headers, body: body.into_bytes() }
    }

    /// Converts to the type of the code under test.
    pub fn parts<'a>(&'a self) -> RequestParts<'a, impl Fn(&str) -> Option<&'a str>> {
        RequestParts {
            method: &self.method,
            decoded_path: &self.path,
            raw_query: &self.query,
            header: |name: &str| self.headers.get(name).map(String::as_str),
            body: &self.body,
        }
    }

    /// Returns the canonical request for this list of signed headers. Returns `None` if one of them is missing.
    pub fn canonical(&self, signed: &[String]) -> Option<String> {
        let mut text = format!("{}\n", self.method.to_ascii_uppercase());
        let path: Vec<String> = self.path.split('/').map(|segment| quoted(segment.as_bytes())).collect();
        text += &path.join("/");
        if !text.ends_with('/') {
            text.push('/');
        }
        let mut pairs: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        for pair in self.query.split('&') {
            if !pair.is_empty() {
                let mut sides = pair.splitn(2, '=').map(unquoted);
                pairs.push((sides.next().unwrap_or_default(), sides.next().unwrap_or_default()));
            }
        }
        pairs.sort();
        let pairs: Vec<String> = pairs.iter().map(|(key, value)| quoted(key) + "=" + &quoted(value)).collect();
        text += &format!("\n{}\n", pairs.join("&"));
        for name in signed {
            text += &format!("{name}:{}\n", self.headers.get(&name.to_ascii_lowercase())?.trim());
        }
        let body = hex(&Sha256::digest(&self.body));
        text += &format!("\n{}\n{body}", signed.join(";"));
        Some(text)
    }
}

/// Returns the signature of a canonical request.
pub fn signature(secret: &[u8], canonical: &str) -> String {
    let text = format!("SDK-HMAC-SHA256\n{DATE}\n{}", hex(&Sha256::digest(canonical)));
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("any length is taken");
    mac.update(text.as_bytes());
    hex(&mac.finalize().into_bytes())
}

/// Returns true if a client may list these headers as signed.
pub fn may_be_signed(signed: &[String]) -> bool {
    let mut names: Vec<String> = signed.iter().map(|name| name.to_ascii_lowercase()).collect();
    let token = |name: &String| {
        !name.is_empty() && name.chars().all(|one| one.is_ascii_graphic() && !"\"(),/:;<=>?@[\\]{}".contains(one))
    };
    let good = names.iter().all(token) && names.contains(&"x-sdk-date".to_owned()) && names.len() <= 64;
    names.sort();
    let all = names.len();
    names.dedup();
    good && names.len() == all
}

fn quoted(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => text.push(char::from(*byte)),
            other => text += &format!("%{other:02X}"),
        }
    }
    text
}

fn unquoted(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut plain = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let digit = |ahead: usize| bytes.get(at + ahead).and_then(|byte| char::from(*byte).to_digit(16));
        match (bytes[at], digit(1), digit(2)) {
            (b'%', Some(high), Some(low)) => {
                plain.push((high * 16 + low) as u8);
                at += 3;
            }
            (b'+', _, _) => {
                plain.push(b' ');
                at += 1;
            }
            (byte, _, _) => {
                plain.push(byte);
                at += 1;
            }
        }
    }
    plain
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
