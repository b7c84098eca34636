//! The dialects: the format of errors and headers of each API. One failure type, one renderer per dialect.

#[cfg(feature = "schema")]
mod catalogue;
mod directory;
mod identity_source;
mod integration;

#[cfg(feature = "schema")]
pub use catalogue::{ErrorExample, error_examples};
pub(crate) use integration::parts as integration_parts;
use serde::Serialize;
use trustplane_domain::Failure;

use crate::{Dialect, Request, Response};

/// Facts of a request that its response repeats.
#[derive(Clone, Debug, Default)]
pub(crate) struct About {
    pub(crate) request_id: String,
    /// `x-fapi-interaction-id`, in the dialect that has it.
    pub(crate) interaction_id: String,
    /// A denial's reasons, sealed, in the dialect that has them.
    pub(crate) sealed_denial: Option<String>,
}

/// Response in the format of API Gateway.
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

/// Checks the request's headers, as far as the dialect defines them: 406, or all faults for a 400.
pub(crate) fn check_headers(dialect: Dialect, request: &Request, produces: &[&str]) -> Result<(), Failure> {
    match dialect {
        Dialect::Directory => directory::check_headers(request, produces),
        Dialect::Integration | Dialect::IdentitySource => Ok(()),
    }
}

/// Returns the interaction id of the response: the request's own if it is a UUID, else `fresh`.
pub(crate) fn interaction_id(dialect: Dialect, request: &Request, fresh: String) -> String {
    match dialect {
        Dialect::Directory => directory::interaction_id(request).unwrap_or(fresh),
        Dialect::Integration | Dialect::IdentitySource => fresh,
    }
}

/// Renders the response.
pub(crate) fn render(dialect: Dialect, result: &Result<Response, Failure>, about: &About) -> HttpResponse {
    let mut headers = std::collections::BTreeMap::from([
        ("x-request-id".to_owned(), about.request_id.clone()),
        ("cache-control".to_owned(), "no-store".to_owned()),
    ]);
    if dialect == Dialect::Directory {
        headers.insert("x-fapi-interaction-id".to_owned(), about.interaction_id.clone());
    }
    let is_base64_encoded = result.as_ref().is_ok_and(|response| response.is_base64);
    let (status_code, body, content_type) = match result {
        Ok(response) => {
            headers.extend(response.headers.iter().cloned());
            (response.status, response.body.clone(), response.content_type)
        }
        Err(failure) => {
            let rendered = match dialect {
                Dialect::Integration => integration::render(failure),
                Dialect::IdentitySource => identity_source::render(failure, about),
                Dialect::Directory => directory::render(failure),
            };
            for (name, value) in rendered.headers {
                headers.insert(name.to_owned(), value);
            }
            if let Failure::MethodNotAllowed { allow } = failure {
                headers.insert("allow".to_owned(), allow.clone());
            }
            if let Some(seconds) = retry_after(failure) {
                headers.insert("retry-after".to_owned(), seconds.to_string());
            }
            (rendered.status, rendered.body, "application/json")
        }
    };
    let content_type = match (dialect, content_type) {
        (Dialect::Directory, "application/json") => "application/json; charset=utf-8",
        (_, other) => other,
    };
    if !body.is_empty() {
        headers.insert("content-type".to_owned(), content_type.to_owned());
    }
    HttpResponse { status_code, headers, body, is_base64_encoded }
}

/// Returns the seconds of `Retry-After`, which every 429, 502 and 503 has.
fn retry_after(failure: &Failure) -> Option<u32> {
    /// Seconds until the next attempt to reach the customer's AWS, which a deadline of several seconds has just proven
    /// to be away.
    const AWS_UNREACHABLE: u32 = 5;
    match failure {
        Failure::RateLimited { retry_after, .. }
        | Failure::Unavailable { retry_after, .. }
        | Failure::AwsUnavailable { retry_after, .. } => Some(*retry_after),
        Failure::AwsUnreachable(_) => Some(AWS_UNREACHABLE),
        _ => None,
    }
}

/// Serializes the body of an error. The bodies are structs of texts, which always serialize.
fn json(body: &impl Serialize) -> String {
    serde_json::to_string(body).unwrap_or_default()
}

/// Adds the schemas of the errors of all dialects.
#[cfg(feature = "schema")]
pub(crate) fn schemas(generator: &mut schemars::SchemaGenerator) {
    generator.subschema_for::<integration::Body<'_>>();
    generator.subschema_for::<identity_source::Body<'_>>();
    generator.subschema_for::<directory::Body>();
}

/// Formats a number of bytes for a message.
pub(crate) fn bytes(limit: usize) -> String {
    if limit.is_multiple_of(1024) { format!("{} KiB", limit / 1024) } else { format!("{limit} bytes") }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use trustplane_domain::failure::Cause;

    use super::*;

    #[test]
    fn a_client_knows_when_to_try_again_and_whose_fault_it_was() {
        let failures = [
            Failure::RateLimited { retry_after: 7, limit: "once per minute" },
            Failure::unavailable(1, "x"),
            Failure::AwsUnavailable { retry_after: 5, cause: Cause::new("x") },
            Failure::AwsUnreachable(Cause::new("x")),
        ];
        for dialect in [Dialect::Integration, Dialect::IdentitySource, Dialect::Directory] {
            let mut bodies = HashSet::new();
            for failure in &failures {
                let response = render(dialect, &Err(failure.clone()), &About::default());
                assert!([429, 502, 503].contains(&response.status_code), "{dialect:?} {failure:?}");
                let seconds: u32 = response.headers["retry-after"].parse().unwrap();
                assert!((1..=7).contains(&seconds), "{dialect:?} {failure:?}");
                let of_aws = matches!(failure, Failure::AwsUnavailable { .. } | Failure::AwsUnreachable(_));
                let said = if dialect == Dialect::Directory {
                    assert_eq!(response.body, "");
                    response.headers["warning"].clone()
                } else {
                    response.body
                };
                assert_eq!(said.contains("AWS"), of_aws, "{dialect:?} {failure:?}");
                assert!(bodies.insert(said), "{dialect:?} {failure:?}");
            }
            let broken = render(dialect, &Err(Failure::internal("x")), &About::default());
            assert_eq!((broken.status_code, broken.headers.get("retry-after")), (500, None), "{dialect:?}");
        }
    }
}
