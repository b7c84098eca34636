//! Sizes and encodings of documents.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use trustplane_outbound::{Document, Error, Limits};

use crate::support::{AMPLE, Act, Server, authority, fetch_within, local, ok};

const LIMIT: Limits = Limits { body: 1024, ..AMPLE };

async fn fetched(acts: Vec<Act>) -> Result<Document, Error> {
    let server = Server::start(authority().identity(&["idp.localhost"]), move |_| acts.clone()).await;
    fetch_within(&local(None), &server.url("idp.localhost", "/"), LIMIT).await
}

fn sent(text: &str) -> Act {
    Act::Send(text.as_bytes().to_vec())
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn a_body_at_the_limit_is_read_and_one_byte_more_is_not() {
    let body = "x".repeat(1024);
    assert_eq!(fetched(ok("", &body)).await.unwrap().body, body);
    let chunked = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n400\r\n{body}\r\n0\r\n\r\n");
    assert_eq!(fetched(vec![sent(&chunked)]).await.unwrap().body, body);
    let until_close = format!("HTTP/1.1 200 OK\r\n\r\n{body}");
    assert_eq!(fetched(vec![sent(&until_close)]).await.unwrap().body, body);

    let longer = format!("{body}x");
    assert_eq!(fetched(ok("", &longer)).await.unwrap_err(), Error::TooLarge(1024));
    let chunked = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n401\r\n{longer}\r\n0\r\n\r\n");
    assert_eq!(fetched(vec![sent(&chunked)]).await.unwrap_err(), Error::TooLarge(1024));
    let until_close = format!("HTTP/1.1 200 OK\r\n\r\n{longer}");
    assert_eq!(fetched(vec![sent(&until_close)]).await.unwrap_err(), Error::TooLarge(1024));
}

#[tokio::test]
async fn an_endless_body_is_not_read_to_its_end() {
    for (head, part) in [
        ("HTTP/1.1 200 OK\r\n\r\n", "x"),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "1\r\nx\r\n"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 18446744073709551613\r\n\r\n", "x"),
        ("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n", "x"),
    ] {
        let body = fetched(vec![sent(head), Act::Forever(part.repeat(1000).into_bytes())]).await;
        assert_eq!(body.unwrap_err(), Error::TooLarge(1024), "{head}");
    }
}

#[tokio::test]
async fn a_declared_length_over_the_limit_is_refused_before_the_body() {
    let acts = vec![sent("HTTP/1.1 200 OK\r\ncontent-length: 1025\r\n\r\n"), Act::Stall];
    assert_eq!(fetched(acts).await.unwrap_err(), Error::TooLarge(1024));
}

#[tokio::test]
async fn gzip_is_decompressed() {
    for encoding in ["gzip", "GZIP", "x-gzip"] {
        let document = fetched(ok(&format!("content-encoding: {encoding}\r\n"), gzip(b"<xml/>"))).await.unwrap();
        assert_eq!(document.body.as_ref(), b"<xml/>");
    }
    let members = [gzip(b"<x"), gzip(b"ml/>")].concat();
    assert_eq!(fetched(ok("content-encoding: gzip\r\n", members)).await.unwrap().body.as_ref(), b"<xml/>");
    let identity = fetched(ok("content-encoding: identity\r\n", "<xml/>")).await.unwrap();
    assert_eq!(identity.body.as_ref(), b"<xml/>");
}

#[tokio::test]
async fn a_compression_bomb_is_not_decompressed() {
    // A megabyte in about a thousand bytes, whose end is missing: who reads as far as that finds it damaged.
    let mut bomb = gzip(&vec![0; 900_000]);
    bomb.truncate(bomb.len() - 8);
    assert!(bomb.len() < 1024, "{}", bomb.len());
    assert_eq!(fetched(ok("content-encoding: gzip\r\n", bomb)).await.unwrap_err(), Error::TooLarge(1024));
    let exact = gzip(&[0; 1024]);
    assert_eq!(fetched(ok("content-encoding: gzip\r\n", exact)).await.unwrap().body.len(), 1024);
    let over = gzip(&[0; 1025]);
    assert_eq!(fetched(ok("content-encoding: gzip\r\n", over)).await.unwrap_err(), Error::TooLarge(1024));
    let members = gzip(&[0; 100]).repeat(11);
    assert!(members.len() < 1024, "{}", members.len());
    assert_eq!(fetched(ok("content-encoding: gzip\r\n", members)).await.unwrap_err(), Error::TooLarge(1024));
}

#[tokio::test]
async fn other_encodings_and_damaged_bodies_are_refused() {
    let whole = gzip(b"<xml/>");
    let mut wrong = whole.clone();
    let checksum = wrong.len() - 8;
    wrong[checksum] ^= 1;
    for (headers, body) in [
        ("content-encoding: br\r\n", whole.clone()),
        ("content-encoding: deflate\r\n", whole.clone()),
        ("content-encoding: gzip, gzip\r\n", gzip(&whole)),
        ("content-encoding: gzip\r\ncontent-encoding: gzip\r\n", gzip(&whole)),
        ("content-encoding: gzip\r\n", b"<xml/>".to_vec()),
        ("content-encoding: gzip\r\n", whole[..whole.len() - 1].to_vec()),
        ("content-encoding: gzip\r\n", wrong),
    ] {
        assert_eq!(fetched(ok(headers, body)).await.unwrap_err(), Error::Encoding, "{headers}");
    }
}

#[tokio::test]
async fn responses_that_are_not_http_are_refused() {
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(200));
    let large = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "y".repeat(100_000));
    for text in [
        "",
        "<html>",
        "SSH-2.0-OpenSSH_9.9\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nshort",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nshort\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nx\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        &many,
        &large,
    ] {
        let start = text.get(..60).unwrap_or(text);
        assert_eq!(fetched(vec![sent(text)]).await.unwrap_err(), Error::Protocol, "{start}");
    }
    let endless = vec![sent("HTTP/1.1 200 OK\r\n"), Act::Forever(b"x: y\r\n".repeat(100))];
    assert_eq!(fetched(endless).await.unwrap_err(), Error::Protocol);
}

#[tokio::test]
async fn a_status_that_is_no_success_is_an_error() {
    for status in [300, 304, 400, 401, 403, 404, 410, 429, 500, 503] {
        let text = format!("HTTP/1.1 {status} Other\r\ncontent-length: 2\r\n\r\nno");
        assert_eq!(fetched(vec![sent(&text)]).await.unwrap_err(), Error::Status(status));
    }
    let upgrade = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: other\r\n\r\n";
    assert_eq!(fetched(vec![sent(upgrade)]).await.unwrap_err(), Error::Status(101));
    let hints = "HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
    assert_eq!(fetched(vec![sent(hints)]).await.unwrap().body.as_ref(), b"ok");
}
