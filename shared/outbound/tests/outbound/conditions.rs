//! Conditional requests.

use trustplane_outbound::{Fetched, Validators};

use crate::support::{AMPLE, Act, Server, authority, fetch, local, ok, url};

const DATE: &str = "Fri, 27 Nov 2026 20:00:00 GMT";

#[tokio::test]
async fn the_validators_of_a_document_make_the_next_request_conditional() {
    let server = Server::start(authority().identity(&["idp.localhost"]), |path| match path {
        "/changed" => ok("etag: \"2\"\r\n", "new"),
        "/same" => vec![Act::Send(b"HTTP/1.1 304 Not Modified\r\netag: \"1\"\r\n\r\n".to_vec())],
        _ => ok(&format!("etag: W/\"1\"\r\nlast-modified: {DATE}\r\n"), "old"),
    })
    .await;
    let client = local(None);
    let first = fetch(&client, &server.url("idp.localhost", "/first")).await.unwrap();
    let known = first.validators();
    assert_eq!(known, Validators::new(Some("W/\"1\""), Some(DATE)));

    let same = client.fetch(&url(&server.url("idp.localhost", "/same")), AMPLE, Some(&known)).await.unwrap();
    assert!(matches!(same, Fetched::NotModified));
    let changed = client.fetch(&url(&server.url("idp.localhost", "/changed")), AMPLE, Some(&known)).await.unwrap();
    let Fetched::Document(changed) = changed else { panic!("not modified") };
    assert_eq!(changed.body.as_ref(), b"new");
    assert_eq!(changed.validators(), Validators::new(Some("\"2\""), None));

    let seen = server.seen();
    assert!(!seen[0].head.contains("if-"), "{}", seen[0].head);
    assert!(seen[0].head.contains("\r\naccept-encoding: gzip\r\n"), "{}", seen[0].head);
    for conditional in &seen[1..] {
        assert!(conditional.head.contains("\r\nif-none-match: W/\"1\"\r\n"), "{}", conditional.head);
        assert!(conditional.head.contains(&format!("\r\nif-modified-since: {DATE}\r\n")), "{}", conditional.head);
    }
}
