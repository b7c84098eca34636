//! Errors of the customer's AWS: from the SDK's error to the domain's [`Refusal`].

use std::error::Error;
use std::fmt;

use aws_runtime::retries::classifiers::{THROTTLING_ERRORS, TRANSIENT_ERRORS};
use aws_sdk_ssoadmin::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use serde::Deserialize;
use trustplane_domain::connection::refusal::{Reported, Retry};
use trustplane_domain::connection::{Actor, Refusal};
use trustplane_domain::failure::Cause;
use trustplane_domain::{Conflict, Failure};

use crate::said::{chain, said};

/// A call to the customer's AWS that gave no answer. Its text is for the log.
#[derive(Clone, Debug)]
pub struct CustomerError {
    /// The IAM action of the call.
    pub action: &'static str,
    /// The reason.
    pub refusal: Refusal,
    /// The error's own words.
    message: String,
}

impl CustomerError {
    /// An error with its own words.
    pub(crate) fn new(action: &'static str, refusal: Refusal, message: impl Into<String>) -> Self {
        Self { action, refusal, message: message.into() }
    }

    /// The same error for another reason.
    pub(crate) fn with(self, refusal: Refusal) -> Self {
        Self { refusal, ..self }
    }

    /// The error of an instance that does not exist, or not in this region.
    pub fn instance_gone() -> Self {
        Self::new("sso:DescribeInstance", Refusal::NotFound, "the list of instances lacks it")
    }

    /// Reports an error that says nothing about the instance: what was known of it stays valid.
    pub fn is_passing(&self) -> bool {
        self.refusal.is_passing()
    }

    /// Reports a denial, by whatever policy.
    pub fn is_denied(&self) -> bool {
        self.refusal.is_denied()
    }

    /// Reports that the instance does not exist, or not in this region.
    pub fn is_gone(&self) -> bool {
        matches!(self.refusal, Refusal::NotFound | Refusal::WrongRegion(_))
    }

    /// Reports an error that a new session may not meet: the customer can end sessions, by denying those opened before a time.
    pub(crate) fn doubts_session(&self) -> bool {
        self.is_denied() || self.refusal == Refusal::SessionOver
    }

    /// Reports an error that AWS may give because the instance is not there, or not in this region.
    pub(crate) fn doubts_place(&self) -> bool {
        matches!(
            self.refusal,
            Refusal::Denied(_)
                | Refusal::SessionOver
                | Refusal::RegionDisabled
                | Refusal::Unreachable
                | Refusal::NotFound
                | Refusal::Other(_)
        ) && !self.action.starts_with("sts:")
    }
}

impl From<CustomerError> for Failure {
    fn from(error: CustomerError) -> Self {
        const TEST: &str = "POST /v1/integrations/aws-identity-center/test says what to do";
        let said = format!("{} {TEST}", error.refusal.found(error.action));
        match &error.refusal {
            Refusal::NotFound => Self::NotFound(
                "instance in the saved region: POST /v1/integrations/aws-identity-center/test says where to look",
            ),
            // To this API an instance elsewhere is one that is not connected.
            Refusal::WrongRegion(_) => Self::Conflict(Conflict::NotConfigured, said),
            Refusal::Unreachable => Self::AwsUnreachable(Cause::new(error)),
            refusal if refusal.acts() == Actor::Platform => Self::unavailable(30, error),
            refusal if refusal.is_passing() => Self::AwsUnavailable { retry_after: 5, cause: Cause::new(error) },
            _ => Self::AwsDenied(said, Cause::new(error)),
        }
    }
}

impl PartialEq for CustomerError {
    fn eq(&self, other: &Self) -> bool {
        (self.action, &self.refusal) == (other.action, &other.refusal)
    }
}

impl fmt::Display for CustomerError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.refusal.found(self.action), self.message)
    }
}

impl Error for CustomerError {}

/// Classifies the failure of a call of `action`, an IAM action. `with_token` says that the call carried a page token.
pub(crate) fn refused<E>(action: &'static str, error: &SdkError<E, HttpResponse>, with_token: bool) -> CustomerError
where
    E: Error + ProvideErrorMetadata + 'static,
{
    CustomerError::new(action, refusal(error, with_token), said(error))
}

/// Classifies the failure of a call.
pub(crate) fn refusal<E>(error: &SdkError<E, HttpResponse>, with_token: bool) -> Refusal
where
    E: Error + ProvideErrorMetadata + 'static,
{
    let response = match error {
        SdkError::ServiceError(service) => service.raw(),
        SdkError::ResponseError(response) => response.raw(),
        SdkError::DispatchFailure(_) if chain(error).contains("invalid peer certificate") => {
            let reason = "something between the platform and AWS presents a certificate that is not AWS's";
            return Refusal::Internal(reason.to_owned());
        }
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) => return Refusal::Unreachable,
        _ => return Refusal::Internal("the request could not be made".to_owned()),
    };
    let body = response.body().bytes().unwrap_or_default();
    let is_foreign = is_foreign(response.headers().get("content-type"), body);
    let status = response.status().as_u16();
    let Some(service) = error.as_service_error() else {
        // A connection that broke off in the middle of a response, or a response in no format of AWS.
        return if is_foreign {
            Reported { status, is_foreign, ..Reported::default() }.refusal()
        } else {
            Refusal::Unreachable
        };
    };
    let code = service.code().unwrap_or_default();
    let reason = reason(body);
    let sdk = if THROTTLING_ERRORS.contains(&code) {
        Some(Retry::Throttling)
    } else if TRANSIENT_ERRORS.contains(&code) {
        Some(Retry::Transient)
    } else {
        None
    };
    let message = service.message().unwrap_or_default();
    Reported { status, code, reason: reason.as_deref(), message, is_foreign, with_token, sdk }.refusal()
}

/// Reports a body in no format of AWS: those are JSON and XML.
fn is_foreign(content_type: Option<&str>, body: &[u8]) -> bool {
    let content_type = content_type.unwrap_or_default().to_ascii_lowercase();
    let start = body.trim_ascii_start();
    let start = start.get(..start.len().min(64)).unwrap_or_default().to_ascii_lowercase();
    content_type.contains("html") || start.starts_with(b"<!doctype html") || start.starts_with(b"<html")
}

/// The `Reason` of an exception of IAM Identity Center or AWS Organizations, read from the response's body: each operation has
/// exceptions of its own for it.
fn reason(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Body {
        #[serde(rename = "Reason", alias = "reason")]
        reason: Option<String>,
    }
    serde_json::from_slice::<Body>(body).ok()?.reason
}
