//! Servers, certificates and clients of the tests.

mod authority;
mod dns;
mod server;

use std::net::SocketAddr;
use std::time::Duration;

use trustplane_outbound::{Client, Document, Error, Fetched, Limits, OutboundUrl, Settings};

pub use authority::{Authority, Identity, authority, self_signed};
pub use dns::{Answer, Dns};
pub use server::{Act, Listener, Server, ok, redirect};

/// Limits that a passing test stays far below on a busy machine.
pub const AMPLE: Limits = Limits { connect: Duration::from_secs(60), total: Duration::from_secs(120), body: 64 * 1024 };

/// A client of the local stack: trusts the tests' authority, may connect to loopback. `dns` is the server it asks.
pub fn local(dns: Option<SocketAddr>) -> Client {
    Client::new(&Settings::read(environment(dns)).unwrap()).unwrap()
}

/// The variables that [`local`] reads. Without a DNS server, one that does not exist.
pub fn environment(dns: Option<SocketAddr>) -> Vec<(String, String)> {
    let dns = dns.map_or_else(|| "127.0.0.1:1".to_owned(), |address| address.to_string());
    [
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
        ("TRUSTPLANE_OUTBOUND_TEST_ROOT", authority().path()),
        ("TRUSTPLANE_API_HOST", "api.trustplane.test"),
        ("TRUSTPLANE_DNS_SERVER", &dns),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

/// A client of a deployment: public addresses only.
pub fn deployed(dns: SocketAddr) -> Client {
    let variables = [("TRUSTPLANE_DNS_SERVER".to_owned(), dns.to_string())];
    Client::new(&Settings::read(variables).unwrap()).unwrap()
}

/// Reads a URL.
pub fn url(text: &str) -> OutboundUrl {
    OutboundUrl::parse(text).unwrap()
}

/// Fetches a document without conditions.
pub async fn fetch(client: &Client, text: &str) -> Result<Document, Error> {
    fetch_within(client, text, AMPLE).await
}

/// Fetches a document without conditions, within limits of the test's own.
pub async fn fetch_within(client: &Client, text: &str, limits: Limits) -> Result<Document, Error> {
    let (url, bound) = (url(text), AMPLE.total * 2);
    let fetched = tokio::time::timeout(bound, client.fetch(&url, limits, None)).await;
    match fetched.expect("the client ends a request at its time limit")? {
        Fetched::Document(document) => Ok(*document),
        Fetched::NotModified => panic!("not modified, without a condition"),
    }
}
