//! Signs requests as the clients of Huawei Cloud's APIs do, each with its own set of headers. It follows Huawei Cloud's
//! "API Request Signing Guide" and shares no code with the verification.

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;
use time::macros::format_description;

use crate::Request;

/// An access key pair.
#[derive(Clone, Debug)]
pub struct AccessKey {
    /// The public half.
    pub id: String,
    /// The secret half.
    pub secret: String,
    /// The security token of a temporary access key.
    pub security_token: Option<String>,
}

/// A client whose signing is imitated. Clients differ in the headers that they send and sign. The headers are those
/// observed from the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    /// The Python SDK. It signs all headers.
    Python,
    /// The Node SDK. It signs all headers except the user agent.
    Node,
    /// The Go SDK. It signs neither the host nor the content type.
    Go,
    /// Terraform's provider. It signs neither the host nor the headers that it adds after signing (ids and the security
    /// token). It sends a content type only with a body, and the body ends in a line feed.
    Terraform,
}

impl Client {
    /// All clients.
    pub const ALL: [Self; 4] = [Self::Python, Self::Node, Self::Go, Self::Terraform];

    fn signs(self, header: &str) -> bool {
        match self {
            Self::Python => true,
            Self::Node => header != "user-agent",
            Self::Go => !matches!(header, "host" | "content-type"),
            Self::Terraform => !matches!(header, "host" | "x-domain-id" | "x-security-token"),
        }
    }

    /// Adds the headers that describe the body.
    fn dressed(self, request: Request) -> Request {
        if self != Self::Terraform {
            return request.header("content-type", "application/json");
        }
        let mut request = request.header("accept", "application/json");
        if request.body.is_empty() {
            return request;
        }
        request.body.push(b'\n');
        request.header("content-type", "application/json")
    }
}

impl AccessKey {
    /// Reads the pair from the response that created it.
    pub fn of(made: &Value) -> Self {
        let text = |name: &str| made[name].as_str().map(str::to_owned);
        Self {
            id: text("access_key_id").unwrap_or_else(|| panic!("no access key: {made}")),
            secret: text("secret_access_key").unwrap_or_else(|| panic!("no secret: {made}")),
            security_token: text("security_token"),
        }
    }

    /// Signs `request` to `host` at the time `at`, as `client` does.
    #[must_use]
    pub fn sign(&self, request: Request, client: Client, host: &str, at: OffsetDateTime) -> Request {
        let date = at.format(format_description!("[year][month][day]T[hour][minute][second]Z")).unwrap();
        let mut request = client
            .dressed(request.without("content-type"))
            .header("user-agent", "huaweicloud-usdk-test/3.0 (a client)")
            .header("x-domain-id", "domain-of-the-client")
            .header("x-sdk-date", &date);
        if let Some(token) = &self.security_token {
            request = request.header("x-security-token", token);
        }
        let mut signed: Vec<(String, String)> =
            request.headers.iter().map(|(name, value)| (name.to_lowercase(), value.trim().to_owned())).collect();
        signed.push(("host".to_owned(), host.to_owned()));
        signed.retain(|(name, _)| client.signs(name));
        signed.sort();
        let names: Vec<&str> = signed.iter().map(|(name, _)| name.as_str()).collect();
        let names = names.join(";");
        let headers: String = signed.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        let payload = hex(&Sha256::digest(&request.body));
        let canonical = format!(
            "{}\n{}\n{}\n{headers}\n{names}\n{payload}",
            request.method,
            canonical_path(path),
            canonical_query(query)
        );
        let text = format!("SDK-HMAC-SHA256\n{date}\n{}", hex(&Sha256::digest(canonical)));
        let mut mac = Hmac::<Sha256>::new_from_slice(self.secret.as_bytes()).unwrap();
        mac.update(text.as_bytes());
        let signature = hex(&mac.finalize().into_bytes());
        let authorization = format!("SDK-HMAC-SHA256 Access={}, SignedHeaders={names}, Signature={signature}", self.id);
        request.header("authorization", &authorization)
    }
}

fn canonical_path(path: &str) -> String {
    let segments: Vec<String> = path.split('/').map(|segment| encoded(&decoded(segment))).collect();
    let path = segments.join("/");
    if path.ends_with('/') { path } else { format!("{path}/") }
}

fn canonical_query(query: &str) -> String {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let mut pairs: Vec<_> = pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect();
    pairs.sort();
    let pairs: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
    pairs.join("&")
}

fn decoded(text: &str) -> Vec<u8> {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap().as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at(2);
        bytes.push(u8::from_str_radix(digits, 16).unwrap());
        bytes.extend(rest.as_bytes());
    }
    bytes
}

fn encoded(bytes: &[u8]) -> String {
    let encode = |byte: &u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(*byte).to_string(),
        other => format!("%{other:02X}"),
    };
    bytes.iter().map(encode).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
