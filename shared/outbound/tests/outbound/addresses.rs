//! Names that resolve to addresses without public hosts.

use trustplane_outbound::{Error, HeaderMap, UrlRefusal};

use crate::support::{AMPLE, Answer, Dns, Server, authority, deployed, fetch, local, ok, url};

/// An address of each special-purpose block, and of each form of an IPv4 address in an IPv6 address.
const SPECIAL: &[&str] = &[
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "169.254.170.2",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.0.8",
    "192.0.0.9",
    "192.0.0.10",
    "192.0.0.170",
    "192.0.0.171",
    "192.0.2.1",
    "192.31.196.1",
    "192.52.193.1",
    "192.88.99.1",
    "192.88.99.2",
    "192.168.1.1",
    "192.175.48.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::808:808",
    "64:ff9b:1::7f00:1",
    "100::1",
    "100:0:0:1::1",
    "2001::1",
    "2001:0:808:808::1",
    "2001:1::1",
    "2001:1::2",
    "2001:1::3",
    "2001:2::1",
    "2001:3::1",
    "2001:4:112::1",
    "2001:10::1",
    "2001:20::1",
    "2001:30::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "2002:808:808::1",
    "2620:4f:8000::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "2606:4700::5efe:7f00:1",
    "2606:4700::200:5efe:808:808",
];

#[tokio::test]
async fn a_name_with_a_special_purpose_address_is_refused() {
    for address in SPECIAL {
        let dns = Dns::of(&[address]).await;
        let refused = fetch(&deployed(dns.address), "https://idp.example.com/metadata").await;
        assert_eq!(refused.unwrap_err(), Error::Address, "{address}");
    }
}

#[tokio::test]
async fn a_special_purpose_address_in_a_url_is_refused_without_dns() {
    let dns = Dns::of(&["8.8.8.8"]).await;
    let client = deployed(dns.address);
    let literals = SPECIAL.iter().map(|address| match address.contains(':') {
        true => format!("[{address}]"),
        false => (*address).to_owned(),
    });
    let odd = [
        "0x7f.1",
        "2130706433",
        "0177.0.0.01",
        "127.1",
        "0",
        "0xa9fea9fe",
        "169.254.43518",
        "%31%32%37.1",
        "localhost",
    ];
    for host in literals.chain(odd.map(str::to_owned)) {
        let refused = fetch(&client, &format!("https://{host}/")).await;
        assert_eq!(refused.unwrap_err(), Error::Url(UrlRefusal::Address), "{host}");
    }
    assert_eq!(dns.questions(), [0, 0]);
}

#[tokio::test]
async fn a_deployment_does_not_connect_to_loopback() {
    let server = Server::start(authority().identity(&["hooks.example.com"]), |_| ok("", "")).await;
    let dns = Dns::of(&["127.0.0.1"]).await;
    let refused =
        deployed(dns.address).post(&url(&server.url("hooks.example.com", "/")), HeaderMap::new(), "{}", AMPLE).await;
    assert_eq!(refused.unwrap_err(), Error::Address);
    assert_eq!(server.connections(), 0);
}

/// The bad address may be of either family and at any place: the good ones are not used.
#[tokio::test]
async fn one_bad_address_refuses_the_good_ones() {
    let server = Server::start(authority().identity(&["hooks.example.com"]), |_| ok("", "")).await;
    for addresses in [
        &["127.0.0.1", "10.0.0.1"][..],
        &["10.0.0.1", "127.0.0.1"],
        &["127.0.0.1", "169.254.169.254", "127.0.0.1"],
        &["127.0.0.1", "fd00:ec2::254"],
        &["127.0.0.1", "::1", "::ffff:127.0.0.1"],
        &["127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.1", "10.0.0.1"],
    ] {
        let dns = Dns::of(addresses).await;
        let hook = url(&server.url("hooks.example.com", "/"));
        let refused = local(Some(dns.address)).post(&hook, HeaderMap::new(), "{}", AMPLE).await;
        assert_eq!(refused.unwrap_err(), Error::Address, "{addresses:?}");
    }
    for addresses in [["8.8.8.8", "127.0.0.1"], ["2606:4700:4700::1111", "10.0.0.1"], ["8.8.8.8", "::1"]] {
        let dns = Dns::of(&addresses).await;
        assert_eq!(fetch(&deployed(dns.address), "https://idp.example.com/").await.unwrap_err(), Error::Address);
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn an_alias_of_a_private_name_is_refused() {
    let dns = Dns::start(|_, _| Answer::Alias("intranet.example.com.", vec!["10.0.0.1".parse().unwrap()])).await;
    assert_eq!(fetch(&deployed(dns.address), "https://idp.example.com/").await.unwrap_err(), Error::Address);
}

/// DNS has a good address for the first question, and a bad one for each question after it.
#[tokio::test]
async fn a_name_is_resolved_once_so_that_it_cannot_change_after_the_check() {
    let server = Server::start(authority().identity(&["hooks.example.com"]), |_| ok("", "")).await;
    let dns = Dns::start(|_, number| {
        Answer::Addresses(vec![if number == 0 { "127.0.0.1" } else { "10.0.0.1" }.parse().unwrap()])
    })
    .await;
    let client = local(Some(dns.address));
    let hook = url(&server.url("hooks.example.com", "/"));
    let response = client.post(&hook, HeaderMap::new(), "{}", AMPLE).await.unwrap();
    assert_eq!((response.status, dns.questions()), (200, [1, 1]));
    // The next request resolves it again, and is refused.
    assert_eq!(client.post(&hook, HeaderMap::new(), "{}", AMPLE).await.unwrap_err(), Error::Address);
    assert_eq!((server.connections(), dns.questions()), (1, [2, 2]));
}

#[tokio::test]
async fn the_server_gets_the_name_of_the_url() {
    let server = Server::start(authority().identity(&["hooks.example.com"]), |_| ok("", "")).await;
    let dns = Dns::of(&["127.0.0.1"]).await;
    let hook = url(&server.url("HOOKS.example.com.", "/a%20b?c=d"));
    local(Some(dns.address)).post(&hook, HeaderMap::new(), "{}", AMPLE).await.unwrap();
    let seen = server.seen();
    assert_eq!(seen[0].name.as_deref(), Some("hooks.example.com"));
    assert!(seen[0].head.starts_with("POST /a%20b?c=d HTTP/1.1\r\n"), "{}", seen[0].head);
    assert!(seen[0].head.contains(&format!("\r\nhost: hooks.example.com:{}\r\n", server.port)), "{}", seen[0].head);
}

#[tokio::test]
async fn an_address_that_refuses_connections_gives_way_to_the_next() {
    // The server listens on 127.0.0.1 only.
    let server = Server::start(authority().identity(&["hooks.example.com"]), |_| ok("", "")).await;
    let dns = Dns::of(&["127.0.0.2", "127.0.0.1", "::1"]).await;
    let hook = url(&server.url("hooks.example.com", "/"));
    let response = local(Some(dns.address)).post(&hook, HeaderMap::new(), "{}", AMPLE).await.unwrap();
    assert_eq!(response.status, 200);
}

#[tokio::test]
async fn names_without_an_address_say_why() {
    for (answer, error) in [
        (Answer::Missing, Error::NameNotFound),
        (Answer::Addresses(vec![]), Error::NameNotFound),
        (Answer::Failure, Error::NameLookup),
    ] {
        let dns = Dns::start(move |_, _| answer.clone()).await;
        assert_eq!(fetch(&deployed(dns.address), "https://idp.example.com/").await.unwrap_err(), error);
    }
}

#[tokio::test]
async fn the_own_host_is_refused() {
    let refused = fetch(&local(None), "https://API.trustplane.test./v1/webhooks").await;
    assert_eq!(refused.unwrap_err(), Error::Url(UrlRefusal::OwnHost));
}
