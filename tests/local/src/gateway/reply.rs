//! The conversion of a function's output to an HTTP response.
//!
//! Source: "Lambda function response for format 2.0" in "Create AWS Lambda proxy integrations for HTTP APIs in API
//! Gateway", API Gateway Developer Guide.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::Response,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value};

/// Converts a function's output to a response. Returns `None` if API Gateway would not understand it.
pub(super) fn reply(payload: &[u8]) -> Option<Response> {
    let returned: Value = serde_json::from_slice(payload).ok()?;
    match returned {
        Value::Object(fields) if fields.contains_key("statusCode") => structured(&fields),
        // Valid JSON without a status code is the body itself.
        Value::String(body) => Some(json_reply(StatusCode::OK, body)),
        other => Some(json_reply(StatusCode::OK, other.to_string())),
    }
}

/// Creates a response of API Gateway itself.
pub(super) fn message(status: StatusCode, message: &str) -> Response {
    json_reply(status, serde_json::json!({ "message": message }).to_string())
}

fn structured(fields: &Map<String, Value>) -> Option<Response> {
    let status = match fields.get("statusCode")? {
        Value::Number(status) => status.as_u64()?,
        // A number in quotes is accepted too.
        Value::String(status) => status.parse().ok()?,
        _ => return None,
    };
    let status = StatusCode::from_u16(u16::try_from(status).ok()?).ok()?;
    let mut headers = HeaderMap::new();
    match fields.get("headers") {
        Some(Value::Object(sent)) => {
            for (name, value) in sent {
                let name = HeaderName::try_from(name.as_str()).ok()?;
                headers.append(name, HeaderValue::try_from(text(value)?).ok()?);
            }
        }
        None | Some(Value::Null) => {}
        Some(_) => return None,
    }
    match fields.get("cookies") {
        Some(Value::Array(cookies)) => {
            for cookie in cookies {
                headers.append(header::SET_COOKIE, HeaderValue::try_from(cookie.as_str()?).ok()?);
            }
        }
        None | Some(Value::Null) => {}
        Some(_) => return None,
    }
    let body = match fields.get("body") {
        Some(Value::String(body)) if fields.get("isBase64Encoded") == Some(&Value::Bool(true)) => {
            STANDARD.decode(body).ok()?
        }
        Some(Value::String(body)) => body.clone().into_bytes(),
        None | Some(Value::Null) => Vec::new(),
        Some(_) => return None,
    };
    // API Gateway controls the connection itself.
    for name in [header::CONNECTION, header::CONTENT_LENGTH, header::TRANSFER_ENCODING] {
        headers.remove(name);
    }
    headers.entry(header::CONTENT_TYPE).or_insert(HeaderValue::from_static("text/plain;charset=UTF-8"));
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Some(response)
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        _ => None,
    }
}

fn json_reply(status: StatusCode, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;
    use serde_json::json;

    async fn sent(returned: &str) -> Option<(u16, Vec<(String, String)>, Vec<u8>)> {
        let (parts, body) = reply(returned.as_bytes())?.into_parts();
        let headers = parts.headers.iter();
        let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
        Some((parts.status.as_u16(), headers, body.collect().await.unwrap().to_bytes().to_vec()))
    }

    #[tokio::test]
    async fn decodes_a_structured_reply() {
        let returned = json!({
            "statusCode": 201,
            "headers": {"Content-Type": "application/problem+json", "X-Count": 3, "Content-Length": "99"},
            "cookies": ["a=1; Secure", "b=2"],
            "body": "/w==", "isBase64Encoded": true,
        });
        let (status, headers, body) = sent(&returned.to_string()).await.unwrap();
        assert_eq!((status, body.as_slice()), (201, &b"\xff"[..]));
        for expected in [
            ("content-type", "application/problem+json"),
            ("x-count", "3"),
            ("set-cookie", "a=1; Secure"),
            ("set-cookie", "b=2"),
        ] {
            assert!(headers.contains(&(expected.0.to_owned(), expected.1.to_owned())), "{expected:?} in {headers:?}");
        }
        assert!(!headers.iter().any(|(name, _)| name == "content-length"));
    }

    #[tokio::test]
    async fn infers_what_is_missing() {
        let (status, headers, body) = sent(r#"{"statusCode":"204"}"#).await.unwrap();
        assert_eq!((status, body.len()), (204, 0));
        assert_eq!(headers, [("content-type".to_owned(), "text/plain;charset=UTF-8".to_owned())]);
        for (returned, expected) in [(r#"{"a":1}"#, r#"{"a":1}"#), (r#""hi""#, "hi"), ("null", "null")] {
            let (status, headers, body) = sent(returned).await.unwrap();
            assert_eq!((status, body.as_slice()), (200, expected.as_bytes()));
            assert_eq!(headers, [("content-type".to_owned(), "application/json".to_owned())]);
        }
    }

    #[tokio::test]
    async fn refuses_what_it_does_not_understand() {
        for returned in [
            "not json",
            r#"{"statusCode":"ok"}"#,
            r#"{"statusCode":99}"#,
            r#"{"statusCode":200,"body":{"a":1}}"#,
            r#"{"statusCode":200,"headers":{"bad name":"x"}}"#,
            r#"{"statusCode":200,"headers":{"x":"a\nb"}}"#,
            r#"{"statusCode":200,"body":"%%%","isBase64Encoded":true}"#,
        ] {
            assert!(sent(returned).await.is_none(), "{returned}");
        }
    }
}
