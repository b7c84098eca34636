//! Webhooks.

use std::time::Duration;

use trustplane_outbound::{Error, HeaderMap, HeaderValue, Limits, Purpose, Response, UrlRefusal};

use crate::support::{AMPLE, Act, Server, authority, local, ok, redirect, url};

const LIMIT: Limits = Limits { body: 1024, ..AMPLE };

async fn posted(acts: Vec<Act>, limits: Limits) -> Result<Response, Error> {
    let server = Server::start(authority().identity(&["hooks.localhost"]), move |_| acts.clone()).await;
    local(None).post(&url(&server.url("hooks.localhost", "/")), HeaderMap::new(), "{}", limits).await
}

#[tokio::test]
async fn headers_and_body_arrive() {
    let server =
        Server::start(authority().identity(&["hooks.localhost"]), |_| ok("content-type: text/plain\r\n", "thanks"))
            .await;
    let mut headers = HeaderMap::new();
    headers.insert("webhook-id", HeaderValue::from_static("evt_1"));
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    // Headers that belong to the connection are the client's own.
    headers.insert("host", HeaderValue::from_static("api.trustplane.test"));
    headers.insert("content-length", HeaderValue::from_static("0"));
    headers.insert("transfer-encoding", HeaderValue::from_static("chunked"));
    let hook = url(&server.url("hooks.localhost", "/T0KEN"));
    let response = local(None).post(&hook, headers, r#"{"type":"webhook.test"}"#, LIMIT).await.unwrap();
    assert_eq!((response.status, response.body.as_ref(), response.truncated), (200, &b"thanks"[..], false));
    assert_eq!(response.headers["content-type"], "text/plain");
    let seen = server.seen();
    assert_eq!(seen[0].body, r#"{"type":"webhook.test"}"#);
    for line in
        ["webhook-id: evt_1", "content-type: application/json", "content-length: 23", "accept-encoding: identity"]
    {
        assert_eq!(seen[0].head.matches(&format!("\r\n{line}\r\n")).count(), 1, "{line} in {}", seen[0].head);
    }
    assert_eq!(seen[0].head.matches("\r\nhost: ").count(), 1);
    assert!(seen[0].head.contains(&format!("\r\nhost: hooks.localhost:{}\r\n", server.port)), "{}", seen[0].head);
    assert!(!seen[0].head.contains("transfer-encoding"), "{}", seen[0].head);
}

#[tokio::test]
async fn redirects_are_not_followed() {
    for status in [301, 302, 303, 307, 308] {
        let server =
            Server::start(authority().identity(&["hooks.localhost"]), move |_| redirect(status, "/other")).await;
        let hook = url(&server.url("hooks.localhost", "/"));
        let response = local(None).post(&hook, HeaderMap::new(), "{}", LIMIT).await.unwrap();
        assert_eq!((response.status, server.connections()), (status, 1));
    }
}

#[tokio::test]
async fn any_status_is_a_response() {
    for status in [200, 204, 400, 401, 404, 410, 429, 500, 503] {
        let text = format!("HTTP/1.1 {status} Status\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n");
        let response = posted(vec![Act::Send(text.into_bytes())], LIMIT).await.unwrap();
        assert_eq!((response.status, response.headers["retry-after"].as_bytes()), (status, &b"7"[..]));
    }
}

/// The status decides, so the body cannot turn a success into a failure.
#[tokio::test]
async fn the_body_is_kept_to_the_limit() {
    let head = |headers: &str| Act::Send(format!("HTTP/1.1 200 OK\r\n{headers}\r\n").into_bytes());
    let exact = posted(ok("", "x".repeat(1024)), LIMIT).await.unwrap();
    assert_eq!((exact.body.len(), exact.truncated), (1024, false));
    for acts in [
        ok("", "x".repeat(1025)),
        vec![head(""), Act::Forever(vec![b'x'; 1000])],
        vec![head("content-length: 99999999\r\n"), Act::Forever(vec![b'x'; 1000])],
        vec![head("transfer-encoding: chunked\r\n"), Act::Forever(b"1\r\nx\r\n".repeat(1000))],
    ] {
        let response = posted(acts, LIMIT).await.unwrap();
        assert_eq!((response.status, response.body.len(), response.truncated), (200, 1024, true));
    }
    let broken = posted(vec![head("content-length: 10\r\n"), Act::Send(b"short".to_vec())], LIMIT).await.unwrap();
    assert_eq!((broken.status, broken.body.as_ref(), broken.truncated), (200, &b"short"[..], true));
}

#[tokio::test]
async fn a_body_that_is_late_is_returned_as_far_as_it_came() {
    let acts = vec![Act::Send(b"HTTP/1.1 202 Accepted\r\ncontent-length: 10\r\n\r\nshort".to_vec()), Act::Stall];
    // Time enough for the head: the limit is what ends the body.
    let response = posted(acts, Limits { total: Duration::from_secs(5), ..LIMIT }).await.unwrap();
    assert_eq!((response.status, response.body.as_ref(), response.truncated), (202, &b"short"[..], true));
}

#[tokio::test]
async fn a_compressed_body_is_not_decompressed() {
    let response = posted(ok("content-encoding: gzip\r\n", [0x1f, 0x8b, 8, 0]), LIMIT).await.unwrap();
    assert_eq!(response.body.as_ref(), [0x1f, 0x8b, 8, 0]);
}

#[tokio::test]
async fn ports_of_webhooks_are_wider_than_those_of_documents() {
    let client = local(None);
    let hook = url("https://hooks.example.com:9000/");
    assert_eq!(client.check(&hook, Purpose::Webhook), Ok(()));
    assert_eq!(client.check(&hook, Purpose::Fetch), Err(UrlRefusal::Port(Purpose::Fetch)));
    let refused = client.post(&url("https://hooks.example.com:25/"), HeaderMap::new(), "{}", LIMIT).await;
    assert_eq!(refused.unwrap_err(), Error::Url(UrlRefusal::Port(Purpose::Webhook)));
}
