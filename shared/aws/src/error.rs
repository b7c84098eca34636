//! What can go wrong on the customer's side.

use std::error::Error;
use std::fmt;

use aws_sdk_ssoadmin::error::{ProvideErrorMetadata, SdkError};

/// Why the customer's AWS did not answer what it was asked. The texts are for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CustomerError {
    /// The role may not be assumed, or may not do this: names the IAM action.
    Denied(&'static str),
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
    /// Whether it says nothing of the instance, and what was known of it stands.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Throttled(_) | Self::Unavailable(_) | Self::Unreachable(_) => true,
            Self::Denied(_) | Self::InstanceGone | Self::Refused(_) => false,
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
            Self::InstanceGone => formatter.write_str("the customer's AWS has no such instance"),
            Self::Throttled(told) => write!(formatter, "the customer's AWS throttles: {told}"),
            Self::Unavailable(told) => write!(formatter, "the customer's AWS fails: {told}"),
            Self::Unreachable(told) => write!(formatter, "the customer's AWS is not reached: {told}"),
            Self::Refused(told) => write!(formatter, "the customer's AWS refuses: {told}"),
        }
    }
}

impl Error for CustomerError {}
