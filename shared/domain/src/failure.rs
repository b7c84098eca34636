//! Failures of a request, for all APIs.
//!
//! A handler returns a [`Failure`]; the runtime maps it to a status and each dialect renders it. Everything in a
//! failure but its [`Cause`] may reach the client, so it contains no error text of a dependency and no name of another
//! tenant. The cause is for the log alone. No failure contains a secret.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::setup::Ended;

/// A reason why a request was not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The credential is missing or not valid. The response is the same for all reasons.
    Unauthenticated,
    /// The request was signed more than 15 minutes before or after now.
    SignatureExpired,
    /// `X-Tenant-ID` is required, and missing or not a UUID.
    InvalidTenantId,
    /// `X-Tenant-ID` differs from the credential's tenant.
    TenantMismatch,
    /// An operator has suspended the tenant.
    TenantSuspended,
    /// The client accepts none of the available media types.
    NotAcceptable {
        /// The media types, in backticks.
        available: String,
    },
    /// The body is longer than `limit` bytes.
    TooLarge {
        /// Allowed bytes.
        limit: usize,
    },
    /// The body's declared media type is not JSON.
    UnsupportedMediaType,
    /// The body is not JSON, not UTF-8, or has a duplicate key.
    InvalidJson(String),
    /// Fields are invalid. Contains all of them.
    Invalid(Faults),
    /// A Cedar policy does not parse or validate.
    InvalidPolicy(Vec<PolicyProblem>),
    /// The policies deny the request.
    Forbidden(Denial),
    /// AWS does not let the tenant's role ask: not the management account or a delegated administrator.
    AwsDenied(String, Cause),
    /// There is no such thing, or it is another tenant's. Names the kind of thing: `instance`.
    NotFound(&'static str),
    /// No function serves this path.
    NoRoute,
    /// The path exists, with other methods.
    MethodNotAllowed {
        /// The methods, as the header `Allow` lists them.
        allow: String,
    },
    /// `If-Match` names a version that is not current.
    PreconditionFailed,
    /// `If-None-Match` allows to create the resource only, and it exists.
    MustNotExist,
    /// The current state does not allow the request.
    Conflict(Conflict, String),
    /// The setup link starts no session any more.
    SetupLinkEnded(Ended),
    /// The `Idempotency-Key` was used with a different request.
    IdempotencyMismatch,
    /// A rate limit is exceeded.
    RateLimited {
        /// Seconds until the next attempt.
        retry_after: u32,
        /// The limit, for people.
        limit: &'static str,
    },
    /// A dependency of the service is throttled, slow or unavailable. Nothing was changed.
    Unavailable {
        /// Seconds until the next attempt.
        retry_after: u32,
        /// The dependency's error, for the log.
        cause: Cause,
    },
    /// The customer's AWS throttles the connection's role, or fails. Nothing was changed.
    AwsUnavailable {
        /// Seconds until the next attempt.
        retry_after: u32,
        /// The error of AWS, for the log.
        cause: Cause,
    },
    /// The customer's AWS could not be reached.
    AwsUnreachable(Cause),
    /// A fault of the service. The cause is for the log; the client learns nothing of it.
    Internal(Cause),
}

/// The error behind a [`Failure`]: logged once, at the boundary, and never shown to a client.
///
/// All causes are equal, so that failures compare by what the client sees.
#[derive(Clone, Debug)]
pub struct Cause(Arc<dyn Error + Send + Sync>);

impl Cause {
    /// Wraps an error, or a text that says what is wrong.
    pub fn new(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(Arc::from(error.into()))
    }
}

impl fmt::Display for Cause {
    /// Writes the error and the errors that led to it.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(formatter, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl PartialEq for Cause {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Cause {}

/// Reason that a change is refused: the stable part of a 409 (in some dialects a 400).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conflict {
    /// No connection is saved.
    NotConfigured,
    /// Other clients wrote first, three times in a row.
    LostRace,
    /// A new ExternalId is pending already.
    RotationInProgress,
    /// No ExternalId is pending.
    NoRotation,
    /// AssumeRole does not work with the pending ExternalId.
    ExternalIdNotTrusted,
    /// The tenant would be left without an unexpired admin credential.
    LastAdmin,
    /// A request with the same idempotency key is in progress.
    IdempotencyInProgress,
    /// The resource exists already (an identity provider in a store, an organisation with this id).
    Exists,
    /// The resource's state does not allow the change.
    WrongState,
    /// A limit on the number of resources is reached.
    Limit,
    /// An identical resource exists already.
    Duplicate,
    /// An enabled identity provider would have no valid certificate left.
    LastValidCertificate,
    /// Another tenant claims the domain.
    Claimed,
}

/// A denied request, and the policies that denied it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Denial {
    /// The `@notice` texts of the determining policies.
    pub notices: Vec<String>,
    /// The ids of the policies that determined the decision; empty if no policy permitted the request.
    pub determining_policies: Vec<String>,
    /// True if a policy could not be evaluated, which denies the request. An operator should look into it.
    pub evaluation_failed: bool,
    /// The public id of the credential.
    pub principal: String,
    /// The requested action.
    pub action: String,
    /// Kind and id of the resource.
    pub resource: (&'static str, String),
    /// The least role that would permit the action, where no policy had a say beside the roles.
    pub missing_role: Option<&'static str>,
}

/// One problem of a policy text.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct PolicyProblem {
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1, in characters.
    pub column: usize,
    /// Description of the problem.
    pub message: String,
}

/// Invalid fields with a message each, sorted by field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults(BTreeMap<String, String>);

impl Faults {
    /// Creates a list of one invalid field.
    pub fn of(field: impl Into<String>, message: impl Into<String>) -> Self {
        let mut faults = Self::default();
        faults.add(field, message);
        faults
    }

    /// Adds a fault. The first fault of a field wins.
    pub fn add(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.0.entry(field.into()).or_insert_with(|| message.into());
    }

    /// Returns the value of `result`, or adds its error under `field`.
    pub fn take<T>(&mut self, field: &str, result: Result<T, impl Into<String>>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(message) => {
                self.add(field, message);
                None
            }
        }
    }

    /// Adds all faults of `other`.
    pub fn extend(&mut self, other: Self) {
        for (field, message) in other.0 {
            self.add(field, message);
        }
    }

    /// Returns true if there are no faults.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Iterates over pairs of field and message, sorted by field.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(field, message)| (field.as_str(), message.as_str()))
    }

    /// Returns `Err` with all faults, if there are any.
    pub fn into_result(self) -> Result<(), Failure> {
        if self.is_empty() { Ok(()) } else { Err(self.into()) }
    }
}

impl From<Faults> for Failure {
    fn from(faults: Faults) -> Self {
        Self::Invalid(faults)
    }
}

impl Failure {
    /// Creates a failure with one invalid field.
    pub fn invalid(field: &str, message: impl Into<String>) -> Self {
        Faults::of(field, message).into()
    }

    /// Combines the failures of two parts of one request: the faults of both. Otherwise the failure that is checked
    /// first wins: the body's size and media type.
    #[must_use]
    pub fn joined(self, other: Self) -> Self {
        match (self, other) {
            (Self::Invalid(mut faults), Self::Invalid(others)) => {
                faults.extend(others);
                faults.into()
            }
            (Self::Invalid(mut faults), Self::InvalidJson(reason))
            | (Self::InvalidJson(reason), Self::Invalid(mut faults)) => {
                faults.add("the body", reason);
                faults.into()
            }
            (Self::Invalid(_) | Self::InvalidJson(_), other) => other,
            (first, _) => first,
        }
    }

    /// A fault of the service: a bug, a broken item, a wrong setting.
    pub fn internal(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Internal(Cause::new(cause))
    }

    /// A dependency is away for now: the client may try again after `retry_after` seconds.
    pub fn unavailable(retry_after: u32, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unavailable { retry_after, cause: Cause::new(cause) }
    }

    /// The error behind the failure, for the log.
    pub fn cause(&self) -> Option<&Cause> {
        match self {
            Self::Unavailable { cause, .. }
            | Self::AwsUnavailable { cause, .. }
            | Self::AwsDenied(_, cause)
            | Self::AwsUnreachable(cause)
            | Self::Internal(cause) => Some(cause),
            _ => None,
        }
    }

    /// A conflict with the present state; `message` says why, for people.
    pub fn conflict(conflict: Conflict, message: impl Into<String>) -> Self {
        Self::Conflict(conflict, message.into())
    }
}
