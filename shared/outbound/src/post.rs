//! Webhooks.

use bytes::Bytes;
use hyper::Method;
use hyper::header::{ACCEPT_ENCODING, HeaderMap, HeaderValue};
use tokio::time::{Instant, timeout_at};
use trustplane_domain::outbound::{OutboundUrl, Purpose};

use crate::body::{Part, first};
use crate::connection::Exchange;
use crate::{Client, Error, Limits, Step};

/// Response of a webhook, of any status.
#[derive(Clone)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The first bytes of the body, as received.
    pub body: Bytes,
    /// The body is longer than `body`, or was not complete in time.
    pub truncated: bool,
}

impl Client {
    /// Sends `body` with `headers`. Redirects are not followed: their status is returned like any other.
    ///
    /// The status decides. A body that is too long, too slow or damaged is returned as far as it came.
    pub async fn post(
        &self,
        url: &OutboundUrl,
        mut headers: HeaderMap,
        body: impl Into<Bytes>,
        limits: Limits,
    ) -> Result<Response, Error> {
        let deadline = Instant::now() + limits.total;
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        let sent = self.exchange(url, Purpose::Webhook, Method::POST, headers, body.into(), limits);
        let Exchange { response, driver: _driver } = match timeout_at(deadline, sent).await {
            Ok(exchange) => exchange?,
            Err(_elapsed) => return Err(Error::Timeout(Step::Response)),
        };
        let (parts, body) = response.into_parts();
        let mut part = Part { bytes: Vec::new(), truncated: true };
        // A body that is late stays truncated.
        let _ = timeout_at(deadline, first(body, limits.body, &mut part)).await;
        Ok(Response {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: part.bytes.into(),
            truncated: part.truncated,
        })
    }
}

impl std::fmt::Debug for Response {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Response")
            .field("status", &self.status)
            .field("length", &self.body.len())
            .field("truncated", &self.truncated)
            .finish_non_exhaustive()
    }
}
