//! The event of an HTTP API for a request, in payload format 2.0.
//!
//! Source: "Create AWS Lambda proxy integrations for HTTP APIs in API Gateway", API Gateway Developer Guide. For gaps
//! in the documentation, the sources are captures from deployed HTTP APIs: the path is decoded twice, and cut at a `?`
//! that appears after the first decoding (github.com/hotsock/voker, `vokerhttp/testdata`); a body is text for five
//! content types only (github.com/ministackorg/ministack, pull request 766).

use super::routes::Matched;
use crate::template::ACCOUNT;
use axum::http::{HeaderMap, Method, Version, header};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};
use std::net::IpAddr;
use time::{OffsetDateTime, macros::format_description};

/// Id of the API.
const API_ID: &str = "local";

/// Parts of a request that the event contains.
pub(super) struct Request<'a> {
    pub method: &'a Method,
    pub version: Version,
    /// The path, decoded by [`decode_path`].
    pub path: &'a str,
    /// The query as the client sent it, without the `?`.
    pub query: &'a str,
    pub headers: &'a HeaderMap,
    pub body: &'a [u8],
    pub source_ip: IpAddr,
    pub request_id: &'a str,
    pub now: OffsetDateTime,
}

/// Decodes a path as an HTTP API does. Returns `None` if it refuses the request.
pub(super) fn decode_path(path: &str) -> Option<String> {
    let once = decode(path)?;
    let once = once.split('?').next().unwrap_or_default();
    decode(once)
}

/// Builds the event for a request on the route `matched`.
pub(super) fn event(request: &Request<'_>, matched: &Matched) -> Value {
    let headers = headers(request);
    let text = |name: &str| headers.get(name).and_then(Value::as_str).unwrap_or_default();
    let host = text("host").rsplit_once(':').map_or(text("host"), |(host, _)| host);
    let mut event = json!({
        "version": "2.0",
        "routeKey": matched.key,
        "rawPath": request.path,
        "rawQueryString": request.query,
        "headers": headers,
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": API_ID,
            "domainName": host,
            "domainPrefix": host.split('.').next().unwrap_or_default(),
            "http": {
                "method": request.method.as_str(),
                "path": request.path,
                "protocol": format!("{:?}", request.version),
                "sourceIp": request.source_ip.to_string(),
                "userAgent": text("user-agent"),
            },
            "requestId": request.request_id,
            "routeKey": matched.key,
            "stage": "$default",
            "time": common_log_time(request.now),
            "timeEpoch": i64::try_from(request.now.unix_timestamp_nanos() / 1_000_000).unwrap_or_default(),
        },
        "isBase64Encoded": false,
    });
    let mut set = |name: &str, value: Value| {
        if let Some(event) = event.as_object_mut() {
            event.insert(name.to_owned(), value);
        }
    };
    let cookies = cookies(request.headers);
    if !cookies.is_empty() {
        set("cookies", cookies.into());
    }
    if !request.query.is_empty() {
        set("queryStringParameters", Value::Object(query_parameters(request.query)));
    }
    if !matched.parameters.is_empty() {
        set("pathParameters", json!(matched.parameters));
    }
    if !request.body.is_empty() {
        match std::str::from_utf8(request.body) {
            Ok(body) if is_text(text("content-type")) => set("body", body.into()),
            _ => {
                set("body", STANDARD.encode(request.body).into());
                set("isBase64Encoded", true.into());
            }
        }
    }
    event
}

/// Converts headers: names in lower case, values of the same name joined with commas, without cookies.
fn headers(request: &Request<'_>) -> Map<String, Value> {
    let mut headers = Map::new();
    for name in request.headers.keys() {
        if matches!(*name, header::COOKIE | header::CONNECTION | header::TRANSFER_ENCODING) {
            continue;
        }
        let values: Vec<_> = request.headers.get_all(name).iter().map(|value| latin_1(value.as_bytes())).collect();
        headers.insert(name.as_str().to_owned(), values.join(",").into());
    }
    let source = request.source_ip.to_string();
    let forwarded = match headers.get("x-forwarded-for").and_then(Value::as_str) {
        Some(before) => format!("{before}, {source}"),
        None => source,
    };
    let trace =
        request.request_id.bytes().fold(0_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let seconds = request.now.unix_timestamp();
    headers.insert("x-forwarded-for".to_owned(), forwarded.into());
    headers.insert("x-forwarded-port".to_owned(), "443".into());
    headers.insert("x-forwarded-proto".to_owned(), "https".into());
    headers.entry("x-amzn-trace-id").or_insert_with(|| format!("Root=1-{seconds:08x}-{trace:024x}").into());
    headers.entry("content-length").or_insert_with(|| request.body.len().to_string().into());
    headers
}

fn cookies(headers: &HeaderMap) -> Vec<String> {
    let sent = headers.get_all(header::COOKIE).iter().map(|value| latin_1(value.as_bytes()));
    let cookies: Vec<String> = sent
        .flat_map(|value| value.split(';').map(|cookie| cookie.trim().to_owned()).collect::<Vec<_>>())
        .filter(|cookie| !cookie.is_empty())
        .collect();
    cookies
}

/// Decodes query parameters. Values of the same name are joined with commas.
fn query_parameters(query: &str) -> Map<String, Value> {
    let mut parameters: Map<String, Value> = Map::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
        let value = decode(value);
        let joined = match parameters.get(&decode(name)).and_then(Value::as_str) {
            Some(before) => format!("{before},{value}"),
            None => value,
        };
        parameters.insert(decode(name), joined.into());
    }
    parameters
}

fn is_text(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind.starts_with("text/")
        || matches!(kind.as_str(), "application/json" | "application/xml" | "application/javascript")
}

/// Decodes percent-encoding once. Returns `None` if an escape is invalid or the bytes are not UTF-8.
fn decode(path: &str) -> Option<String> {
    let escapes_are_whole = path.split('%').skip(1).all(|after| {
        let digits = after.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    });
    if !escapes_are_whole {
        return None;
    }
    percent_decode_str(path).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

/// Decodes header bytes as Latin-1, as HTTP specifies, so that no byte is lost.
fn latin_1(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().copied().map(char::from).collect(),
    }
}

/// Formats a time: `10/Jul/2026:19:19:05 +0000`.
fn common_log_time(time: OffsetDateTime) -> String {
    let format = format_description!("[day]/[month repr:short]/[year]:[hour]:[minute]:[second] +0000");
    time.to_offset(time::UtcOffset::UTC).format(&format).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{collections::BTreeMap, net::Ipv4Addr, time::Duration};
    use time::macros::datetime;

    #[test]
    fn paths_are_decoded_as_a_deployed_api_does() {
        for (sent, expected) in [
            ("/capture/plain", Some("/capture/plain")),
            ("/capture/space%20value", Some("/capture/space value")),
            ("/capture/question%3Fvalue", Some("/capture/question")),
            ("/capture/percent%25done", None),
            ("/capture/hash%23value", Some("/capture/hash#value")),
            ("/capture/slash%2Fvalue", Some("/capture/slash/value")),
            ("/capture/unicode-%CE%BB", Some("/capture/unicode-λ")),
            ("/capture/literal%252Fvalue", Some("/capture/literal/value")),
            ("/capture/literal%253Fvalue", Some("/capture/literal?value")),
            ("/capture/literal%2525value", Some("/capture/literal%value")),
            ("/a+b//c/", Some("/a+b//c/")),
            ("/%ff", None),
            ("/%", None),
        ] {
            assert_eq!(decode_path(sent).as_deref(), expected, "{sent}");
        }
    }

    fn made(method: &Method, query: &str, headers: &[(&str, &str)], body: &[u8]) -> Value {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(header::HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
        }
        let request = Request {
            method,
            version: Version::HTTP_11,
            path: "/things/a b",
            query,
            headers: &map,
            body,
            source_ip: Ipv4Addr::LOCALHOST.into(),
            request_id: "ATfSmjLgPHcESJw=",
            now: datetime!(2026-07-10 19:19:05.766 UTC),
        };
        let matched = Matched {
            key: "PUT /things/{id}".into(),
            function: "put-thing".into(),
            timeout: Duration::ZERO,
            parameters: BTreeMap::from([("id".into(), "a b".into())]),
        };
        event(&request, &matched)
    }

    #[test]
    fn the_event_has_the_documented_shape() {
        let query = "repeat=one&repeat=two&redirect=https%3A%2F%2Fexample.com&plus=a+b&encoded=a%2Bb&empty=";
        let event = made(
            &Method::PUT,
            query,
            &[
                ("Host", "api.example.com:3000"),
                ("Content-Type", "application/json; charset=utf-8"),
                ("User-Agent", "curl/8.7.1"),
                ("X-Probe", "first"),
                ("X-Probe", "second"),
                ("Cookie", "session=abc; theme=dark"),
                ("X-Forwarded-For", "192.0.2.1"),
            ],
            br#"{"a":1}"#,
        );
        let mut headers = event["headers"].clone();
        assert!(headers.as_object_mut().unwrap().remove("x-amzn-trace-id").is_some());
        assert_eq!(
            headers,
            json!({
                "host": "api.example.com:3000", "content-type": "application/json; charset=utf-8",
                "user-agent": "curl/8.7.1", "x-probe": "first,second", "content-length": "7",
                "x-forwarded-for": "192.0.2.1, 127.0.0.1", "x-forwarded-port": "443", "x-forwarded-proto": "https",
            })
        );
        assert_eq!(event["version"], "2.0");
        assert_eq!(event["routeKey"], "PUT /things/{id}");
        assert_eq!(event["rawPath"], "/things/a b");
        assert_eq!(event["rawQueryString"], query);
        assert_eq!(event["cookies"], json!(["session=abc", "theme=dark"]));
        assert_eq!(event["pathParameters"], json!({"id": "a b"}));
        assert_eq!(
            event["queryStringParameters"],
            json!({"repeat": "one,two", "redirect": "https://example.com", "plus": "a b", "encoded": "a+b", "empty": ""})
        );
        assert_eq!(
            event["requestContext"],
            json!({
                "accountId": "000000000000", "apiId": "local", "domainName": "api.example.com", "domainPrefix": "api",
                "http": {"method": "PUT", "path": "/things/a b", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1",
                         "userAgent": "curl/8.7.1"},
                "requestId": "ATfSmjLgPHcESJw=", "routeKey": "PUT /things/{id}", "stage": "$default",
                "time": "10/Jul/2026:19:19:05 +0000", "timeEpoch": 1_783_711_145_766_i64,
            })
        );
        assert_eq!(event["body"], r#"{"a":1}"#);
        assert_eq!(event["isBase64Encoded"], false);
    }

    #[test]
    fn what_is_absent_is_left_out() {
        let event = made(&Method::GET, "", &[("host", "localhost:3000")], b"");
        for name in ["body", "cookies", "queryStringParameters"] {
            assert!(event.get(name).is_none(), "{name}");
        }
    }

    #[test]
    fn only_text_types_are_text() {
        for (kind, body, encoded) in [
            (Some("application/json"), &b"{}"[..], false),
            (Some("TEXT/plain;charset=utf-8"), b"x", false),
            (Some("application/xml"), b"<x/>", false),
            (Some("application/json"), b"\xff{}", true),
            (Some("application/x-www-form-urlencoded"), b"a=b", true),
            (Some("application/problem+json"), b"{}", true),
            (None, b"{}", true),
        ] {
            let headers: Vec<_> = kind.map(|kind| ("content-type", kind)).into_iter().collect();
            let event = made(&Method::POST, "", &headers, body);
            assert_eq!(event["isBase64Encoded"], encoded, "{kind:?}");
            let sent = event["body"].as_str().unwrap();
            match encoded {
                true => assert_eq!(STANDARD.decode(sent).unwrap(), body),
                false => assert_eq!(sent.as_bytes(), body),
            }
        }
    }
}
