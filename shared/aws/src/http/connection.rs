//! New connections.

use std::fmt;
use std::sync::Arc;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::result::ConnectorError;
use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};

use super::pool::Origin;

/// The sending side of a connection.
pub(super) type Sender = http1::SendRequest<Full<Bytes>>;

/// TCP, with or without TLS: one type, so that HTTP is compiled once.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Makes connections.
pub(super) struct Connector {
    /// `None` if the configuration of TLS is wrong: no protocol version in common with the cipher library.
    tls: Option<TlsConnector>,
}

impl Connector {
    /// Trusts the certificates of `pem` and no others. One that cannot be read is left out.
    pub(super) fn trusting(pem: &[u8]) -> Self {
        let mut roots = RootCertStore::empty();
        let _ = roots.add_parsable_certificates(CertificateDer::pem_slice_iter(pem).filter_map(Result::ok));
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map(|config| config.with_root_certificates(roots).with_no_client_auth());
        Self { tls: config.ok().map(|config| TlsConnector::from(Arc::new(config))) }
    }

    /// Connects to a service. The caller bounds the time.
    pub(super) async fn connect(&self, origin: &Origin) -> Result<Sender, ConnectorError> {
        let failed = |error: BoxError| ConnectorError::io(error).never_connected();
        let stream = self.stream(origin).await.map_err(failed)?;
        let (sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|error| failed(error.into()))?;
        drop(tokio::spawn(async move {
            // An error of the connection is the error of its request too.
            let _ = connection.await;
        }));
        Ok(sender)
    }

    async fn stream(&self, origin: &Origin) -> Result<Box<dyn Stream>, BoxError> {
        // An address of IPv6 has brackets in a URL.
        let host = origin.host.trim_matches(['[', ']']);
        let tcp = TcpStream::connect((host, origin.port)).await?;
        // Otherwise a request in two pieces may wait for the acknowledgement of the first.
        tcp.set_nodelay(true)?;
        if !origin.is_tls {
            return Ok(Box::new(tcp));
        }
        let tls = self.tls.as_ref().ok_or(rustls::Error::General("no version of TLS".to_owned()))?;
        let name = ServerName::try_from(host.to_owned())?;
        Ok(Box::new(tls.connect(name, tcp).await?))
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Connector")
    }
}
