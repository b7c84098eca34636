//! The client.

use std::fmt;
use std::sync::Arc;

use tokio_rustls::TlsConnector;
use trustplane_dns::{NoServer, Resolver};
use trustplane_domain::outbound::{OutboundUrl, Purpose, Rules, UrlRefusal};

use crate::{Settings, certificates};

/// Sends requests to addresses that tenants chose. See the [crate documentation](crate) for the rules.
pub struct Client {
    pub(crate) rules: Rules,
    pub(crate) resolver: Resolver,
    pub(crate) tls: TlsConnector,
}

/// Reason why no client can be made.
#[derive(Debug)]
pub enum ClientError {
    /// There is no DNS server to ask.
    Dns(NoServer),
    /// A root certificate cannot be used.
    Tls(tokio_rustls::rustls::Error),
}

impl Client {
    /// Makes the client of a process from its environment, see [`Settings::from_env`]. For
    /// `trustplane_runtime::http_with` and `event_handler_with`.
    ///
    /// # Errors
    /// A setting that cannot be read, or a [`ClientError`]. The process must not start.
    pub fn from_env() -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self::new(&Settings::from_env()?)?)
    }

    /// Makes a client.
    pub fn new(settings: &Settings) -> Result<Self, ClientError> {
        Ok(Self {
            rules: settings.rules(),
            resolver: Resolver::new(settings.dns_server).map_err(ClientError::Dns)?,
            tls: TlsConnector::from(Arc::new(certificates::tls(settings).map_err(ClientError::Tls)?)),
        })
    }

    /// Checks a URL, as far as this is possible without a request. For handlers that store a URL.
    pub fn check(&self, url: &OutboundUrl, purpose: Purpose) -> Result<(), UrlRefusal> {
        self.rules.check(url, purpose)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Client").field("rules", &self.rules).finish_non_exhaustive()
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(error) => error.fmt(formatter),
            Self::Tls(error) => write!(formatter, "a root certificate cannot be used: {error}"),
        }
    }
}

impl std::error::Error for ClientError {}
