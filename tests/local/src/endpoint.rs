//! One endpoint for all AWS services of the stack, for `TRUSTPLANE_ENDPOINT_URL`.
//!
//! `sam local` passes only variables that the template declares, so its functions have one endpoint instead of one per
//! service. A request is passed on by its `X-Amz-Target`. A request without one is STS's,
//! whose protocol has none, or S3's if it has a path.

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use hyper_util::rt::TokioIo;
use std::sync::Arc;

/// The endpoints of the services, each `http://host:port`.
#[derive(Debug, Clone)]
pub(crate) struct Services {
    /// DynamoDB and its streams.
    pub dynamodb: String,
    /// EventBridge and SQS.
    pub bus: String,
    /// STS, SSO Admin, Organizations and KMS.
    pub aws: String,
    /// S3, whose requests have a path.
    pub archive: String,
}

impl Services {
    /// Returns the endpoint.
    pub fn router(self) -> Router {
        Router::new().fallback(pass_on).with_state(Arc::new(self))
    }

    fn of_request(&self, target: &str, path: &str) -> &str {
        if target.is_empty() && path.len() > 1 {
            return &self.archive;
        }
        match target.split('.').next().unwrap_or_default() {
            "AWSEvents" | "AmazonSQS" => &self.bus,
            service if service.starts_with("DynamoDB") => &self.dynamodb,
            _ => &self.aws,
        }
    }
}

async fn pass_on(State(services): State<Arc<Services>>, request: Request) -> Response {
    let target = request.headers().get("x-amz-target").and_then(|target| target.to_str().ok());
    let endpoint = services.of_request(target.unwrap_or_default(), request.uri().path());
    match send(endpoint, request).await {
        Ok(response) => response,
        // The SDK tries again, as it does with a service that is away.
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{endpoint}: {error}")).into_response(),
    }
}

/// Sends a request as it is, with the `Host` that its signature covers.
async fn send(endpoint: &str, request: Request) -> Result<Response, Box<dyn std::error::Error + Send + Sync>> {
    let address = endpoint.trim_start_matches("http://").trim_end_matches('/');
    let stream = tokio::net::TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    // The connection ends with its one request.
    tokio::spawn(connection);
    let (mut parts, body) = request.into_parts();
    parts.headers.entry(header::HOST).or_insert(HeaderValue::from_str(address)?);
    let response = sender.send_request(Request::from_parts(parts, body)).await?;
    Ok(response.map(Body::new))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_goes_to_the_service_of_its_target() {
        let services = Services { dynamodb: "d".into(), bus: "b".into(), aws: "a".into(), archive: "s".into() };
        for (target, service) in [
            ("DynamoDB_20120810.BatchGetItem", "d"),
            ("DynamoDBStreams_20120810.GetRecords", "d"),
            ("AWSEvents.PutEvents", "b"),
            ("AmazonSQS.SendMessage", "b"),
            ("SWBExternalService.ListInstances", "a"),
            ("TrentService.GenerateMac", "a"),
            ("", "a"),
        ] {
            assert_eq!(services.of_request(target, "/"), service, "{target}");
        }
        assert_eq!(services.of_request("", "/bucket/key"), "s");
    }
}
