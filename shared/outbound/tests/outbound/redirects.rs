//! Redirects of documents.

use trustplane_outbound::{Error, Purpose, RedirectFault, UrlRefusal};

use crate::support::{Act, Answer, Dns, Server, authority, fetch, local, ok, redirect};

#[tokio::test]
async fn three_redirects_are_followed_and_a_fourth_is_not() {
    let server = Server::start(authority().identity(&["idp.localhost"]), |path| match path {
        "/0" => ok("", "document"),
        "/1" => redirect(301, "/0"),
        "/2" => redirect(302, "1#part"),
        "/3" => redirect(307, "?"),
        "/3?" => redirect(303, "/2"),
        _ => redirect(308, "/3"),
    })
    .await;
    let client = local(None);
    let document = fetch(&client, &server.url("idp.localhost", "/2")).await.unwrap();
    assert_eq!((document.body.as_ref(), document.url.path_and_query()), (&b"document"[..], "/0"));
    let document = fetch(&client, &server.url("idp.localhost", "/3?")).await.unwrap();
    assert_eq!((document.body.as_ref(), document.url.path_and_query()), (&b"document"[..], "/0"));
    let before = server.seen().len();
    let refused = fetch(&client, &server.url("idp.localhost", "/4")).await;
    assert_eq!(refused.unwrap_err(), Error::Redirect(RedirectFault::TooMany));
    assert_eq!(server.seen().len() - before, 4);
}

#[tokio::test]
async fn a_circle_ends() {
    let server = Server::start(authority().identity(&["idp.localhost"]), |path| {
        redirect(302, if path == "/a" { "/b" } else { "/a" })
    })
    .await;
    let refused = fetch(&local(None), &server.url("idp.localhost", "/a")).await;
    assert_eq!(refused.unwrap_err(), Error::Redirect(RedirectFault::TooMany));
    assert_eq!(server.seen().len(), 4);
}

#[tokio::test]
async fn a_redirect_is_checked_like_the_first_url() {
    let address = UrlRefusal::Address;
    for (location, error) in [
        ("http://idp.example.com/", RedirectFault::Location),
        ("http://idp.localhost/", RedirectFault::Location),
        ("HTTP:/idp.example.com/", RedirectFault::Location),
        ("ftp://idp.example.com/", RedirectFault::Location),
        ("file:///etc/passwd", RedirectFault::Location),
        ("gopher://127.0.0.1:6379/_FLUSHALL", RedirectFault::Location),
        ("data:text/xml,x", RedirectFault::Location),
        ("https://user:password@idp.example.com/", RedirectFault::Location),
        ("https://", RedirectFault::Location),
        ("https://10.0.0.1/", RedirectFault::Url(address)),
        ("//169.254.169.254/latest/meta-data/", RedirectFault::Url(address)),
        ("https://0xa9fea9fe/", RedirectFault::Url(address)),
        ("https://2852039166/", RedirectFault::Url(address)),
        ("https://[::ffff:169.254.169.254]/", RedirectFault::Url(address)),
        ("https://[fd00:ec2::254]/", RedirectFault::Url(address)),
        ("https://idp.example.com:22/", RedirectFault::Url(UrlRefusal::Port(Purpose::Fetch))),
        ("https://api.trustplane.test/v1/webhooks", RedirectFault::Url(UrlRefusal::OwnHost)),
    ] {
        let server = Server::start(authority().identity(&["idp.localhost"]), move |_| redirect(302, location)).await;
        let refused = fetch(&local(None), &server.url("idp.localhost", "/")).await;
        assert_eq!(refused.unwrap_err(), Error::Redirect(error), "{location}");
        assert_eq!(server.connections(), 1, "{location}");
    }
}

#[tokio::test]
async fn a_redirect_to_a_name_with_a_private_address_is_refused() {
    let dns = Dns::start(|_, _| Answer::Addresses(vec!["10.0.0.1".parse().unwrap()])).await;
    let server =
        Server::start(authority().identity(&["idp.localhost"]), |_| redirect(302, "https://intranet.example.com/"))
            .await;
    let refused = fetch(&local(Some(dns.address)), &server.url("idp.localhost", "/")).await;
    assert_eq!(refused.unwrap_err(), Error::Address);
}

#[tokio::test]
async fn a_redirect_without_a_location_is_refused() {
    for head in ["HTTP/1.1 302 Found\r\n\r\n", "HTTP/1.1 302 Found\r\nlocation: https://\u{fc}.example/\r\n\r\n"] {
        let acts = vec![Act::Send(head.as_bytes().to_vec())];
        let server = Server::start(authority().identity(&["idp.localhost"]), move |_| acts.clone()).await;
        let refused = fetch(&local(None), &server.url("idp.localhost", "/")).await;
        assert_eq!(refused.unwrap_err(), Error::Redirect(RedirectFault::Location));
    }
}

#[tokio::test]
async fn another_host_must_have_a_certificate_of_its_own() {
    let other = Server::start(authority().identity(&["other.localhost"]), |_| ok("", "moved")).await;
    let (good, bad) = (other.url("other.localhost", "/m"), other.url("third.localhost", "/m"));
    let server = Server::start(authority().identity(&["idp.localhost"]), move |path| {
        redirect(302, if path == "/good" { &good } else { &bad })
    })
    .await;
    let document = fetch(&local(None), &server.url("idp.localhost", "/good")).await.unwrap();
    assert_eq!(
        (document.body.as_ref(), document.url.as_str()),
        (&b"moved"[..], other.url("other.localhost", "/m").as_str())
    );
    assert_eq!(other.seen()[0].name.as_deref(), Some("other.localhost"));
    let refused = fetch(&local(None), &server.url("idp.localhost", "/bad")).await;
    assert!(matches!(refused, Err(Error::Certificate(_))), "{refused:?}");
}
