//! Everything that can go wrong with a request, once for all APIs.
//!
//! A handler returns a [`Failure`]; the runtime maps it to a status and each dialect renders it. What stands in one is
//! meant for the client: nothing of a dependency's error, no secret, no other tenant's name.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// Why a request was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// No credential, or none that stands. One answer for all reasons.
    Unauthenticated,
    /// A signed request outside the 15 minutes that clocks may differ.
    SignatureExpired,
    /// `X-Tenant-ID` is missing or no uuid, where it is required.
    InvalidTenantId,
    /// `X-Tenant-ID` names another tenant than the credential's.
    TenantMismatch,
    /// The operator has suspended the tenant.
    TenantSuspended,
    /// The client takes no representation that there is.
    NotAcceptable,
    /// The body is longer than `limit` bytes.
    TooLarge {
        /// Bytes allowed.
        limit: usize,
    },
    /// The body is declared to be something else than JSON.
    UnsupportedMediaType,
    /// The body is not JSON, or not UTF-8, or says a key twice.
    InvalidJson(String),
    /// Fields that are wrong, all of them.
    Invalid(Faults),
    /// A Cedar policy that does not parse or validate.
    InvalidPolicy(Vec<PolicyProblem>),
    /// Policies do not allow it.
    Forbidden(Denial),
    /// AWS does not let the tenant's role ask: not the management account or a delegated administrator.
    AwsDenied(String, Cause),
    /// There is no such thing, or it is another tenant's. Names the kind of thing: `instance`.
    NotFound(&'static str),
    /// No function serves this path.
    NoRoute,
    /// The path is served, with other methods.
    MethodNotAllowed,
    /// `If-Match` names another version.
    PreconditionFailed,
    /// It cannot be done as things stand.
    Conflict(Conflict, String),
    /// The `Idempotency-Key` was used for another request.
    IdempotencyMismatch,
    /// The tenant's budget is spent.
    RateLimited {
        /// Seconds.
        retry_after: u32,
    },
    /// A dependency is throttled, slow or away; nothing was done.
    Unavailable {
        /// Seconds.
        retry_after: u32,
        /// The dependency's error, for the log.
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

/// What stands in the way of a change: the stable part of a 409 (or, where a dialect says so, a 400).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conflict {
    /// No integration is saved.
    NotConfigured,
    /// Somebody else wrote first, three times in a row.
    LostRace,
    /// An ExternalId is pending already.
    RotationInProgress,
    /// No ExternalId is pending.
    NoRotation,
    /// AssumeRole does not work with the pending ExternalId.
    ExternalIdNotTrusted,
    /// The tenant would be left without an unexpired admin credential.
    LastAdmin,
    /// The same idempotency key is being worked on.
    IdempotencyInProgress,
    /// There is one already (an identity provider in a store, an organisation of this id).
    Exists,
    /// The thing is in a state in which this cannot be done to it.
    WrongState,
    /// No more of these fit.
    Limit,
    /// The very same thing is there already.
    Duplicate,
    /// An enabled identity provider would be left with no valid certificate.
    LastValidCertificate,
    /// Another tenant holds the claim.
    Claimed,
}

/// Who was denied by what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Denial {
    /// The `@notice` texts of the determining policies.
    pub notices: Vec<String>,
    /// The ids of the policies that determined the decision; none where nothing permitted it.
    pub determining_policies: Vec<String>,
    /// Whether a policy could not be evaluated, which denies: to be looked at by the operator.
    pub evaluation_failed: bool,
    /// Whose request it was: the credential's public id.
    pub principal: String,
    /// What was asked for.
    pub action: String,
    /// What it was to be done to: its kind and id.
    pub resource: (&'static str, String),
}

/// One fault of a policy text.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct PolicyProblem {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// What is wrong.
    pub message: String,
}

/// Wrong fields and what is wrong with each, sorted by field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults(BTreeMap<String, String>);

impl Faults {
    /// One wrong field.
    pub fn of(field: impl Into<String>, message: impl Into<String>) -> Self {
        let mut faults = Self::default();
        faults.add(field, message);
        faults
    }

    /// Adds a fault; the first one said of a field stands.
    pub fn add(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.0.entry(field.into()).or_insert_with(|| message.into());
    }

    /// Takes the value out of `result`, or notes its fault under `field`.
    pub fn take<T>(&mut self, field: &str, result: Result<T, impl Into<String>>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(message) => {
                self.add(field, message);
                None
            }
        }
    }

    /// Takes over all faults of `other`.
    pub fn extend(&mut self, other: Self) {
        for (field, message) in other.0 {
            self.add(field, message);
        }
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Field and message, sorted by field.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(field, message)| (field.as_str(), message.as_str()))
    }

    /// `Err` with all faults, if there is one.
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
    /// A wrong field.
    pub fn invalid(field: &str, message: impl Into<String>) -> Self {
        Faults::of(field, message).into()
    }

    /// What is said of a request in which both this and `other` are wrong: the faults of both together; else what is
    /// checked first, and that is a body's size and type.
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
