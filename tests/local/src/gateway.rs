//! The HTTP API of API Gateway in front of the functions.
//!
//! Routes, events, responses and errors are those of a deployed HTTP API:
//!
//! | case | status | `message` |
//! |---|---|---|
//! | no route | 404 | Not Found |
//! | a body over 10 MB, or an event over Lambda's 6 MB | 413 | Request Entity Too Large |
//! | a request line and headers over 10,240 bytes | 431 | Request Header Fields Too Large |
//! | a path that cannot be decoded | 400 | Bad Request |
//! | the function fails, crashes, times out, or returns an invalid response | 500 | Internal Server Error |
//! | the function exceeds the integration's 30 seconds, or cannot run now | 503 | Service Unavailable |
//!
//! Sources: "Quotas for configuring and running an HTTP API" and "Troubleshooting issues with HTTP API Lambda
//! integrations", API Gateway Developer Guide.

mod event;
mod reply;
mod routes;

use crate::{
    delivery::Delivery,
    invoke,
    lambda::{Lambda, Refusal},
    template::Route,
};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::{ConnectInfo, Request, State},
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use http_body_util::BodyExt;
use reply::message;
use routes::Routes;
use std::{net::SocketAddr, sync::Arc};
use time::OffsetDateTime;

/// Largest size of a body, in bytes.
const BODY_LIMIT: usize = 10 * 1024 * 1024;
/// Largest size of a refused body that is still read to its end, so that the client receives the response.
const DRAIN_LIMIT: usize = 64 * 1024 * 1024;
/// Largest size of the request line and the headers together, in bytes.
const HEADERS_LIMIT: usize = 10_240;

/// Serves `routes`, and the local path for direct invocations.
pub(crate) fn router(routes: &[Route], delivery: Delivery) -> Router {
    let gateway = Arc::new(Gateway { routes: Routes::new(routes), lambda: delivery.lambda.clone() });
    let api = Router::new().fallback(answer).with_state(gateway);
    invoke::router(delivery).fallback_service(api)
}

struct Gateway {
    routes: Routes,
    lambda: Lambda,
}

async fn answer(
    State(gateway): State<Arc<Gateway>>,
    ConnectInfo(client): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let request_id = request_id();
    let mut response = gateway.answer(client, request, &request_id).await;
    if let Ok(id) = HeaderValue::try_from(request_id) {
        response.headers_mut().insert("apigw-requestid", id);
    }
    response
}

impl Gateway {
    async fn answer(&self, client: SocketAddr, request: Request, request_id: &str) -> Response {
        let (parts, body) = request.into_parts();
        let headers: usize = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
        let target = parts.uri.path_and_query().map_or(0, |target| target.as_str().len());
        if headers + target > HEADERS_LIMIT {
            return closing(message(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "Request Header Fields Too Large"));
        }
        let body = match read(body).await {
            Ok(body) => body,
            Err(Unread::TooLarge) => return closing(too_large()),
            // The client is gone.
            Err(Unread::Broken) => return closing(message(StatusCode::BAD_REQUEST, "Bad Request")),
        };
        let Some(path) = event::decode_path(parts.uri.path()) else {
            return message(StatusCode::BAD_REQUEST, "Bad Request");
        };
        let Some(matched) = self.routes.find(parts.method.as_str(), &path) else {
            return message(StatusCode::NOT_FOUND, "Not Found");
        };
        let event = event::event(
            &event::Request {
                method: &parts.method,
                version: parts.version,
                path: &path,
                query: parts.uri.query().unwrap_or_default(),
                headers: &parts.headers,
                body: &body,
                source_ip: client.ip(),
                request_id,
                now: OffsetDateTime::now_utc(),
            },
            &matched,
        );
        // The function runs to its end even if the client or the gateway no longer waits.
        let lambda = self.lambda.clone();
        let function = matched.function.clone();
        let running = tokio::spawn(async move { lambda.invoke(&function, event.to_string().into()).await });
        let unavailable = || message(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable");
        let failed = || message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error");
        match tokio::time::timeout(matched.timeout, running).await {
            Err(_) => unavailable(),
            Ok(Ok(Ok(outcome))) if outcome.failed => failed(),
            Ok(Ok(Ok(outcome))) => reply::reply(&outcome.payload).unwrap_or_else(failed),
            Ok(Ok(Err(Refusal::TooLarge(_)))) => too_large(),
            Ok(Ok(Err(Refusal::Throttled))) => unavailable(),
            Ok(Ok(Err(Refusal::Broken(error)))) => {
                eprintln!("error: {error}");
                failed()
            }
            Ok(Ok(Err(Refusal::Unknown)) | Err(_)) => failed(),
        }
    }
}

enum Unread {
    TooLarge,
    /// The client disconnected before the end of the body.
    Broken,
}

/// Reads a body of up to [`BODY_LIMIT`]. Reads a larger body up to [`DRAIN_LIMIT`], without keeping it.
async fn read(mut body: Body) -> Result<Bytes, Unread> {
    let mut kept = Vec::new();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Unread::Broken)?.into_data() else { continue };
        length += data.len();
        if length <= BODY_LIMIT {
            kept.extend_from_slice(&data);
        } else if length > DRAIN_LIMIT {
            break;
        }
    }
    if length <= BODY_LIMIT { Ok(kept.into()) } else { Err(Unread::TooLarge) }
}

fn too_large() -> Response {
    message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large")
}

fn closing(mut response: Response) -> Response {
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// Generates an id of sixteen characters, as API Gateway does.
fn request_id() -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let random = uuid::Uuid::new_v4();
    let random = random.as_bytes().get(..11).unwrap_or_default();
    STANDARD.encode(random).replace(['+', '/'], "-")
}
