//! HTTPS servers on loopback, which functions of the local stack send requests to.

use crate::{Error, authority::Authority};
use axum::Router;
use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinHandle,
};
use tokio_rustls::{TlsAcceptor, rustls::ServerConfig, server::TlsStream};

/// A server. It stops when it is dropped.
#[derive(Debug)]
pub struct Https {
    address: SocketAddr,
    tasks: [JoinHandle<()>; 2],
}

impl Https {
    /// Starts a server on this port of 127.0.0.1; 0 selects a free one. Its certificate of `authority` has these host names
    /// and IP addresses.
    pub async fn start(authority: &Authority, names: &[&str], port: u16, router: Router) -> Result<Self, Error> {
        let config = authority.server(names)?;
        let failed = |error| Error::while_doing(format!("listening on port {port}"), error);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (shaken, streams) = mpsc::channel(16);
        let accept = tokio::spawn(accept(listener, config, shaken));
        let serve = tokio::spawn(async move {
            // It ends only with the listener.
            let _ = axum::serve(Shaken { address, streams }, router).await;
        });
        Ok(Self { address, tasks: [accept, serve] })
    }

    /// Returns the port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }
}

impl Drop for Https {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

type Stream = (TlsStream<TcpStream>, SocketAddr);

/// Connections whose TLS handshake is done.
struct Shaken {
    address: SocketAddr,
    streams: mpsc::Receiver<Stream>,
}

impl axum::serve::Listener for Shaken {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> Stream {
        match self.streams.recv().await {
            Some(stream) => stream,
            // The server is stopping.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

/// Accepts connections. A slow handshake delays no other.
async fn accept(listener: TcpListener, config: Arc<ServerConfig>, shaken: mpsc::Sender<Stream>) {
    let acceptor = TlsAcceptor::from(config);
    loop {
        let Ok((stream, peer)) = listener.accept().await else { continue };
        let (acceptor, shaken) = (acceptor.clone(), shaken.clone());
        tokio::spawn(async move {
            // A client that does not trust the server, or is gone, ends its connection.
            if let Ok(stream) = acceptor.accept(stream).await {
                let _ = shaken.send((stream, peer)).await;
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use trustplane_outbound::{Client, Fetched, Limits, OutboundUrl, Settings};

    #[tokio::test]
    async fn a_client_with_the_root_fetches_from_a_server_of_the_authority() {
        let authority = Authority::new(None).unwrap();
        let router = Router::new().route("/metadata", axum::routing::get(|| async { "<xml/>" }));
        let server = Https::start(&authority, &["idp.localhost", "127.0.0.1"], 0, router).await.unwrap();
        let variables = [
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
            ("TRUSTPLANE_DNS_SERVER", "127.0.0.1:1"),
            (crate::authority::VARIABLE, authority.root().to_str().unwrap()),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let client = Client::new(&Settings::read(variables).unwrap()).unwrap();
        for host in ["idp.localhost", "127.0.0.1"] {
            let url = OutboundUrl::parse(&format!("https://{host}:{}/metadata", server.port())).unwrap();
            match client.fetch(&url, Limits::METADATA, None).await.unwrap() {
                Fetched::Document(document) => assert_eq!(&document.body[..], b"<xml/>"),
                Fetched::NotModified => panic!("not modified, without a condition"),
            }
        }
        let other = OutboundUrl::parse(&format!("https://other.localhost:{}/metadata", server.port())).unwrap();
        let refused = client.fetch(&other, Limits::METADATA, None).await.unwrap_err();
        assert_eq!(refused.code(), "certificate_of_another_host");
    }
}
