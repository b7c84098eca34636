//! The dialects: how each API writes its errors and headers. One failure type, one renderer a dialect.

mod directory;
mod identity_source;
mod integration;

pub(crate) use integration::parts as integration_parts;
use serde::Serialize;
use trustplane_domain::Failure;

use crate::{Response, Request};

/// An API's way of speaking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// JITSudo's: `{"code", "message", "details"?, "notices"?}`.
    Integration,
    /// Huawei Cloud's: `{"error_code", "error_msg", "request_id"}`.
    IdentitySource,
    /// Raidiam Connect's: `{"errors": []}` and FAPI headers.
    Directory,
}

/// What a reply says of its request.
#[derive(Clone, Debug, Default)]
pub(crate) struct About {
    pub(crate) request_id: String,
    /// `x-fapi-interaction-id`, in the dialect that has it.
    pub(crate) interaction_id: String,
    /// A denial's reasons, sealed, in the dialect that has them.
    pub(crate) sealed_denial: Option<String>,
}

/// What API Gateway is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HttpResponse {
    pub(crate) status_code: u16,
    pub(crate) headers: std::collections::BTreeMap<String, String>,
    pub(crate) body: String,
    pub(crate) is_base64_encoded: bool,
}

/// An error as a dialect writes it.
pub(crate) struct Rendered {
    pub(crate) status: u16,
    pub(crate) body: String,
    pub(crate) headers: Vec<(&'static str, String)>,
}

impl Dialect {
    /// The dialect of a path that no function serves, by its prefix.
    pub fn of_path(path: &str) -> Self {
        let under =
            |prefix: &str| path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        if under("/v1/instances") || under("/v1/identity-stores") {
            Self::IdentitySource
        } else if under("/organisations") || under("/references") {
            Self::Directory
        } else {
            Self::Integration
        }
    }

    /// Whether `X-Tenant-ID` has to be sent.
    pub(crate) fn requires_tenant_header(self) -> bool {
        self == Self::Integration
    }

    /// What is wrong with the request's headers, as far as this dialect looks at them: 406, or all faults for a 400.
    pub(crate) fn check_headers(self, request: &Request, produces: &str) -> Result<(), Failure> {
        match self {
            Self::Directory => directory::check_headers(request, produces),
            Self::Integration | Self::IdentitySource => Ok(()),
        }
    }

    /// The interaction id that the reply carries: the request's own where it is a uuid, else `fresh`.
    pub(crate) fn interaction_id(self, request: &Request, fresh: String) -> String {
        match self {
            Self::Directory => directory::interaction_id(request).unwrap_or(fresh),
            Self::Integration | Self::IdentitySource => fresh,
        }
    }

    /// The whole reply.
    pub(crate) fn render(self, result: &Result<Response, Failure>, about: &About) -> HttpResponse {
        let mut headers = std::collections::BTreeMap::from([
            ("x-request-id".to_owned(), about.request_id.clone()),
            ("cache-control".to_owned(), "no-store".to_owned()),
        ]);
        if self == Self::Directory {
            headers.insert("x-fapi-interaction-id".to_owned(), about.interaction_id.clone());
        }
        let (status_code, body, content_type) = match result {
            Ok(reply) => {
                headers.extend(reply.headers.iter().cloned());
                (reply.status, reply.body.clone(), reply.content_type)
            }
            Err(failure) => {
                let rendered = match self {
                    Self::Integration => integration::render(failure),
                    Self::IdentitySource => identity_source::render(failure, about),
                    Self::Directory => directory::render(failure),
                };
                for (name, value) in rendered.headers {
                    headers.insert(name.to_owned(), value);
                }
                if let Some(seconds) = retry_after(failure) {
                    headers.insert("retry-after".to_owned(), seconds.to_string());
                }
                (rendered.status, rendered.body, "application/json")
            }
        };
        let content_type = match (self, content_type) {
            (Self::Directory, "application/json") => "application/json; charset=utf-8",
            (_, other) => other,
        };
        if !body.is_empty() {
            headers.insert("content-type".to_owned(), content_type.to_owned());
        }
        HttpResponse { status_code, headers, body, is_base64_encoded: false }
    }
}

fn retry_after(failure: &Failure) -> Option<u32> {
    match failure {
        Failure::RateLimited { retry_after } | Failure::Unavailable { retry_after, .. } => Some(*retry_after),
        _ => None,
    }
}

/// A count of bytes as people say it.
pub(crate) fn bytes(limit: usize) -> String {
    if limit.is_multiple_of(1024) { format!("{} KiB", limit / 1024) } else { format!("{limit} bytes") }
}
