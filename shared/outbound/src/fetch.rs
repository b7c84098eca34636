//! Documents.

use bytes::Bytes;
use hyper::Method;
use hyper::header::{
    ACCEPT, ACCEPT_ENCODING, ETAG, HeaderMap, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED,
    LOCATION,
};
use tokio::time::timeout;
use trustplane_domain::outbound::{OutboundUrl, Purpose, Validators};

use crate::body::{ReadError, decoded, whole};
use crate::connection::{Exchange, malformed};
use crate::{Client, Error, Limits, RedirectFault, Step};

/// Most redirects that are followed.
const REDIRECTS: usize = 3;

/// Outcome of [`Client::fetch`].
#[derive(Clone, Debug)]
pub enum Fetched {
    /// A document, with status 2xx.
    Document(Box<Document>),
    /// The document is the one that the validators belong to.
    NotModified,
}

/// A document.
#[derive(Clone)]
pub struct Document {
    /// The URL of the document, after redirects.
    pub url: OutboundUrl,
    /// The headers of its response.
    pub headers: HeaderMap,
    /// The document, decompressed.
    pub body: Bytes,
}

impl Client {
    /// Fetches a document. With the validators of an earlier response the request is conditional.
    pub async fn fetch(&self, url: &OutboundUrl, limits: Limits, known: Option<&Validators>) -> Result<Fetched, Error> {
        match timeout(limits.total, self.follow(url, limits, known)).await {
            Ok(fetched) => fetched,
            Err(_elapsed) => Err(Error::Timeout(Step::Response)),
        }
    }

    async fn follow(&self, url: &OutboundUrl, limits: Limits, known: Option<&Validators>) -> Result<Fetched, Error> {
        let headers = conditions(known);
        let conditional = headers.contains_key(IF_NONE_MATCH) || headers.contains_key(IF_MODIFIED_SINCE);
        let mut url = url.clone();
        for followed in 0..=REDIRECTS {
            let sent = self.exchange(&url, Purpose::Fetch, Method::GET, headers.clone(), Bytes::new(), limits).await;
            let exchange = sent.map_err(|error| match error {
                Error::Url(refusal) if followed > 0 => Error::Redirect(RedirectFault::Url(refusal)),
                error => error,
            })?;
            match exchange.response.status().as_u16() {
                200..=299 => {
                    return document(url, exchange, limits).await.map(|document| Fetched::Document(Box::new(document)));
                }
                301 | 302 | 303 | 307 | 308 => url = location(&url, exchange.response.headers())?,
                304 if conditional => return Ok(Fetched::NotModified),
                status => return Err(Error::Status(status)),
            }
        }
        Err(Error::Redirect(RedirectFault::TooMany))
    }
}

fn conditions(known: Option<&Validators>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    // Some firewalls refuse requests without it.
    headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
    let mut set = |name: HeaderName, value: Option<&str>| {
        if let Some(Ok(value)) = value.map(HeaderValue::from_str) {
            headers.insert(name, value);
        }
    };
    set(IF_NONE_MATCH, known.and_then(Validators::etag));
    set(IF_MODIFIED_SINCE, known.and_then(Validators::last_modified));
    headers
}

fn location(url: &OutboundUrl, headers: &HeaderMap) -> Result<OutboundUrl, Error> {
    let location = headers.get(LOCATION).and_then(|location| location.to_str().ok());
    location.and_then(|location| url.join(location).ok()).ok_or(Error::Redirect(RedirectFault::Location))
}

async fn document(url: OutboundUrl, exchange: Exchange, limits: Limits) -> Result<Document, Error> {
    let Exchange { response, driver: _driver } = exchange;
    let (parts, body) = response.into_parts();
    let body = whole(body, limits.body).await.map_err(|error| match error {
        ReadError::TooLarge => Error::TooLarge(limits.body),
        ReadError::Http(error) => malformed(&error, &url),
    })?;
    let body = decoded(&parts.headers, body, limits.body)?;
    Ok(Document { url, headers: parts.headers, body })
}

impl Document {
    /// The validators for the next request.
    pub fn validators(&self) -> Validators {
        let text = |name| self.headers.get(name).and_then(|value| value.to_str().ok());
        Validators::new(text(ETAG), text(LAST_MODIFIED))
    }
}

impl std::fmt::Debug for Document {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Document")
            .field("url", &self.url)
            .field("length", &self.body.len())
            .finish_non_exhaustive()
    }
}
