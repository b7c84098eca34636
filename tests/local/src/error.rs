//! Errors of the local stack.

use std::fmt;

/// An error of the local stack itself, in one line for the developer who started it.
///
/// Errors of functions and AWS services have other types, with AWS's formats.
pub struct Error(String);

impl Error {
    /// Creates an error from one line in lower case, without a full stop.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    /// Creates an error from an activity and the cause of its failure.
    pub fn while_doing(doing: impl fmt::Display, cause: impl fmt::Display) -> Self {
        Self(format!("{doing}: {cause}"))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Error {}
