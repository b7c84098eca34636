//! A TLS server that sends whatever a test wants.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use super::Identity;

/// Part of what a server does with a request.
#[derive(Clone, Debug)]
pub enum Act {
    /// Sends bytes.
    Send(Vec<u8>),
    /// Sends bytes again and again, as fast as they are taken, until the client is gone.
    Forever(Vec<u8>),
    /// Sends bytes again and again with a pause after each, until the client is gone.
    Drip(Vec<u8>),
    /// Sends nothing until the client is gone.
    Stall,
}

/// A request as the server saw it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The name that the client indicated in its TLS handshake.
    pub name: Option<String>,
    /// Request line and headers.
    pub head: String,
    /// The body.
    pub body: String,
}

/// A server. It stops when it is dropped.
pub struct Server {
    /// The port on 127.0.0.1.
    pub port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
    listener: Listener,
}

impl Server {
    /// Starts a server. `act` gets the path and query of a request.
    pub async fn start(identity: Identity, act: impl Fn(&str) -> Vec<Act> + Send + Sync + 'static) -> Self {
        let (seen, act) = (Arc::<Mutex<Vec<Seen>>>::default(), Arc::new(act));
        let log = Arc::clone(&seen);
        let listener = Listener::start(move |stream| {
            let (identity, act, log) = (Arc::clone(&identity), Arc::clone(&act), Arc::clone(&log));
            async move {
                // A client that does not trust the server, or is gone, ends the connection.
                let _ = serve(stream, identity, &*act, &log).await;
            }
        })
        .await;
        Self { port: listener.address.port(), seen, listener }
    }

    /// A URL of this server.
    pub fn url(&self, host: &str, path: &str) -> String {
        format!("https://{host}:{}{path}", self.port)
    }

    /// The requests until now.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// Number of TCP connections until now.
    pub fn connections(&self) -> usize {
        self.listener.connections()
    }
}

/// A TCP server. It stops when it is dropped.
pub struct Listener {
    /// Its address.
    pub address: SocketAddr,
    connections: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Listener {
    /// Starts a server that does `serve` with each connection.
    pub async fn start<F: Future<Output = ()> + Send + 'static>(
        serve: impl Fn(TcpStream) -> F + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::<AtomicUsize>::default();
        let accepted = Arc::clone(&connections);
        let task = tokio::spawn(async move {
            loop {
                let (stream, _peer) = listener.accept().await.unwrap();
                accepted.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(stream));
            }
        });
        Self { address, connections, task }
    }

    /// Number of TCP connections until now.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    stream: TcpStream,
    identity: Identity,
    act: &(dyn Fn(&str) -> Vec<Act> + Send + Sync),
    log: &Mutex<Vec<Seen>>,
) -> std::io::Result<()> {
    let mut stream = TlsAcceptor::from(identity).accept(stream).await?;
    let mut read = Vec::new();
    let end = loop {
        if let Some(end) = read.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(&mut read).await? == 0 {
            return Ok(());
        }
    };
    let head = String::from_utf8(read[..end].to_vec()).unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let length: usize = length.map_or(0, |length| length.parse().unwrap());
    while read.len() < end + length {
        if stream.read_buf(&mut read).await? == 0 {
            return Ok(());
        }
    }
    let body = String::from_utf8(read[end..].to_vec()).unwrap();
    let name = stream.get_ref().1.server_name().map(str::to_owned);
    let path = head.split(' ').nth(1).unwrap().to_owned();
    log.lock().unwrap().push(Seen { name, head, body });
    for act in act(&path) {
        match act {
            Act::Send(bytes) => stream.write_all(&bytes).await?,
            Act::Forever(bytes) => loop {
                stream.write_all(&bytes).await?;
                stream.flush().await?;
                tokio::task::yield_now().await;
            },
            Act::Drip(bytes) => loop {
                stream.write_all(&bytes).await?;
                stream.flush().await?;
                tokio::time::sleep(Duration::from_millis(20)).await;
            },
            Act::Stall => {
                stream.flush().await?;
                // Ends with the connection.
                let _ = stream.read_buf(&mut read).await?;
            }
        }
    }
    stream.flush().await?;
    stream.shutdown().await
}

/// A response with a body.
pub fn ok(headers: &str, body: impl AsRef<[u8]>) -> Vec<Act> {
    let body = body.as_ref();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n{headers}\r\n", body.len());
    vec![Act::Send([head.as_bytes(), body].concat())]
}

/// A redirect.
pub fn redirect(status: u16, location: &str) -> Vec<Act> {
    let head = format!("HTTP/1.1 {status} Moved\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n");
    vec![Act::Send(head.into_bytes())]
}
