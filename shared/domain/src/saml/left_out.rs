//! Parts of metadata that cannot be used, although the rest can.

use std::fmt;

use crate::certificate::{self, Summary};
use crate::shown::shown;

/// A part of an identity provider's metadata that is left out, and why. `Display` is a sentence about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeftOut {
    /// A certificate for signing.
    Certificate {
        /// Its number among the certificates for signing, from 1.
        number: usize,
        /// Facts of it, where it is a certificate at all.
        summary: Option<Summary>,
        /// The reason.
        fault: certificate::Fault,
    },
    /// A place to sign in.
    Service {
        /// Its number among the places to sign in, from 1.
        number: usize,
        /// The reason, said of its `Location`.
        fault: &'static str,
    },
}

impl fmt::Display for LeftOut {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificate { number, summary, fault } => {
                write!(formatter, "signing certificate {number}")?;
                if let Some(summary) = summary.as_ref().filter(|summary| !summary.subject.is_empty()) {
                    write!(formatter, " (`{}`)", shown(&summary.subject))?;
                }
                write!(formatter, " is left out: it {fault}")
            }
            Self::Service { number, fault } => {
                write!(formatter, "`SingleSignOnService` {number} is left out: its `Location` {fault}")
            }
        }
    }
}
