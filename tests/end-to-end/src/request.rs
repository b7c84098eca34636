//! Requests and replies, as tests write and read them.

use serde_json::Value;

/// A request.
#[derive(Clone, Debug)]
pub struct Request {
    /// `PUT`.
    pub method: String,
    /// Path and query, as they go over the wire.
    pub path: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// A reply, read to its end.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body as text.
    pub text: String,
    /// The body as JSON; null where it is none.
    pub body: Value,
}

/// What a request cost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// Calls to DynamoDB.
    pub dynamodb_calls: u64,
    /// Times that DynamoDB was waited for.
    pub dynamodb_round_trips: u64,
    /// Calls to other AWS services.
    pub aws_calls: u64,
    /// Capacity units.
    pub capacity: f64,
}

impl Request {
    /// A request with no headers and no body.
    pub fn new(method: &str, path: &str) -> Self {
        Self { method: method.to_owned(), path: path.to_owned(), headers: Vec::new(), body: Vec::new() }
    }

    /// With this header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Without this header.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
        self
    }

    /// With a bearer token.
    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// With a JSON body.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.raw(body.to_string().into_bytes())
    }

    /// With these bytes, said to be JSON.
    #[must_use]
    pub fn raw(mut self, body: Vec<u8>) -> Self {
        self.body = body;
        self.without("content-type").header("content-type", "application/json")
    }
}

impl Reply {
    pub(crate) fn of(reply: trustplane_local::http::Reply) -> Self {
        let headers = reply
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        Self { status: reply.status.as_u16(), headers, text: reply.text(), body: reply.json() }
    }

    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// The id that the function gave the request.
    pub fn request_id(&self) -> &str {
        self.header("x-request-id").unwrap_or_else(|| panic!("no x-request-id: {self:?}"))
    }

    /// The same reply, if it has this status.
    #[must_use]
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// The same reply, if it is this status and error code, in whichever dialect.
    #[must_use]
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        let found = ["code", "error_code"].iter().find_map(|field| self.body[*field].as_str());
        assert_eq!(found, Some(code), "{}", self.text);
        self
    }
}

impl Cost {
    pub(crate) fn of(line: &Value) -> Self {
        let count = |field: &str| line[field].as_u64().unwrap_or_else(|| panic!("no {field} in {line}"));
        Self {
            dynamodb_calls: count("dynamodb_calls"),
            dynamodb_round_trips: count("dynamodb_round_trips"),
            aws_calls: count("aws_calls"),
            capacity: line["dynamodb_capacity"].as_f64().unwrap_or_default(),
        }
    }
}
