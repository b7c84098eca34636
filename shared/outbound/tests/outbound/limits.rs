//! Time limits. Each server here would hold up the client for ever, so a time-out is the only end of the request.

use std::time::Duration;

use trustplane_outbound::{Error, HeaderMap, Limits, Step};

use crate::support::{AMPLE, Act, Answer, Dns, Listener, Server, authority, deployed, fetch_within, local, url};

const SHORT: Duration = Duration::from_millis(500);

#[tokio::test]
async fn slow_responses_end_at_the_limit() {
    let ok = || Act::Send(b"HTTP/1.1 200 OK\r\n".to_vec());
    for acts in [
        vec![Act::Stall],
        vec![Act::Drip(b"\r\n".to_vec())],
        vec![ok(), Act::Drip(b"x: y\r\n".to_vec())],
        vec![ok(), Act::Send(b"\r\n".to_vec()), Act::Drip(b"x".to_vec())],
        vec![ok(), Act::Send(b"content-length: 10\r\n\r\n".to_vec()), Act::Stall],
        vec![ok(), Act::Send(b"transfer-encoding: chunked\r\n\r\n".to_vec()), Act::Drip(b"1\r\nx\r\n".to_vec())],
        vec![Act::Forever(b"HTTP/1.1 103 Early Hints\r\n\r\n".to_vec())],
        vec![Act::Drip(b"HTTP/1.1 100 Continue\r\n\r\n".to_vec())],
    ] {
        let named = format!("{acts:?}");
        let server = Server::start(authority().identity(&["idp.localhost"]), move |_| acts.clone()).await;
        let late =
            fetch_within(&local(None), &server.url("idp.localhost", "/"), Limits { total: SHORT, ..AMPLE }).await;
        assert_eq!(late.unwrap_err(), Error::Timeout(Step::Response), "{named}");
    }
}

#[tokio::test]
async fn a_slow_redirect_takes_the_time_of_the_whole() {
    let server = Server::start(authority().identity(&["idp.localhost"]), |path| match path {
        "/" => vec![Act::Send(b"HTTP/1.1 302 Found\r\nlocation: /slow\r\n\r\n".to_vec())],
        _ => vec![Act::Stall],
    })
    .await;
    let late = fetch_within(&local(None), &server.url("idp.localhost", "/"), Limits { total: SHORT, ..AMPLE }).await;
    assert_eq!(late.unwrap_err(), Error::Timeout(Step::Response));
}

#[tokio::test]
async fn a_handshake_ends_at_the_limit() {
    let silent = Listener::start(|stream| async move {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;
    let host = format!("https://127.0.0.1:{}/", silent.address.port());
    let late = fetch_within(&local(None), &host, Limits { connect: SHORT, ..AMPLE }).await;
    assert_eq!(late.unwrap_err(), Error::Timeout(Step::Connect));
    assert_eq!(silent.connections(), 1);
}

#[tokio::test]
async fn dns_ends_at_the_limit() {
    let dns = Dns::start(|_, _| Answer::Silence).await;
    let limits = Limits { connect: SHORT, ..AMPLE };
    let late = fetch_within(&deployed(dns.address), "https://idp.example.com/", limits).await;
    assert_eq!(late.unwrap_err(), Error::Timeout(Step::Name));
}

#[tokio::test]
async fn a_webhook_without_a_response_ends_at_the_limit() {
    let server = Server::start(authority().identity(&["hooks.localhost"]), |_| vec![Act::Stall]).await;
    let hook = url(&server.url("hooks.localhost", "/"));
    let late = local(None).post(&hook, HeaderMap::new(), "{}", Limits { total: SHORT, ..AMPLE }).await;
    assert_eq!(late.unwrap_err(), Error::Timeout(Step::Response));
}
