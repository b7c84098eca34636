//! What can go wrong on the customer's side.

use std::error::Error;
use std::fmt;

use aws_sdk_ssoadmin::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use serde::Deserialize;
use trustplane_domain::Failure;
use trustplane_domain::connection::{KmsReason, Refusal};
use trustplane_domain::failure::Cause;

/// Why the customer's AWS did not answer what it was asked. The texts are for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CustomerError {
    /// The role may not be assumed, or may not do this: names the IAM action.
    Denied(&'static str),
    /// The role lets others in than whoever knows the tenant's ExternalId, so it is not proven to be the tenant's.
    NotEnforced,
    /// There is no such instance any more, or not in this region.
    InstanceGone,
    /// Too many calls.
    Throttled(String),
    /// AWS itself fails.
    Unavailable(String),
    /// No connection, or no answer in time.
    Unreachable(String),
    /// AWS refuses for another reason, which asking again does not change.
    Refused(String),
}

impl CustomerError {
    /// Reports an error that says nothing about the instance: what was known of it stays valid.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Throttled(_) | Self::Unavailable(_) | Self::Unreachable(_) => true,
            Self::Denied(_) | Self::NotEnforced | Self::InstanceGone | Self::Refused(_) => false,
        }
    }
}

impl From<CustomerError> for Failure {
    fn from(error: CustomerError) -> Self {
        let denied = |reason: String, error| Self::AwsDenied(reason, Cause::new(error));
        match &error {
            CustomerError::Denied(action) => {
                let reason = format!(
                    "Only the organization's management account or a delegated administrator account may do this: AWS \
                     denies `{action}` to the role of the connection"
                );
                denied(reason, error)
            }
            CustomerError::NotEnforced => {
                let reason = "The role of the connection can be assumed without the ExternalId, so nothing is asked \
                              through it: demand `sts:ExternalId` in its trust policy, as the test of the connection says";
                denied(reason.to_owned(), error)
            }
            CustomerError::Refused(_) => {
                let reason = "AWS refuses to describe the instance to the role of the connection";
                denied(reason.to_owned(), error)
            }
            CustomerError::InstanceGone => Self::NotFound("instance"),
            CustomerError::Throttled(_) | CustomerError::Unavailable(_) => {
                Self::AwsUnavailable { retry_after: 5, cause: Cause::new(error) }
            }
            CustomerError::Unreachable(_) => Self::AwsUnreachable(Cause::new(error)),
        }
    }
}

/// Why a call was refused: the session's fault, or another.
#[derive(Debug)]
pub(crate) enum Refused {
    /// The session's credentials do not count any more.
    SessionOver,
    Other(CustomerError),
}

impl From<Refused> for CustomerError {
    fn from(refused: Refused) -> Self {
        match refused {
            // A session that is over at once: the clocks differ, or the customer revokes sessions as they are made.
            Refused::SessionOver => Self::Unavailable("a session ended at once".to_owned()),
            Refused::Other(error) => error,
        }
    }
}

/// Tells what the failure of `action` (an IAM action) means.
pub(crate) fn refused<E, R>(action: &'static str, error: &SdkError<E, R>) -> Refused
where
    E: Error + ProvideErrorMetadata + 'static,
    R: fmt::Debug,
{
    let told = chain(error);
    let service = match error {
        SdkError::ServiceError(service) => service.err(),
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => {
            return Refused::Other(CustomerError::Unreachable(format!("{action}: {told}")));
        }
        _ => return Refused::Other(CustomerError::Refused(format!("{action}: {told}"))),
    };
    let code = service.code().unwrap_or_default();
    let told = format!("{action}: {code}: {}", service.message().unwrap_or_default());
    Refused::Other(match code {
        "ExpiredToken" | "ExpiredTokenException" | "UnrecognizedClientException" | "InvalidClientTokenId" => {
            return Refused::SessionOver;
        }
        "AccessDenied" | "AccessDeniedException" => CustomerError::Denied(action),
        "ResourceNotFoundException" => CustomerError::InstanceGone,
        "Throttling" | "ThrottlingException" | "TooManyRequestsException" | "RequestLimitExceeded" | "SlowDown" => {
            CustomerError::Throttled(told)
        }
        // A service error without a code is a bare 5xx of something in between.
        ""
        | "InternalFailure"
        | "InternalServerException"
        | "InternalServerError"
        | "InternalError"
        | "ServiceUnavailable"
        | "ServiceUnavailableException" => CustomerError::Unavailable(told),
        _ => CustomerError::Refused(told),
    })
}

/// Tells what the failure of a call means for a test of the connection.
pub(crate) fn refusal<E>(error: &SdkError<E, HttpResponse>) -> Refusal
where
    E: Error + ProvideErrorMetadata + 'static,
{
    let service = error.as_service_error();
    if let Some(reason) = kms_reason(error) {
        return Refusal::Kms(reason);
    }
    match refused("", error) {
        Refused::SessionOver => Refusal::Unavailable,
        Refused::Other(CustomerError::Denied(_)) => {
            let told = service.and_then(ProvideErrorMetadata::message).unwrap_or_default();
            if denied_by_others(told) { Refusal::NetworkRestricted } else { Refusal::Denied }
        }
        Refused::Other(CustomerError::Throttled(_)) => Refusal::Throttled,
        Refused::Other(CustomerError::Unavailable(_)) => Refusal::Unavailable,
        Refused::Other(CustomerError::Unreachable(_)) => Refusal::Unreachable,
        Refused::Other(CustomerError::NotEnforced | CustomerError::InstanceGone | CustomerError::Refused(_)) => {
            Refusal::Other(service.and_then(ProvideErrorMetadata::code).unwrap_or("no code").to_owned())
        }
    }
}

/// Whether a denial's message says that another policy than the role's own denies explicitly ("Troubleshoot access denied
/// error messages", IAM User Guide). AWS has no code for it; a message of another form is a denial like any other.
fn denied_by_others(message: &str) -> bool {
    const OTHERS: [&str; 4] =
        ["resource-based policy", "service control policy", "resource control policy", "VPC endpoint policy"];
    let explicit = message.split_once("with an explicit deny in a");
    explicit.is_some_and(|(_, policy)| OTHERS.iter().any(|other| policy.contains(other)))
}

/// The `Reason` of an exception of IAM Identity Center that is about the customer's KMS key. It is read from the reply's
/// body: each operation has exceptions of its own for it.
fn kms_reason<E>(error: &SdkError<E, HttpResponse>) -> Option<KmsReason> {
    #[derive(Deserialize)]
    struct Body {
        #[serde(rename = "Reason", alias = "reason")]
        reason: Option<String>,
    }
    let body: Body = serde_json::from_slice(error.raw_response()?.body().bytes()?).ok()?;
    match body.reason?.as_str() {
        "KMS_AccessDeniedException" => Some(KmsReason::Denied),
        "KMS_DisabledException" => Some(KmsReason::Disabled),
        "KMS_InvalidStateException" => Some(KmsReason::InvalidState),
        "KMS_InvalidKeyUsageException" => Some(KmsReason::InvalidKeyUsage),
        "KMS_NotFoundException" => Some(KmsReason::NotFound),
        "KMS_ThrottlingException" => Some(KmsReason::Throttled),
        _ => None,
    }
}

/// An error and its causes, in a line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text.push_str(&format!(": {next}"));
        cause = next.source();
    }
    text
}

impl fmt::Display for CustomerError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(action) => write!(formatter, "the customer's AWS denies {action}"),
            Self::NotEnforced => formatter.write_str("the customer's role does not demand the ExternalId"),
            Self::InstanceGone => formatter.write_str("the customer's AWS has no such instance"),
            Self::Throttled(told) => write!(formatter, "the customer's AWS throttles: {told}"),
            Self::Unavailable(told) => write!(formatter, "the customer's AWS fails: {told}"),
            Self::Unreachable(told) => write!(formatter, "the customer's AWS is not reached: {told}"),
            Self::Refused(told) => write!(formatter, "the customer's AWS refuses: {told}"),
        }
    }
}

impl Error for CustomerError {}
