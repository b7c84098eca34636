//! Idle connections.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use hyper::Uri;
use hyper::http::uri::Scheme;

use super::connection::Sender;

/// Time after which an idle connection is not used any more: services close theirs.
const IDLE: Duration = Duration::from_secs(90);

/// Most idle connections. A function makes a handful of calls at the same time.
const MOST: usize = 16;

/// A service, by where it is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) is_tls: bool,
    pub(super) host: String,
    pub(super) port: u16,
}

#[derive(Default)]
pub(super) struct Pool(Mutex<Vec<Idle>>);

struct Idle {
    origin: Origin,
    sender: Sender,
    since: Instant,
}

impl Origin {
    /// The origin of a URL with a host.
    pub(super) fn of(uri: &Uri) -> Option<Self> {
        let is_tls = uri.scheme() != Some(&Scheme::HTTP);
        let host = uri.host()?.to_owned();
        let port = uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        Some(Self { is_tls, host, port })
    }

    /// Host and port as a request names them: without the port that its scheme has anyway.
    pub(super) fn authority(&self) -> String {
        match (self.is_tls, self.port) {
            (true, 443) | (false, 80) => self.host.clone(),
            (_, port) => format!("{}:{port}", self.host),
        }
    }
}

impl Pool {
    /// Takes the connection to `origin` that was used last, if one is open.
    pub(super) async fn take(&self, origin: &Origin) -> Option<Sender> {
        while let Some(mut sender) = self.newest(origin) {
            if sender.ready().await.is_ok() {
                return Some(sender);
            }
        }
        None
    }

    fn newest(&self, origin: &Origin) -> Option<Sender> {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|idle| idle.since.elapsed() < IDLE && !idle.sender.is_closed());
        let place = idle.iter().rposition(|idle| idle.origin == *origin)?;
        Some(idle.remove(place).sender)
    }

    /// Keeps a connection whose response was read.
    pub(super) fn keep(&self, origin: Origin, sender: Sender) {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() >= MOST {
            drop(idle.remove(0));
        }
        idle.push(Idle { origin, sender, since: Instant::now() });
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Pool")
    }
}
