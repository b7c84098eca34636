//! The HTTP client of the AWS SDK: HTTP/1.1 over TLS.
//!
//! The SDK's own client links HTTP/2 as well, a tenth of a function's code, which none of the calls here needs. Connections are
//! hyper's and TLS is rustls'; what is written here is the pool of idle connections and the classes of errors, which are
//! those of the SDK's client.

mod connection;
mod pool;

use std::error::Error;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::retry::ErrorKind;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::header::{HOST, HeaderValue};
use hyper::{Request, Uri};

use self::connection::{Connector, Sender};
use self::pool::{Origin, Pool};

/// Returns a client that trusts the certificates of `pem`.
pub(crate) fn client(pem: &[u8]) -> SharedHttpClient {
    SharedHttpClient::new(Client(Arc::new(Shared { connector: Connector::trusting(pem), pool: Pool::default() })))
}

/// Connections, shared by the clients of all services.
#[derive(Debug)]
struct Shared {
    connector: Connector,
    pool: Pool,
}

#[derive(Debug)]
struct Client(Arc<Shared>);

/// The client, with the time limits of one call.
#[derive(Debug)]
struct Limited {
    shared: Arc<Shared>,
    connect: Option<Duration>,
    read: Option<Duration>,
}

impl HttpClient for Client {
    fn http_connector(&self, settings: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(Limited {
            shared: Arc::clone(&self.0),
            connect: settings.connect_timeout(),
            read: settings.read_timeout(),
        })
    }
}

impl HttpConnector for Limited {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (shared, connect, read) = (Arc::clone(&self.shared), self.connect, self.read);
        HttpConnectorFuture::new(async move { shared.send(request, connect, read).await })
    }
}

impl Shared {
    async fn send(
        &self,
        request: HttpRequest,
        connect: Option<Duration>,
        read: Option<Duration>,
    ) -> Result<HttpResponse, ConnectorError> {
        let (origin, mut request) = prepared(request)?;
        loop {
            let (mut sender, is_new) = match self.pool.take(&origin).await {
                Some(sender) => (sender, false),
                None => (within(connect, self.connector.connect(&origin)).await?, true),
            };
            match within(read, exchange(&mut sender, request)).await {
                Ok(response) => {
                    // A service that fails may do better by another connection.
                    if !response.status().is_server_error() {
                        self.pool.keep(origin, sender);
                    }
                    return Ok(response);
                }
                // The service closed an idle connection before it got anything of the request.
                Err(Failed::Unsent(unsent)) if !is_new => request = *unsent,
                Err(Failed::Unsent(_)) => return Err(ConnectorError::io("the connection closed at once".into())),
                Err(Failed::Sent(error)) => return Err(error),
            }
        }
    }
}

/// A request that got no response.
enum Failed {
    /// Nothing was sent: another connection may do.
    Unsent(Box<Request<Full<Bytes>>>),
    Sent(ConnectorError),
}

impl From<ConnectorError> for Failed {
    fn from(error: ConnectorError) -> Self {
        Self::Sent(error)
    }
}

/// Sends a request and reads the whole response.
async fn exchange(sender: &mut Sender, request: Request<Full<Bytes>>) -> Result<HttpResponse, Failed> {
    let response = match sender.try_send_request(request).await {
        Ok(response) => response,
        Err(mut error) => {
            return Err(match error.take_message() {
                Some(request) => Failed::Unsent(Box::new(request)),
                None => Failed::Sent(classified(error.into_error())),
            });
        }
    };
    let (head, body) = response.into_parts();
    let body = body.collect().await.map_err(classified)?.to_bytes();
    let response = hyper::Response::from_parts(head, SdkBody::from(body));
    HttpResponse::try_from(response).map_err(|error| Failed::Sent(ConnectorError::other(error.into(), None)))
}

/// Returns where a request goes, and the request as HTTP/1.1 has it there.
fn prepared(request: HttpRequest) -> Result<(Origin, Request<Full<Bytes>>), ConnectorError> {
    let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
    let (mut head, body) = request.into_parts();
    let body = body.bytes().map(Bytes::copy_from_slice);
    let body = body.ok_or_else(|| ConnectorError::user("a body that is a stream".into()))?;
    let origin = Origin::of(&head.uri).ok_or_else(|| ConnectorError::user("a URL without a host".into()))?;
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    let path = path.parse::<Uri>().map_err(|error| ConnectorError::user(error.into()))?;
    head.uri = path;
    if !head.headers.contains_key(HOST) {
        let host = HeaderValue::from_str(&origin.authority()).map_err(|error| ConnectorError::user(error.into()))?;
        let _ = head.headers.insert(HOST, host);
    }
    Ok((origin, Request::from_parts(head, Full::new(body))))
}

/// Waits for `result`, for this time at most.
async fn within<T, E: From<ConnectorError>>(
    limit: Option<Duration>,
    result: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    match limit {
        None => result.await,
        Some(limit) => match tokio::time::timeout(limit, result).await {
            Ok(result) => result,
            Err(elapsed) => Err(ConnectorError::timeout(elapsed.into()).into()),
        },
    }
}

/// The class of an error of a connection, as the SDK's own client has it.
fn classified(error: hyper::Error) -> ConnectorError {
    let is_io = error.source().is_some_and(|source| source.is::<std::io::Error>());
    if error.is_timeout() {
        ConnectorError::timeout(error.into())
    } else if error.is_user() {
        ConnectorError::user(error.into())
    } else if error.is_closed() || error.is_canceled() || is_io {
        ConnectorError::io(error.into())
    } else if error.is_incomplete_message() {
        ConnectorError::other(error.into(), Some(ErrorKind::TransientError))
    } else {
        ConnectorError::other(error.into(), None)
    }
}
