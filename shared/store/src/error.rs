//! Errors of the table.

use std::error::Error;
use std::fmt;

use trustplane_aws::{DYNAMODB, ResponseClass, said};
use trustplane_domain::{Conflict, Failure};

/// A read, or a write, that did not happen.
#[derive(Debug)]
pub enum StoreError {
    /// Throttled, slow or away: worth trying again later.
    Unavailable(Box<dyn Error + Send + Sync>),
    /// Anything else: a fault of ours or of the deployment.
    Broken(Box<dyn Error + Send + Sync>),
}

/// Items that were not loaded.
#[derive(Debug)]
pub enum LoadError {
    /// A required item does not exist. Names the kind of item: `organisation`.
    Absent(&'static str),
    /// The table.
    Store(StoreError),
}

/// Errors of a transaction. Nothing was written.
#[derive(Debug)]
pub enum CommitError {
    /// Something was written since it was read, or is being written: read, decide and write again.
    Lost,
    /// As [`CommitError::Lost`], and what is or was being written is the response kept for the same `Idempotency-Key`.
    InProgress,
    /// Another tenant holds the claim.
    Claimed,
    /// The table.
    Store(StoreError),
}

impl StoreError {
    /// An item that has to be there is missing.
    pub fn missing(what: &'static str) -> Self {
        Self::broken(format!("there is no {what}"))
    }

    /// A key that was read without being declared.
    pub(crate) fn undeclared<T>(key: &crate::Key<T>) -> Self {
        Self::broken(format!("the key `{key}` is taken but was not declared"))
    }

    pub(crate) fn broken(reason: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Broken(reason.into())
    }

    /// Converts an error of the SDK by its class.
    pub(crate) fn of_sdk<E, R>(error: aws_sdk_dynamodb::error::SdkError<E, R>) -> Self
    where
        E: Error + Send + Sync + aws_sdk_dynamodb::error::ProvideErrorMetadata + 'static,
        R: fmt::Debug + Send + Sync + 'static,
    {
        Self::of_class(ResponseClass::of_error(DYNAMODB, &error), said(&error))
    }

    /// Creates an error of this class: permanent, or worth another request.
    pub(crate) fn of_class(class: ResponseClass, reason: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        match class {
            ResponseClass::RetryNow | ResponseClass::RetryLater => Self::Unavailable(reason.into()),
            ResponseClass::Success | ResponseClass::Permanent => Self::Broken(reason.into()),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Unavailable(_) => Self::unavailable(1, error),
            StoreError::Broken(_) => Self::internal(error),
        }
    }
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Absent(noun) => Self::NotFound(noun),
            LoadError::Store(error) => error.into(),
        }
    }
}

impl From<CommitError> for Failure {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Lost => {
                Self::conflict(Conflict::LostRace, "another request changed it at the same time, try again")
            }
            CommitError::InProgress => Self::conflict(
                Conflict::IdempotencyInProgress,
                "a request with the same `Idempotency-Key` is being served, send it again for its response",
            ),
            CommitError::Claimed => Self::conflict(Conflict::Claimed, "another tenant holds it"),
            CommitError::Store(error) => error.into(),
        }
    }
}

impl From<StoreError> for LoadError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent(noun) => write!(formatter, "there is no {noun}"),
            Self::Store(error) => error.fmt(formatter),
        }
    }
}

impl Error for LoadError {}

impl fmt::Display for StoreError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, error) = match self {
            Self::Unavailable(error) => ("unavailable", error),
            Self::Broken(error) => ("broken", error),
        };
        write!(formatter, "table {word}: {error}")?;
        let mut cause = error.source();
        while let Some(next) = cause {
            write!(formatter, ": {next}")?;
            cause = next.source();
        }
        Ok(())
    }
}

impl Error for StoreError {}

impl fmt::Display for CommitError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost => formatter.write_str("written by somebody else since it was read"),
            Self::InProgress => formatter.write_str("being written by a request with the same key"),
            Self::Claimed => formatter.write_str("claimed by another tenant"),
            Self::Store(error) => error.fmt(formatter),
        }
    }
}

impl Error for CommitError {}

impl From<StoreError> for CommitError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
