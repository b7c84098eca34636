//! The report of a test of something that a tenant's provider runs: an authorisation server, a SAML identity provider.

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::connection::CheckStatus;

/// A report as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestReport {
    /// True if no check failed.
    pub success: bool,
    /// The outcome in a sentence, for people.
    pub message: String,
    /// Time of the test.
    pub checked_at: Timestamp,
    /// Duration, in milliseconds.
    pub duration_ms: u64,
    /// Every check, in their order.
    pub checks: Vec<TestCheck>,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestCheck {
    /// Its id, stable.
    pub id: String,
    /// The status.
    pub status: CheckStatus,
    /// The finding.
    pub message: String,
    /// The remedy, where there is something to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remediation: Option<String>,
}

impl TestCheck {
    /// A check that passed.
    pub fn pass(id: &str, message: impl Into<String>) -> Self {
        Self { id: id.to_owned(), status: CheckStatus::Pass, message: message.into(), remediation: None }
    }

    /// A check that could not be made, because of what another one found.
    pub fn skipped(id: &str, message: impl Into<String>) -> Self {
        Self { id: id.to_owned(), status: CheckStatus::Skipped, message: message.into(), remediation: None }
    }

    /// A check that failed.
    pub fn fail(id: &str, message: impl Into<String>, remediation: impl Into<String>) -> Self {
        let remediation = Some(remediation.into());
        Self { id: id.to_owned(), status: CheckStatus::Fail, message: message.into(), remediation }
    }

    /// A check that passed, with something to look at.
    pub fn warn(id: &str, message: impl Into<String>, remediation: impl Into<String>) -> Self {
        Self { status: CheckStatus::Warn, ..Self::fail(id, message, remediation) }
    }
}

impl TestReport {
    /// The report of these checks.
    pub fn new(checks: Vec<TestCheck>, checked_at: Timestamp, duration_ms: u64) -> Self {
        let failed: Vec<&str> =
            checks.iter().filter(|check| check.status == CheckStatus::Fail).map(|check| check.id.as_str()).collect();
        let warned = checks.iter().filter(|check| check.status == CheckStatus::Warn).count();
        let message = match (failed.as_slice(), warned) {
            ([], 0) => "all checks passed".to_owned(),
            ([], count) => format!("no check failed, {count} with a warning"),
            (failed, _) => format!("failed: {}", failed.join(", ")),
        };
        Self { success: failed.is_empty(), message, checked_at, duration_ms, checks }
    }

    /// Ids of the checks that failed: the outcome, whose change is an event.
    pub fn failed(&self) -> impl Iterator<Item = &str> {
        self.checks.iter().filter(|check| check.status == CheckStatus::Fail).map(|check| check.id.as_str())
    }
}
