//! Raidiam Connect's dialect: `{"errors": [...]}` for what the client can mend, an empty body for what it cannot, and the
//! headers of the Financial-grade API profile.

use serde::Serialize;
use trustplane_domain::directory::fapi;
use trustplane_domain::{Failure, Faults};
use trustplane_functions::JSON;

use super::{Rendered, bytes, json};
use crate::{Request, warning};

/// Warnings of one response at most.
const WARNINGS: usize = 8;

/// Body of an error.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "DirectoryError"))]
pub(crate) struct Body {
    /// The faults: all that were found.
    #[cfg_attr(feature = "schema", schemars(length(min = 1), inner(length(min = 1))))]
    errors: Vec<String>,
}

/// Writes a failure.
pub(super) fn render(failure: &Failure) -> Rendered {
    let (status, errors) = parts(failure);
    let body = errors.map_or_else(String::new, |errors| json(&Body { errors }));
    let headers = match status {
        401 => vec![("www-authenticate", "Bearer".to_owned())],
        403 | 429 | 502 | 503 => vec![("warning", warnings(failure))],
        _ => Vec::new(),
    };
    Rendered { status, body, headers }
}

/// The reason of an error without a body, as values of `Warning`: what the other dialects say in theirs, and the notices of
/// the policies.
fn warnings(failure: &Failure) -> String {
    let (_, _, reason) = super::integration_parts(failure);
    let notices = match failure {
        Failure::Forbidden(denial) => denial.notices.as_slice(),
        _ => &[],
    };
    let texts = std::iter::once(&reason).chain(notices).take(WARNINGS);
    texts.map(|text| warning("trustplane", text)).collect::<Vec<_>>().join(", ")
}

fn parts(failure: &Failure) -> (u16, Option<Vec<String>>) {
    let say = |status, message: &str| (status, Some(vec![message.to_owned()]));
    match failure {
        Failure::Unauthenticated | Failure::SignatureExpired => (401, None),
        Failure::TenantMismatch | Failure::TenantSuspended | Failure::Forbidden(_) | Failure::AwsDenied(..) => {
            (403, None)
        }
        Failure::InvalidTenantId => say(400, "X-Tenant-ID must be a uuid"),
        Failure::NotAcceptable { available } => {
            (406, Some(vec![format!("Accept must include the type of the response: {available}")]))
        }
        Failure::TooLarge { limit } => (413, Some(vec![format!("the body is larger than {}", bytes(*limit))])),
        Failure::UnsupportedMediaType => say(415, "the body must be application/json"),
        Failure::InvalidJson(reason) => (400, Some(vec![format!("the body {reason}")])),
        Failure::Invalid(faults) => {
            (400, Some(faults.iter().map(|(field, message)| format!("{field} {message}")).collect()))
        }
        Failure::InvalidPolicy(_) => say(400, "the policy is not valid"),
        Failure::NotFound(what) => (404, Some(vec![format!("there is no such {what}")])),
        Failure::NoRoute => say(404, "there is nothing at this path"),
        Failure::MethodNotAllowed { allow } => (405, Some(vec![format!("this path has other methods: {allow}")])),
        Failure::PreconditionFailed => {
            say(412, "the current version is not the one in If-Match: read it, and send the request again")
        }
        Failure::MustNotExist => {
            say(412, "If-None-Match allows only to create it, and it exists: read it, and send its ETag in If-Match")
        }
        Failure::Conflict(_, message) => (409, Some(vec![message.clone()])),
        Failure::SetupLinkEnded(_) => say(410, "the setup link has ended"),
        Failure::IdempotencyMismatch => say(422, "this Idempotency-Key was used for another request"),
        Failure::RateLimited { .. } => (429, None),
        Failure::Unavailable { .. } | Failure::AwsUnavailable { .. } => (503, None),
        Failure::AwsUnreachable(_) => (502, None),
        Failure::Internal(_) => (500, None),
    }
}

/// `Accept`, `x-fapi-auth-date`, `x-fapi-customer-ip-address`, and a token where none belongs.
///
/// A token in the query is no credential (FAPI 1.0 Baseline, 6.2.1: "shall not accept access tokens in the query
/// parameters"), so alone it is 401 already. Beside a good `Authorization` it is 400: RFC 6750, 3.1, has
/// `invalid_request` for a request that "uses more than one method for including an access token". Such a token lies in
/// logs and histories, and its sender had better hear of it.
///
/// JSON is accepted everywhere, even where a successful response has another type: errors are JSON, and clients of this
/// API ask for it out of habit.
pub(super) fn check_headers(request: &Request, produces: &[&str]) -> Result<(), Failure> {
    let accept = request.header("accept");
    if !produces.iter().chain(&[JSON]).any(|one| fapi::accepts(accept, one)) {
        let available: Vec<String> = produces.iter().map(|one| format!("`{one}`")).collect();
        return Err(Failure::NotAcceptable { available: available.join(", ") });
    }
    let mut faults = Faults::default();
    if let Some(text) = request.header("x-fapi-auth-date") {
        faults.take("x-fapi-auth-date", fapi::check_auth_date(text));
    }
    if let Some(text) = request.header("x-fapi-customer-ip-address") {
        faults.take("x-fapi-customer-ip-address", fapi::parse_customer_ip_address(text));
    }
    if request.query("access_token").is_some() {
        faults.add("access_token", "must not be in the query");
    }
    faults.into_result()
}

/// The request's `x-fapi-interaction-id`, if it is a uuid.
pub(super) fn interaction_id(request: &Request) -> Option<String> {
    fapi::interaction_id(request.header("x-fapi-interaction-id")).map(str::to_owned)
}
