//! Huawei Cloud's dialect: `{"error_code", "error_msg", "request_id"}`, and `encoded_authorization_message` on 403.

use serde::Serialize;
use trustplane_domain::{Conflict, Failure};

use super::{About, Rendered, bytes, json};

/// Body of an error. No text in it is ever empty: clients take an empty `error_code` for no error body at all.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "IdentitySourceError"))]
pub(crate) struct Body<'a> {
    /// Stable code.
    #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
    error_code: &'static str,
    /// The fault and what to do next, for people.
    #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
    error_msg: String,
    /// The same as `X-Request-Id`.
    #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
    request_id: &'a str,
    /// Facts of a denial, sealed. An operator reads them with `decode-authorization-message`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
    encoded_authorization_message: Option<&'a str>,
}

/// Writes a failure.
pub(super) fn render(failure: &Failure, about: &About) -> Rendered {
    let (status, error_code, error_msg) = parts(failure);
    let request_id = about.request_id.as_str();
    // Where nothing could be sealed, the request id still leads an operator to the log.
    let sealed = (status == 403).then(|| about.sealed_denial.as_deref().unwrap_or(request_id));
    let body = Body { error_code, error_msg, request_id, encoded_authorization_message: sealed };
    Rendered { status, body: json(&body), headers: Vec::new() }
}

fn parts(failure: &Failure) -> (u16, &'static str, String) {
    let say = |status, code, message: &str| (status, code, message.to_owned());
    match failure {
        Failure::Unauthenticated => {
            say(401, "APIGW.0301", "Incorrect IAM authentication information: a valid credential is required")
        }
        Failure::SignatureExpired => say(
            401,
            "APIGW.0303",
            "Incorrect app authentication information: x-sdk-date is not within 15 minutes of now",
        ),
        Failure::InvalidTenantId => say(400, "IIC.400", "Bad Request: X-Tenant-ID must be a uuid"),
        Failure::TenantMismatch => {
            say(403, "IIC.1001", "The credential belongs to another tenant than X-Tenant-ID names")
        }
        Failure::TenantSuspended => say(403, "IIC.1001", "The tenant is suspended"),
        Failure::NotAcceptable { available } => {
            (400, "IIC.400", format!("Bad Request: Accept must include the type of the response: {available}"))
        }
        Failure::TooLarge { limit } => (413, "IIC.413", format!("The body is larger than {}", bytes(*limit))),
        Failure::UnsupportedMediaType => say(415, "IIC.415", "The body must be application/json"),
        Failure::InvalidJson(reason) => (400, "IIC.400", format!("Bad Request: the body {reason}")),
        Failure::Invalid(faults) => {
            let messages: Vec<String> = faults.iter().map(|(field, message)| format!("{field} {message}")).collect();
            (400, "IIC.400", format!("Bad Request: {}", messages.join("; ")))
        }
        Failure::InvalidPolicy(_) => say(400, "IIC.400", "Bad Request: the policy is not valid"),
        Failure::Forbidden(denial) => {
            let notices = denial.notices.join(" ");
            let message = format!("Policy does not allow the action to be performed. {notices}");
            (403, "IIC.1000", message.trim_end().to_owned())
        }
        Failure::AwsDenied(reason, _) => (403, "IIC.1215", capitalised(reason)),
        Failure::NotFound(what) => (404, "IIC.404", format!("There is no such {what}")),
        Failure::NoRoute | Failure::MethodNotAllowed { .. } => {
            say(404, "APIGW.0101", "The API does not exist or has not been published in the environment")
        }
        Failure::PreconditionFailed => {
            say(412, "IIC.412", "The current version is not the one in If-Match: read it, and send the request again")
        }
        Failure::MustNotExist => say(
            412,
            "IIC.412",
            "If-None-Match allows only to create it, and it exists: read it, and send its ETag in If-Match",
        ),
        Failure::Conflict(conflict, message) => conflict_parts(*conflict, message),
        Failure::SetupLinkEnded(_) => say(410, "IIC.410", "The setup link has ended"),
        Failure::IdempotencyMismatch => say(422, "IIC.422", "This Idempotency-Key was used for another request"),
        Failure::RateLimited { retry_after, limit } => {
            let message =
                format!("The throttling threshold has been reached: {limit}; try again in {retry_after} seconds");
            (429, "APIGW.0308", message)
        }
        Failure::Unavailable { .. } => say(503, "IIC.503", "The service is busy, try again after Retry-After seconds"),
        Failure::AwsUnavailable { .. } => {
            say(503, "IIC.503", "AWS throttles or fails the calls to your account, try again after Retry-After seconds")
        }
        Failure::AwsUnreachable(_) => {
            say(503, "IIC.503", "AWS could not be reached for your account, try again after Retry-After seconds")
        }
        Failure::Internal(_) => say(500, "IIC.500", "Something went wrong on our side"),
    }
}

fn conflict_parts(conflict: Conflict, message: &str) -> (u16, &'static str, String) {
    let say = |status, code| (status, code, capitalised(message));
    match conflict {
        Conflict::Exists => say(409, "IIC.1328"),
        Conflict::WrongState => say(400, "IIC.1329"),
        Conflict::Limit | Conflict::Duplicate | Conflict::LastValidCertificate => say(409, "IIC.1007"),
        // An instance is reached through the integration; without one there is none.
        Conflict::NotConfigured => say(404, "IIC.404"),
        Conflict::LostRace
        | Conflict::IdempotencyInProgress
        | Conflict::RotationInProgress
        | Conflict::NoRotation
        | Conflict::ExternalIdNotTrusted
        | Conflict::LastAdmin
        | Conflict::Claimed => say(409, "IIC.1006"),
    }
}

/// The message as a sentence that begins with a capital letter, as all of this dialect do.
fn capitalised(message: &str) -> String {
    let (first, rest) = message.split_at_checked(1).unwrap_or(("", message));
    format!("{}{rest}", first.to_ascii_uppercase())
}
