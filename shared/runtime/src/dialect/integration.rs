//! JITSudo's dialect: `{"code", "message", "details"?, "notices"?}`.

use serde::Serialize;
use serde_json::{Map, Value};
use trustplane_domain::setup::Ended;
use trustplane_domain::{Conflict, Failure};

use super::{Rendered, bytes, json};

/// Body of an error.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "IntegrationError"))]
pub(crate) struct Body<'a> {
    /// Stable code.
    #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
    code: &'static str,
    /// The fault and what to do next, for people.
    #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
    message: String,
    /// The message of each invalid field, `problems` of a policy, or the `reason` of a setup link's end.
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Map<String, Value>>,
    /// Texts of the policies that denied the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    notices: Option<&'a [String]>,
}

/// Writes a failure.
pub(super) fn render(failure: &Failure) -> Rendered {
    let (status, code, message) = parts(failure);
    let notices = match failure {
        Failure::Forbidden(denial) => Some(denial.notices.as_slice()),
        _ => None,
    };
    let body = Body { code, message, details: details(failure), notices };
    let headers = match failure {
        Failure::Unauthenticated | Failure::SignatureExpired => vec![("www-authenticate", "Bearer".to_owned())],
        _ => Vec::new(),
    };
    Rendered { status, body: json(&body), headers }
}

/// Status, code and message.
pub(crate) fn parts(failure: &Failure) -> (u16, &'static str, String) {
    let say = |status, code, message: &str| (status, code, message.to_owned());
    match failure {
        Failure::Unauthenticated => say(401, "unauthenticated", "a valid credential is required"),
        Failure::SignatureExpired => {
            say(401, "unauthenticated", "the request was signed too long ago or ahead of time")
        }
        Failure::InvalidTenantId => say(400, "invalid_tenant_id", "`X-Tenant-ID` is required and must be a uuid"),
        Failure::TenantMismatch => {
            say(403, "tenant_mismatch", "the credential belongs to another tenant than `X-Tenant-ID` names")
        }
        Failure::TenantSuspended => say(403, "tenant_suspended", "the tenant is suspended"),
        Failure::NotAcceptable { available } => {
            (406, "not_acceptable", format!("`Accept` must include the type of the response: {available}"))
        }
        Failure::TooLarge { limit } => (413, "too_large", format!("the body is larger than {}", bytes(*limit))),
        Failure::UnsupportedMediaType => say(415, "unsupported_media_type", "the body must be `application/json`"),
        Failure::InvalidJson(reason) => (400, "invalid_json", format!("the body {reason}")),
        Failure::Invalid(_) => say(400, "invalid_request", "the request has invalid fields, see `details`"),
        Failure::InvalidPolicy(_) => say(400, "invalid_policy", "the policy is not valid, see `details.problems`"),
        Failure::Forbidden(denial) => {
            let action = &denial.action;
            let message = match denial.missing_role {
                Some(role) => format!("policies do not allow `{action}`: the role `{role}` would"),
                None => format!("policies do not allow `{action}`"),
            };
            (403, "forbidden", message)
        }
        Failure::AwsDenied(reason, _) => (403, "forbidden", reason.clone()),
        Failure::NotFound(what) => (404, "not_found", format!("there is no such {what}")),
        Failure::NoRoute => say(404, "not_found", "there is nothing at this path"),
        Failure::MethodNotAllowed { allow } => {
            (405, "method_not_allowed", format!("this path has other methods: {allow}"))
        }
        Failure::PreconditionFailed => say(
            412,
            "precondition_failed",
            "the current version is not the one in `If-Match`: read it, and send the request again",
        ),
        Failure::MustNotExist => say(
            412,
            "precondition_failed",
            "`If-None-Match` allows only to create it, and it exists: read it, and send its `ETag` in `If-Match`",
        ),
        Failure::Conflict(conflict, message) => (409, conflict_code(*conflict), message.clone()),
        Failure::SetupLinkEnded(ended) => {
            let why = match ended {
                Ended::Revoked => "was revoked",
                Ended::Completed => "has completed all its sections",
                Ended::Expired => "has expired",
                Ended::UsedUp => "has started as many sessions as it may",
            };
            (410, "setup_link_ended", format!("the setup link {why}; ask who sent it for another"))
        }
        Failure::IdempotencyMismatch => {
            say(422, "idempotency_mismatch", "this `Idempotency-Key` was used for another request")
        }
        Failure::RateLimited { retry_after, limit } => {
            (429, "rate_limited", format!("{limit}; try again in {retry_after} seconds"))
        }
        Failure::Unavailable { .. } => {
            say(503, "unavailable", "the service is busy, send the request again after the seconds in `Retry-After`")
        }
        Failure::AwsUnavailable { .. } => say(
            503,
            "unavailable",
            "AWS throttles or fails the calls to your account, send the request again after the seconds in \
             `Retry-After`",
        ),
        Failure::AwsUnreachable(_) => say(
            502,
            "aws_unreachable",
            "AWS could not be reached for your account, send the request again after the seconds in `Retry-After`",
        ),
        Failure::Internal(_) => say(500, "internal", "something went wrong on our side"),
    }
}

/// The code of a 409.
fn conflict_code(conflict: Conflict) -> &'static str {
    match conflict {
        Conflict::NotConfigured => "not_configured",
        Conflict::RotationInProgress => "rotation_in_progress",
        Conflict::NoRotation => "no_rotation",
        Conflict::ExternalIdNotTrusted => "external_id_not_trusted",
        Conflict::LastAdmin => "last_admin",
        Conflict::IdempotencyInProgress => "idempotency_in_progress",
        Conflict::LostRace
        | Conflict::Exists
        | Conflict::WrongState
        | Conflict::Limit
        | Conflict::Duplicate
        | Conflict::LastValidCertificate
        | Conflict::Claimed => "conflict",
    }
}

fn details(failure: &Failure) -> Option<Map<String, Value>> {
    match failure {
        Failure::Invalid(faults) => {
            let fields = faults.iter().map(|(field, message)| (field.to_owned(), Value::from(message)));
            Some(fields.collect())
        }
        Failure::InvalidPolicy(problems) => {
            let problems = serde_json::to_value(problems).unwrap_or_default();
            Some(Map::from_iter([("problems".to_owned(), problems)]))
        }
        Failure::SetupLinkEnded(ended) => Some(Map::from_iter([("reason".to_owned(), ended.as_str().into())])),
        _ => None,
    }
}
