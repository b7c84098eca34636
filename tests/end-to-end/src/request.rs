//! Requests and responses of tests.

use serde_json::Value;

/// A request.
#[derive(Clone, Debug)]
pub struct Request {
    /// Method: `PUT`.
    pub method: String,
    /// Path and query, percent-encoded.
    pub path: String,
    /// Names and values of headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// A response, read completely.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// Names and values of headers; names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body as text.
    pub text: String,
    /// The body as JSON; null if it is not JSON.
    pub body: Value,
}

/// The cost of a request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// Number of calls to DynamoDB.
    pub dynamodb_calls: u64,
    /// Number of times that the function waited for DynamoDB. Concurrent calls count once.
    pub dynamodb_round_trips: u64,
    /// Number of calls to other AWS services.
    pub aws_calls: u64,
    /// Number of documents that were parsed: XML, X.509, policies.
    pub documents_parsed: u64,
    /// Consumed capacity units.
    pub capacity: f64,
    /// The part of them that writes consumed.
    pub write_capacity: f64,
}

impl Request {
    /// Creates a request without headers and body.
    pub fn new(method: &str, path: &str) -> Self {
        Self { method: method.to_owned(), path: path.to_owned(), headers: Vec::new(), body: Vec::new() }
    }

    /// Adds this header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Removes this header.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
        self
    }

    /// Adds a bearer token.
    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// Sets a JSON body.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.raw(body.to_string().into_bytes())
    }

    /// Sets a body of these bytes, with the content type of JSON.
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

    /// Returns a header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// Returns the id that the function gave to the request.
    pub fn request_id(&self) -> &str {
        self.header("x-request-id").unwrap_or_else(|| panic!("no x-request-id: {self:?}"))
    }

    /// Panics unless the response has this status.
    #[must_use]
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// Panics unless the response has this status and error code, in any dialect.
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
            documents_parsed: count("documents_parsed"),
            capacity: line["dynamodb_capacity"].as_f64().unwrap_or_default(),
            write_capacity: line["dynamodb_write_capacity"].as_f64().unwrap_or_default(),
        }
    }
}
