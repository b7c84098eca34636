//! The event of an HTTP API, payload format 2.0.
//!
//! Read here and not through `lambda_http::run`: that turns the event into a URL first, and panics on a raw space or `<`
//! in a query string, and takes a decoded `?` in the path for the start of a query (HTTP API hands the path over
//! decoded). Whatever a client can send must arrive here and be answered in a dialect.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

/// The parts of the event that are used. What is missing is empty.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HttpEvent {
    /// The path, decoded.
    pub raw_path: String,
    /// The query, as it was sent.
    pub raw_query_string: String,
    /// Names in lower case; several values of one name joined by commas.
    pub headers: HashMap<String, String>,
    /// The path's parameters, decoded.
    pub path_parameters: HashMap<String, String>,
    /// Where it comes from.
    pub request_context: RequestContext,
    /// As text, or in base 64.
    pub body: Option<String>,
    /// Which of the two.
    pub is_base64_encoded: bool,
}

/// What API Gateway says of the request.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RequestContext {
    /// The request line and the client.
    pub http: Http,
}

/// The request line and the client.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Http {
    /// `PUT`.
    pub method: String,
    /// The client's address.
    pub source_ip: String,
    /// What it calls itself.
    pub user_agent: Option<String>,
}

impl HttpEvent {
    /// The bytes of the body.
    pub fn body(&mut self) -> Vec<u8> {
        let text = self.body.take().unwrap_or_default();
        if !self.is_base64_encoded {
            return text.into_bytes();
        }
        // INVARIANT: API Gateway encodes what it marks as encoded; anything else is bytes that no JSON begins with.
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
