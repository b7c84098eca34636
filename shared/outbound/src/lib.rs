//! Requests to addresses that tenants chose: metadata documents, discovery documents, keys, webhooks.
//!
//! A tenant must not be able to make this service send requests into a private network, or hold it up. The rules:
//!
//! | rule | place |
//! |---|---|
//! | `https` on few ports; IP addresses in any spelling are checked; the service's own host is refused | [`Rules`] |
//! | a name is resolved once, every address must be public, and the connection goes to one of these addresses | [`Client`] |
//! | TLS 1.2 or 1.3 with Mozilla's roots, for the host of the URL; no proxy | [`Client`] |
//! | at most three redirects for a document, each checked like the first URL; none for a webhook | [`Client::fetch`] |
//! | limits of time, and of bytes before and after decompression | [`Limits`] |
//! | errors say what failed without an address | [`Error`] |
//!
//! Nothing is cached and no connection is kept: a response serves the request that it was made for.
//!
//! [`Client::from_env`] makes the client of a process. It is made once, at the start (`trustplane_runtime::http_with`),
//! and only in functions that send such requests: it links a DNS client, TLS and a list of root certificates.

mod body;
mod certificates;
mod client;
mod connection;
mod error;
mod fetch;
mod limits;
mod metadata;
mod post;
mod probe;
mod settings;
mod webhook;

pub use bytes::Bytes;
pub use client::{Client, ClientError};
pub use error::{CertificateFault, Error, RedirectFault, Step};
pub use fetch::{Document, Fetched};
pub use hyper::header::{HeaderMap, HeaderName, HeaderValue};
pub use limits::Limits;
pub use metadata::MetadataError;
pub use post::Response;
pub use settings::{Settings, SettingsError, TestRoot};
pub use webhook::Sent;

pub use trustplane_domain::outbound::{OutboundUrl, Purpose, Rules, UrlRefusal, Validators};
