//! Certificates and TLS.

use proptest::prelude::*;
use rcgen::{ExtendedKeyUsagePurpose, date_time_ymd};
use tokio::io::AsyncWriteExt as _;
use tokio_rustls::rustls::pki_types::DnsName;
use trustplane_domain::outbound::Host;
use trustplane_outbound::{CertificateFault, Error, OutboundUrl};

use crate::support::{Authority, Identity, Listener, Server, authority, fetch, local, ok, self_signed};

async fn refused(identity: Identity, host: &str) -> Error {
    let server = Server::start(identity, |_| ok("", "document")).await;
    let error = fetch(&local(None), &server.url(host, "/")).await.unwrap_err();
    assert!(server.seen().is_empty(), "a request was sent");
    error
}

#[tokio::test]
async fn a_certificate_must_be_for_the_host() {
    let named = |names: &[&str]| authority().identity(names);
    for (names, host) in [
        (&["other.localhost"][..], "idp.localhost"),
        (&["localhost"], "idp.localhost"),
        (&["*.localhost"], "a.idp.localhost"),
        (&["127.0.0.1"], "idp.localhost"),
        (&["idp.localhost"], "127.0.0.1"),
        (&["127.0.0.2"], "127.0.0.1"),
    ] {
        let error = refused(named(names), host).await;
        assert_eq!(error, Error::Certificate(CertificateFault::OtherHost), "{names:?} for {host}");
    }
    for (names, host) in [
        (&["idp.localhost"][..], "idp.localhost"),
        (&["*.idp.localhost"], "a.idp.localhost"),
        (&["127.0.0.1"], "0x7f.1"),
    ] {
        let server = Server::start(named(names), |_| ok("", "document")).await;
        assert_eq!(fetch(&local(None), &server.url(host, "/")).await.unwrap().body.as_ref(), b"document", "{host}");
    }
}

#[tokio::test]
async fn a_certificate_must_be_in_its_time() {
    let expired = authority().identity_with(&["idp.localhost"], |params| {
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 1, 1);
    });
    assert_eq!(refused(expired, "idp.localhost").await, Error::Certificate(CertificateFault::Expired));
    let early = authority().identity_with(&["idp.localhost"], |params| params.not_before = date_time_ymd(4000, 1, 1));
    assert_eq!(refused(early, "idp.localhost").await, Error::Certificate(CertificateFault::NotYetValid));
}

#[tokio::test]
async fn a_certificate_must_lead_to_a_trusted_root() {
    let stranger = Authority::new("stranger").identity(&["idp.localhost"]);
    for identity in [self_signed(&["idp.localhost"]), stranger] {
        assert_eq!(refused(identity, "idp.localhost").await, Error::Certificate(CertificateFault::Untrusted));
    }
}

#[tokio::test]
async fn a_certificate_must_be_for_servers() {
    let client = authority().identity_with(&["idp.localhost"], |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    });
    assert_eq!(refused(client, "idp.localhost").await, Error::Certificate(CertificateFault::Invalid));
}

#[tokio::test]
async fn a_server_must_speak_tls() {
    let plain = Listener::start(|mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        let _ = stream.shutdown().await;
    })
    .await;
    let mute = Listener::start(|stream| async move { drop(stream) }).await;
    for listener in [plain, mute] {
        let error = fetch(&local(None), &format!("https://127.0.0.1:{}/", listener.address.port())).await.unwrap_err();
        assert_eq!(error, Error::Tls);
        assert_eq!(listener.connections(), 1);
    }
}

#[tokio::test]
async fn a_port_that_nobody_listens_at_is_said() {
    let closed = Listener::start(|stream| async move { drop(stream) }).await.address;
    let error = fetch(&local(None), &format!("https://{closed}/")).await.unwrap_err();
    assert_eq!(error, Error::Connect);
}

proptest! {
    /// A URL that is accepted never fails for the form of its host name.
    #[test]
    fn host_names_of_urls_are_names_in_certificates(host in "[a-z0-9_.-]{1,20}|([a-z0-9-]{1,70}\\.){1,4}[a-z]{1,5}") {
        let url = OutboundUrl::parse(&format!("https://{host}/"));
        if let Ok(Host::Name(name)) = url.as_ref().map(OutboundUrl::host) {
            prop_assert!(DnsName::try_from(name.to_owned()).is_ok(), "{}", name);
        }
    }
}
