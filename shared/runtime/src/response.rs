//! Responses of handlers, before their dialect adds headers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

/// A successful response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    pub(crate) content_type: &'static str,
    /// True if `body` is bytes in base 64.
    pub(crate) is_base64: bool,
}

impl Response {
    /// This status and JSON body.
    pub fn json(status: u16, body: &impl Serialize) -> Self {
        Self {
            status,
            headers: Vec::new(),
            // INVARIANT: wire types have string keys and no fallible serializer.
            body: serde_json::to_string(body).unwrap_or_default(),
            content_type: "application/json",
            is_base64: false,
        }
    }

    /// 200 and a JSON body.
    pub fn ok(body: &impl Serialize) -> Self {
        Self::json(200, body)
    }

    /// 201 and a JSON body.
    pub fn created(body: &impl Serialize) -> Self {
        Self::json(201, body)
    }

    /// 200 with nothing in it.
    pub fn empty() -> Self {
        Self {
            status: 200,
            headers: Vec::new(),
            body: String::new(),
            content_type: "application/json",
            is_base64: false,
        }
    }

    /// 204.
    pub fn no_content() -> Self {
        Self { status: 204, ..Self::empty() }
    }

    /// 200 and a text of this content type.
    pub fn text(content_type: &'static str, body: String) -> Self {
        Self { body, content_type, ..Self::empty() }
    }

    /// 200 and bytes of this content type.
    pub fn bytes(content_type: &'static str, bytes: &[u8]) -> Self {
        Self { body: STANDARD.encode(bytes), content_type, is_base64: true, ..Self::empty() }
    }

    /// 304.
    pub fn not_modified() -> Self {
        Self { status: 304, ..Self::empty() }
    }

    /// With this status.
    #[must_use]
    pub fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    /// With this header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// With the resource's version.
    #[must_use]
    pub fn etag(self, version: u64) -> Self {
        self.header("etag", format!("\"{version}\""))
    }
}
