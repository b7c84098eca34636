//! One connection for one request.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt as _, select_ok};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{CONTENT_LENGTH, HOST, HeaderMap, HeaderValue, TRANSFER_ENCODING, USER_AGENT};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::{DnsName, ServerName};
use trustplane_domain::outbound::{Host, OutboundUrl, Purpose};

use crate::{Client, Error, Limits, Step};

/// Name of this client in requests.
const AGENT: HeaderValue = HeaderValue::from_static(concat!("Trustplane/", env!("CARGO_PKG_VERSION")));
/// Most addresses of a host that are tried.
const MAX_ADDRESSES: usize = 4;
/// Head start of an address before the next.
const HEAD_START: Duration = Duration::from_millis(250);
/// Most bytes of status line and headers of a response.
const HEAD: usize = 32 * 1024;

/// A response whose body has not been read. The connection ends when it is dropped.
pub(crate) struct Exchange {
    pub(crate) response: hyper::Response<Incoming>,
    /// Drives the connection.
    pub(crate) driver: JoinSet<()>,
}

impl Client {
    /// Sends a request after checking the URL, and waits for the head of the response. Follows no redirect.
    ///
    /// The caller bounds the time in all.
    pub(crate) async fn exchange(
        &self,
        url: &OutboundUrl,
        purpose: Purpose,
        method: Method,
        headers: HeaderMap,
        body: Bytes,
        limits: Limits,
    ) -> Result<Exchange, Error> {
        self.rules.check(url, purpose)?;
        let addresses = self.addresses(url.host(), limits.connect).await?;
        let stream = match timeout(limits.connect, self.connect(url, addresses)).await {
            Ok(stream) => stream?,
            Err(_elapsed) => return Err(Error::Timeout(Step::Connect)),
        };
        let mut builder = http1::Builder::new();
        builder.max_buf_size(2 * HEAD).max_header_size(HEAD);
        let (mut sender, connection) =
            builder.handshake(TokioIo::new(stream)).await.map_err(|error| malformed(&error, url))?;
        let mut driver = JoinSet::new();
        driver.spawn(async move {
            // INVARIANT: an error of the connection is the error of the request or of the body too.
            let _ = connection.await;
        });
        let request = request(url, method, headers, body)?;
        let response = sender.send_request(request).await.map_err(|error| malformed(&error, url))?;
        Ok(Exchange { response, driver })
    }

    /// Resolves a host, once. An address that is not allowed refuses the host, whatever else it has.
    async fn addresses(&self, host: Host<'_>, limit: Duration) -> Result<Vec<IpAddr>, Error> {
        let addresses = match host {
            Host::Address(address) => vec![address],
            Host::Name(name) => match timeout(limit, self.resolver.addresses(name)).await {
                Ok(addresses) => addresses?,
                Err(_elapsed) => return Err(Error::Timeout(Step::Name)),
            },
        };
        match addresses.iter().all(|address| self.rules.allows(*address)) {
            true => Ok(addresses),
            false => Err(Error::Address),
        }
    }

    /// Connects to one of `addresses` and nowhere else. The certificate must be for the host of the URL.
    async fn connect(&self, url: &OutboundUrl, addresses: Vec<IpAddr>) -> Result<TlsStream<TcpStream>, Error> {
        let attempts =
            (0u32..).zip(addresses).take(MAX_ADDRESSES).map(|(place, address)| dial(place, address, url.port()));
        let (stream, _slower) = select_ok(attempts).await.map_err(|error| {
            tracing::info!(host = url.authority(), %error, "no outgoing connection");
            Error::Connect
        })?;
        let name = match url.host() {
            Host::Address(address) => ServerName::from(address),
            Host::Name(name) => {
                ServerName::DnsName(DnsName::try_from(name.to_owned()).map_err(|_| Error::NameNotFound)?)
            }
        };
        self.tls.connect(name, stream).await.map_err(|error| {
            tracing::info!(host = url.authority(), %error, "no outgoing TLS");
            Error::of_handshake(&error)
        })
    }
}

fn dial(place: u32, address: IpAddr, port: u16) -> BoxFuture<'static, std::io::Result<TcpStream>> {
    async move {
        sleep(HEAD_START * place).await;
        let stream = TcpStream::connect(SocketAddr::new(address, port)).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }
    .boxed()
}

fn request(url: &OutboundUrl, method: Method, headers: HeaderMap, body: Bytes) -> Result<Request<Full<Bytes>>, Error> {
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = method;
    *request.uri_mut() = url.path_and_query().parse().map_err(|_| Error::Protocol)?;
    *request.headers_mut() = headers;
    request.headers_mut().remove(CONTENT_LENGTH);
    request.headers_mut().remove(TRANSFER_ENCODING);
    request.headers_mut().insert(HOST, HeaderValue::from_str(&url.authority()).map_err(|_| Error::Protocol)?);
    request.headers_mut().insert(USER_AGENT, AGENT);
    Ok(request)
}

/// Converts an error of HTTP.
pub(crate) fn malformed(error: &hyper::Error, url: &OutboundUrl) -> Error {
    tracing::info!(host = url.authority(), %error, "malformed response");
    Error::Protocol
}
