//! What can keep the stack from starting or from serving a call of its own.

use std::fmt;

/// A failure of the local stack itself, said in one line for the person who started it.
///
/// It is not what a function or an AWS service answers: those have the shapes of AWS.
pub struct Error(String);

impl Error {
    /// An error of one line; lower case, no full stop.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    /// An error with what was being done when `cause` came.
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
