//! The report of a test: what was checked, what is wrong, where, and what to do.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Timestamp;

/// The report as it is kept and shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "TestedReport"))]
pub struct Report {
    /// True if no check failed or was unavailable.
    pub success: bool,
    /// The outcome in a sentence, for people.
    #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
    pub message: String,
    /// Time at which the test began.
    pub checked_at: Timestamp,
    /// Duration of the test, in milliseconds.
    pub duration_ms: u64,
    /// The version of the settings that were tested.
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub config_version: u64,
    /// All checks, in the order in which they are made.
    #[cfg_attr(feature = "schema", schemars(length(min = 7, max = 7)))]
    pub checks: Vec<Check>,
    /// The last test that AWS answered; only in a report with an unavailable check.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_answered: Option<LastAnswered>,
}

/// A test that AWS answered, in the report of a later one that it did not answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "LastAnsweredTest"))]
pub struct LastAnswered {
    /// True if no check failed.
    pub success: bool,
    /// The outcome in a sentence, for people.
    pub message: String,
    /// Time at which the test began.
    pub checked_at: Timestamp,
    /// The version of the settings that were tested.
    pub config_version: u64,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "TestCheck"))]
pub struct Check {
    /// Id of the check.
    pub id: CheckId,
    /// The condition that the check tests, in a few words.
    #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
    pub title: String,
    /// Outcome of the check.
    pub status: CheckStatus,
    /// Settings to look at; empty for a check that passed.
    #[cfg_attr(feature = "schema", schemars(extend("items" = serde_json::json!({"type": "string", "enum": ["sso_instance_arn", "role_arn", "region"]}))))]
    pub fields: Vec<String>,
    /// Code of the problem, for programs; null for a check that passed or was skipped.
    pub code: Option<Code>,
    /// The finding, for people.
    #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
    pub message: String,
    /// Remedy, for people; null where there is nothing to do.
    pub remediation: Option<String>,
    /// AWS's id of the request with this finding, for AWS Support.
    pub aws_request_id: Option<String>,
    /// Values for programs: `region` of `wrong_region`, `action` of `permission_missing`, and so on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Map<String, Value>>,
}

/// The checks, in the order of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
#[serde(rename_all = "snake_case")]
pub enum CheckId {
    /// The role can be assumed with the tenant's ExternalId.
    AssumeRole,
    /// It cannot be assumed without it.
    ExternalIdEnforced,
    /// The session is in the account that the role's ARN names.
    AccountMatch,
    /// The instance is in the region.
    InstanceVisible,
    /// It is active, and its key can be used.
    InstanceActive,
    /// The instance is the organization's, and the role may administer it.
    InstanceKind,
    /// Permission sets can be listed.
    PermissionSets,
}

/// Outcome of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
#[serde(rename_all = "snake_case")]
pub enum CheckStatus {
    /// The condition holds.
    Pass,
    /// The condition does not hold, and the connection does not work.
    Fail,
    /// The connection works, but something should be changed.
    Warn,
    /// Not asked, because of what another check found.
    Skipped,
    /// AWS did not answer, throttled or failed, or the platform could not ask: nothing is known about the connection.
    Unavailable,
}

/// Code of a problem. Codes are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// STS does not let the platform assume the role.
    AssumeRoleDenied,
    /// STS refuses for another reason than a denial.
    AssumeRoleFailed,
    /// STS did not answer.
    StsUnreachable,
    /// While rotating: the role does not trust the pending ExternalId yet.
    PendingExternalIdNotTrusted,
    /// While rotating: the role trusts the pending ExternalId alone.
    CurrentExternalIdNotTrusted,
    /// Another tenant uses the same role.
    RoleShared,
    /// The role can be assumed by any tenant who knows its ARN.
    ExternalIdNotEnforced,
    /// The session is in another account.
    AccountMismatch,
    /// The role is in another partition than the deployment.
    PartitionUnreachable,
    /// There is no such instance, in any region.
    InstanceNotFound,
    /// The instance's primary region is another one.
    WrongRegion,
    /// The region is not enabled for the role's account.
    RegionNotEnabled,
    /// A new instance is not visible in its own region yet.
    InstanceNotVisible,
    /// The role lacks a permission, or a policy denies it.
    PermissionMissing,
    /// A policy that looks at where calls come from denies it.
    NetworkRestricted,
    /// The instance is being made or deleted, or could not be made.
    InstanceNotActive,
    /// The customer's key does not let the role decrypt.
    KmsDenied,
    /// The customer's key is disabled.
    KmsDisabled,
    /// The customer's key is in a state in which it cannot be used.
    KmsInvalidState,
    /// The customer's key is of another kind.
    KmsInvalidKeyUsage,
    /// The customer's key is gone.
    KmsNotFound,
    /// KMS is throttled.
    KmsThrottled,
    /// The instance's encryption could not be changed.
    KmsUpdateFailed,
    /// The instance is one account's own.
    AccountInstance,
    /// The role is in a member account that does not administer IAM Identity Center.
    NotDelegatedAdmin,
    /// AWS throttles.
    AwsThrottled,
    /// AWS fails.
    AwsUnavailable,
    /// AWS did not answer.
    AwsUnreachable,
    /// AWS rejects the platform's request itself, or something between the platform and AWS answers.
    PlatformFault,
    /// AWS refuses for a reason that is not among these.
    AwsRefused,
}

/// Health of a connection, from its last test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// Every check passed.
    Healthy,
    /// It works with a warning, or what failed may pass by itself.
    Degraded,
    /// It does not work until somebody changes something.
    Broken,
}

impl Report {
    /// The report of these checks.
    pub fn new(checks: Vec<Check>, config_version: u64, checked_at: Timestamp, duration_ms: u64) -> Self {
        let of = |status| checks.iter().filter(move |check| check.status == status);
        let success = of(CheckStatus::Fail).chain(of(CheckStatus::Unavailable)).next().is_none();
        let message = match (of(CheckStatus::Fail).next(), of(CheckStatus::Unavailable).next()) {
            (Some(failed), _) => format!("The connection does not work: {}", failed.message),
            (None, Some(unavailable)) => format!("The connection could not be tested: {}", unavailable.message),
            (None, None) => match of(CheckStatus::Warn).count() {
                0 => "The connection works.".to_owned(),
                1 => "The connection works, with a warning.".to_owned(),
                warnings => format!("The connection works, with {warnings} warnings."),
            },
        };
        Self { success, message, checked_at, duration_ms, config_version, checks, last_answered: None }
    }

    /// Time at which the test ended.
    pub fn ended_at(&self) -> Timestamp {
        self.checked_at.plus_millis(i64::try_from(self.duration_ms).unwrap_or(i64::MAX))
    }

    /// The report after the one before it: an outage does not take the place of what was known.
    #[must_use]
    pub fn after(self, before: Option<&Self>) -> Self {
        let Some(before) = before.filter(|_| self.health().is_none()) else { return self };
        let last_answered = match before.health() {
            Some(_) => Some(LastAnswered {
                success: before.success,
                message: before.message.clone(),
                checked_at: before.checked_at,
                config_version: before.config_version,
            }),
            None => before.last_answered.clone(),
        };
        Self { last_answered, ..self }
    }

    /// The health of the connection; `None` where an unavailable check leaves it unknown.
    pub fn health(&self) -> Option<Health> {
        let of = |status| self.checks.iter().filter(move |check| check.status == status);
        if of(CheckStatus::Unavailable).next().is_some() {
            return None;
        }
        let lasting = of(CheckStatus::Fail).any(|check| !check.code.is_some_and(Code::is_passing));
        Some(match (lasting, self.success && of(CheckStatus::Warn).next().is_none()) {
            (true, _) => Health::Broken,
            (false, true) => Health::Healthy,
            (false, false) => Health::Degraded,
        })
    }

    /// Seconds after which a test is worth repeating, where AWS or the platform could not answer.
    pub fn retry_after(&self) -> Option<u32> {
        const RETRY_AFTER: u32 = 30;
        self.health().is_none().then_some(RETRY_AFTER)
    }

    /// Outcome of a check.
    pub fn status(&self, id: CheckId) -> Option<CheckStatus> {
        self.checks.iter().find(|check| check.id == id).map(|check| check.status)
    }

    /// Reports a check that failed with this code.
    pub fn failed_with(&self, code: Code) -> bool {
        self.checks.iter().any(|check| check.status == CheckStatus::Fail && check.code == Some(code))
    }
}

impl fmt::Display for Code {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(formatter)
    }
}

impl Code {
    /// All codes.
    pub const ALL: [Self; 30] = [
        Self::AssumeRoleDenied,
        Self::AssumeRoleFailed,
        Self::StsUnreachable,
        Self::PendingExternalIdNotTrusted,
        Self::CurrentExternalIdNotTrusted,
        Self::RoleShared,
        Self::ExternalIdNotEnforced,
        Self::AccountMismatch,
        Self::PartitionUnreachable,
        Self::InstanceNotFound,
        Self::WrongRegion,
        Self::RegionNotEnabled,
        Self::InstanceNotVisible,
        Self::PermissionMissing,
        Self::NetworkRestricted,
        Self::InstanceNotActive,
        Self::KmsDenied,
        Self::KmsDisabled,
        Self::KmsInvalidState,
        Self::KmsInvalidKeyUsage,
        Self::KmsNotFound,
        Self::KmsThrottled,
        Self::KmsUpdateFailed,
        Self::AccountInstance,
        Self::NotDelegatedAdmin,
        Self::AwsThrottled,
        Self::AwsUnavailable,
        Self::AwsUnreachable,
        Self::PlatformFault,
        Self::AwsRefused,
    ];

    /// Reports a code that may be gone at the next test without a change by the customer.
    pub fn is_passing(self) -> bool {
        matches!(
            self,
            Self::StsUnreachable
                | Self::InstanceNotVisible
                | Self::PlatformFault
                | Self::AwsThrottled
                | Self::AwsUnavailable
                | Self::AwsUnreachable
                | Self::KmsThrottled
        )
    }

    /// The settings to look at.
    pub(super) fn fields(self) -> &'static [&'static str] {
        match self {
            Self::WrongRegion | Self::RegionNotEnabled | Self::AwsUnreachable => &["region"],
            Self::InstanceNotFound => &["sso_instance_arn", "region"],
            Self::InstanceNotActive
            | Self::KmsDenied
            | Self::KmsDisabled
            | Self::KmsInvalidState
            | Self::KmsInvalidKeyUsage
            | Self::KmsNotFound
            | Self::KmsUpdateFailed
            | Self::NetworkRestricted => &["sso_instance_arn"],
            Self::StsUnreachable
            | Self::InstanceNotVisible
            | Self::KmsThrottled
            | Self::AwsThrottled
            | Self::AwsUnavailable
            | Self::PlatformFault => &[],
            _ => &["role_arn"],
        }
    }
}

impl CheckId {
    /// All checks.
    pub const ALL: [Self; 7] = [
        Self::AssumeRole,
        Self::ExternalIdEnforced,
        Self::AccountMatch,
        Self::InstanceVisible,
        Self::InstanceActive,
        Self::InstanceKind,
        Self::PermissionSets,
    ];

    /// The condition that the check tests.
    pub fn title(self) -> &'static str {
        match self {
            Self::AssumeRole => "The role can be assumed",
            Self::ExternalIdEnforced => "The role demands the ExternalId",
            Self::AccountMatch => "The role is in the account of its ARN",
            Self::InstanceVisible => "The instance is in the region",
            Self::InstanceActive => "The instance is active",
            Self::InstanceKind => "The role administers the organization's instance",
            Self::PermissionSets => "Permission sets can be listed",
        }
    }
}

impl Check {
    /// Nothing is wrong.
    pub(super) fn pass(id: CheckId, message: impl Into<String>, aws_request_id: Option<String>) -> Self {
        Self {
            id,
            title: id.title().to_owned(),
            status: CheckStatus::Pass,
            fields: Vec::new(),
            code: None,
            message: message.into(),
            remediation: None,
            aws_request_id,
            details: None,
        }
    }

    /// Not asked.
    pub(super) fn skipped(id: CheckId, message: impl Into<String>) -> Self {
        Self { status: CheckStatus::Skipped, ..Self::pass(id, message, None) }
    }

    /// With a value for programs.
    pub(super) fn detail(mut self, name: &str, value: &str) -> Self {
        self.details.get_or_insert_default().insert(name.to_owned(), value.into());
        self
    }

    /// With a list for programs.
    pub(super) fn list(mut self, name: &str, values: &[&str]) -> Self {
        self.details.get_or_insert_default().insert(name.to_owned(), values.into());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_codes_are_among_all() {
        for (place, code) in Code::ALL.into_iter().enumerate() {
            assert_eq!(code as usize, place, "{code:?} is not in its place: is one missing before it?");
        }
        assert_eq!(Code::AwsRefused as usize + 1, Code::ALL.len());
    }
}
