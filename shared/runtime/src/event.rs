//! The event of an HTTP API, payload format 2.0.
//!
//! This type replaces `lambda_http::run`. That one converts the event to a URL first. It panics on a raw space or `<`
//! in a query string, and takes a decoded `?` in the path for the start of a query (an HTTP API passes the path
//! decoded). Every request of a client must reach the runtime and get a response in a dialect.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

/// The used parts of the event. Missing parts are empty.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HttpEvent {
    /// The path, decoded.
    pub raw_path: String,
    /// The query, as the client sent it.
    pub raw_query_string: String,
    /// Headers: names in lower case, several values of one name joined by commas.
    pub headers: HashMap<String, String>,
    /// The path's parameters, decoded.
    pub path_parameters: HashMap<String, String>,
    /// Context of the request.
    pub request_context: RequestContext,
    /// The body, as text or in base 64.
    pub body: Option<String>,
    /// True if the body is in base 64.
    pub is_base64_encoded: bool,
}

/// API Gateway's facts about the request.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RequestContext {
    /// The host name that the client used.
    pub domain_name: String,
    /// The request line and the client.
    pub http: Http,
}

/// The request line and the client.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Http {
    /// Method: `PUT`.
    pub method: String,
    /// The client's address.
    pub source_ip: String,
    /// The client's own description of itself.
    pub user_agent: Option<String>,
}

impl HttpEvent {
    /// Returns the bytes of the body.
    pub fn body(&mut self) -> Vec<u8> {
        let text = self.body.take().unwrap_or_default();
        if !self.is_base64_encoded {
            return text.into_bytes();
        }
        // INVARIANT: API Gateway encodes a body that it marks as encoded. Anything else becomes a byte that is not
        // valid JSON.
        STANDARD.decode(&text).unwrap_or_else(|_| vec![0xff])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_with_nothing_in_it_is_read() {
        let event: HttpEvent = serde_json::from_str("{}").unwrap();
        assert_eq!(event.clone().body(), b"");
        assert_eq!(event.raw_path, "");
    }

    #[test]
    fn a_body_in_base_64_is_decoded() {
        let mut event = HttpEvent { body: Some("/wA=".to_owned()), is_base64_encoded: true, ..HttpEvent::default() };
        assert_eq!(event.body(), [0xff, 0x00]);
    }
}
