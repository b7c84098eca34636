//! Failures of a round: tried again later, or given up with a reason.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Cause, Sync};
use crate::Timestamp;
use crate::connection::{Actor, Connection, Deployment, KmsReason, Refusal};
use crate::timestamp::SECOND;

/// Attempts at a step that fails for reasons that pass.
const ATTEMPTS: u32 = 6;

/// Time between attempts at a step that a new role is denied, in milliseconds.
const SETTLING: i64 = 15 * SECOND;

/// Longest time between two answers that counts as work, in milliseconds: a pause between two runs is shorter, one after a
/// failure is longer.
const MAX_PAUSE: i64 = 60 * SECOND;

/// Most calls of a round, about nine hours: more is a list that does not end.
const MAX_CALLS: u64 = 250_000;

/// The reason that a step was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// AWS refused a call.
    Refused(Cause),
    /// A list has a page token that it had before.
    TokenRepeats,
    /// AWS does not accept its page token, from the first page on.
    TokenRefused,
    /// AWS lists something that it says does not exist.
    Contradiction,
    /// The round has more calls than any organization needs.
    TooLarge,
    /// The table does not take the rows.
    Table,
    /// One run after the other was killed at the same place.
    Stalled,
    /// No connection is saved.
    NotConfigured,
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Refused(_) => "AWS refused a call",
            Self::TokenRepeats => "a list has a page token that it had before",
            Self::TokenRefused => "AWS does not accept its own page token, from the first page on",
            Self::Contradiction => "AWS lists something that it says does not exist",
            Self::TooLarge => "the reading has more calls than any organization needs",
            Self::Table => "the table does not take the rows",
            Self::Stalled => "one run after the other was killed at the same place",
            Self::NotConfigured => "no connection is saved",
        })
    }
}

/// The reason that a round was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
#[serde(rename_all = "snake_case")]
pub enum SyncFailure {
    /// AWS denies a call to the role.
    Denied,
    /// The role can be assumed without the tenant's ExternalId, so nothing is asked through it.
    ExternalIdNotEnforced,
    /// The role's sessions are in another account than its ARN names.
    AccountMismatch,
    /// The instance does not exist.
    InstanceGone,
    /// The KMS key that encrypts the instance cannot be used.
    Kms,
    /// The region is not enabled for the account.
    RegionNotEnabled,
    /// The instance is an account instance.
    AccountInstance,
    /// AWS refuses for another reason.
    Refused,
    /// AWS throttled, failed or did not answer repeatedly.
    Unavailable,
    /// The platform could not ask AWS repeatedly: its operator has to act.
    PlatformFault,
    /// AWS lists a thing that it says does not exist, repeatedly.
    Contradiction,
    /// The instance's primary region is not the saved one.
    WrongRegion,
    /// A new instance was not visible in its own region.
    InstanceNotVisible,
    /// The instance is being made or deleted, or could not be made.
    InstanceNotActive,
    /// AWS's page tokens repeat or are not accepted.
    PageToken,
    /// The organization is larger than can be read.
    TooLarge,
    /// The platform could not finish the reading or write what it read.
    Internal,
    /// The connection was removed.
    NotConfigured,
}

impl SyncFailure {
    /// Reports a failure that may be gone at the next attempt without a change by the customer.
    fn may_pass(self) -> bool {
        matches!(
            self,
            Self::Unavailable | Self::PlatformFault | Self::Contradiction | Self::InstanceNotVisible | Self::Internal
        )
    }
}

impl Fault {
    /// The failure that the round is given up with.
    pub fn failure(&self) -> SyncFailure {
        match self {
            Self::Refused(cause) => match &cause.refusal {
                Refusal::Denied(_) => SyncFailure::Denied,
                Refusal::NotEnforced => SyncFailure::ExternalIdNotEnforced,
                Refusal::AccountMismatch(_) => SyncFailure::AccountMismatch,
                Refusal::NotFound => SyncFailure::InstanceGone,
                Refusal::Kms(KmsReason::Throttled) => SyncFailure::Unavailable,
                Refusal::Kms(_) | Refusal::EncryptionFailed(_) => SyncFailure::Kms,
                Refusal::WrongRegion(_) => SyncFailure::WrongRegion,
                Refusal::NotVisible => SyncFailure::InstanceNotVisible,
                Refusal::NotActive(_) => SyncFailure::InstanceNotActive,
                Refusal::SessionOver | Refusal::RegionDisabled => SyncFailure::RegionNotEnabled,
                Refusal::AccountInstance | Refusal::NoOrganization => SyncFailure::AccountInstance,
                Refusal::PageToken => SyncFailure::PageToken,
                refusal if refusal.acts() == Actor::Platform => SyncFailure::PlatformFault,
                refusal if refusal.is_passing() => SyncFailure::Unavailable,
                _ => SyncFailure::Refused,
            },
            Self::TokenRepeats | Self::TokenRefused => SyncFailure::PageToken,
            Self::Contradiction => SyncFailure::Contradiction,
            Self::TooLarge => SyncFailure::TooLarge,
            Self::Table | Self::Stalled => SyncFailure::Internal,
            Self::NotConfigured => SyncFailure::NotConfigured,
        }
    }
}

impl Sync {
    /// This state after a step that failed at `now`: tried again later each time where the reason may pass, else given up. The
    /// shown round stays.
    #[must_use]
    pub fn failed(&self, fault: &Fault, now: Timestamp) -> Self {
        let failure = fault.failure();
        if failure == SyncFailure::Denied && self.settles_at.is_some_and(|until| now < until) {
            let due_at = Some(now.plus_millis(SETTLING));
            return Self { due_at, waiting_for: Some(failure), ..self.clone() };
        }
        let attempts = self.attempts + 1;
        if failure.may_pass() && attempts < ATTEMPTS {
            // 1, 2, 4, 8, 16 minutes.
            let wait = (60 * SECOND) << (attempts - 1);
            let due_at = Some(now.plus_millis(wait));
            return Self { attempts, due_at, waiting_for: Some(failure), ..self.clone() };
        }
        let cause = match fault {
            Fault::Refused(cause) => Some(cause.clone()),
            _ => None,
        };
        let at_rest = Self { step: None, due_at: None, attempts: 0, waiting_for: None, ..self.clone() };
        Self { failure: Some(failure), cause, ..at_rest }
    }

    /// Counts a call to AWS that was answered at `now`, and the time since the one before.
    pub(super) fn counted(mut self, now: Timestamp) -> Result<Self, Fault> {
        self.counts.calls += 1;
        let since = self.answered_at.map_or(0, |before| now.millis_since(before).clamp(0, MAX_PAUSE));
        self.counts.millis += since.unsigned_abs();
        self.answered_at = Some(now);
        if self.counts.calls > MAX_CALLS { Err(Fault::TooLarge) } else { Ok(self) }
    }

    /// The IAM action that was denied.
    pub fn denied_action(&self) -> Option<&str> {
        let cause = self.cause.as_ref().filter(|cause| cause.refusal.is_denied());
        cause.map(|cause| cause.action.as_str())
    }

    /// The reason that the last round was given up and its remedy, for people: in the words of the connection test where AWS
    /// refused.
    pub fn advice(&self, connection: &Connection, deployment: &Deployment) -> Option<String> {
        const TEST: &str = "POST /v1/integrations/aws-identity-center/test checks the connection.";
        let failure = self.failure?;
        if let Some(Cause { action, refusal, about }) = &self.cause
            && failure != SyncFailure::Unavailable
        {
            let explained = connection.explain(deployment, action, refusal);
            let about = about.as_ref().map(|about| format!(" The call was about {about}.")).unwrap_or_default();
            let found = explained.found;
            return Some(format!("{found}{about} {} Then request another reading. {TEST}", explained.remedy));
        }
        Some(match failure {
            SyncFailure::Unavailable => {
                let cause = self.cause.as_ref().map(|cause| format!(" {}", cause.refusal.found(&cause.action)));
                format!(
                    "AWS throttled, failed or did not answer {ATTEMPTS} times in half an hour.{} Nothing has to be changed: request \
                     another reading.",
                    cause.unwrap_or_default()
                )
            }
            SyncFailure::Contradiction => format!(
                "AWS lists permission sets or accounts and says that the same do not exist, {ATTEMPTS} times in half an hour. Your \
                 access is not shown as removed because of that. Request another reading; if it fails again, ask AWS Support \
                 about IAM Identity Center in this region."
            ),
            SyncFailure::PageToken => {
                "AWS repeats its page tokens or does not accept them. Request another reading; if it fails \
                                       again, report it to the operator of this platform."
                    .to_owned()
            }
            SyncFailure::TooLarge => format!(
                "The organization needs more than {MAX_CALLS} calls, more than this platform makes in one reading. Report it to \
                 the operator of this platform."
            ),
            SyncFailure::Internal => {
                "The platform could not finish the reading or store what it read. Nothing has to be changed in your account: \
                 report it to the operator of this platform."
                    .to_owned()
            }
            SyncFailure::NotConfigured => "The configuration was removed meanwhile. Save one first.".to_owned(),
            _ => TEST.to_owned(),
        })
    }
}
