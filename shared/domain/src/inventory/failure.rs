//! Failures of a round: tried again later, or given up with a reason.

use serde::{Deserialize, Serialize};

use super::{Cause, Sync};
use crate::Timestamp;
use crate::connection::{Connection, Deployment, KmsReason, Refusal};
use crate::timestamp::SECOND;

/// Attempts at a step that fails for reasons that pass.
const ATTEMPTS: u32 = 6;

/// Time between attempts at a step that a new role is denied, in milliseconds.
const SETTLING: i64 = 15 * SECOND;

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
    /// No connection is saved.
    NotConfigured,
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
    /// AWS's page tokens repeat or are not accepted.
    PageToken,
    /// The organization is larger than can be read.
    TooLarge,
    /// The platform could not write what it read.
    Internal,
    /// The connection was removed.
    NotConfigured,
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
                Refusal::Kms(_) => SyncFailure::Kms,
                Refusal::SessionOver | Refusal::RegionDisabled => SyncFailure::RegionNotEnabled,
                Refusal::AccountInstance | Refusal::NoOrganization => SyncFailure::AccountInstance,
                Refusal::PageToken => SyncFailure::PageToken,
                refusal if refusal.is_passing() => SyncFailure::Unavailable,
                _ => SyncFailure::Refused,
            },
            Self::TokenRepeats | Self::TokenRefused => SyncFailure::PageToken,
            Self::Contradiction => SyncFailure::Unavailable,
            Self::TooLarge => SyncFailure::TooLarge,
            Self::Table => SyncFailure::Internal,
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
            return Self { due_at: Some(now.plus_millis(SETTLING)), ..self.clone() };
        }
        let attempts = self.attempts + 1;
        let may_pass = matches!(failure, SyncFailure::Unavailable | SyncFailure::Internal);
        if may_pass && attempts < ATTEMPTS {
            // 1, 2, 4, 8, 16 minutes.
            let wait = (60 * SECOND) << (attempts - 1);
            return Self { attempts, due_at: Some(now.plus_millis(wait)), ..self.clone() };
        }
        let cause = match fault {
            Fault::Refused(cause) => Some(cause.clone()),
            _ => None,
        };
        Self { step: None, due_at: None, attempts: 0, failure: Some(failure), cause, ..self.clone() }
    }

    /// Counts a call to AWS.
    pub(super) fn counted(mut self) -> Result<Self, Fault> {
        self.counts.calls += 1;
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
        if let Some(Cause { action, refusal }) = &self.cause
            && failure != SyncFailure::Unavailable
        {
            let explained = connection.explain(deployment, action, refusal);
            return Some(format!("{} {} Then request another reading. {TEST}", explained.found, explained.remedy));
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
                "The platform could not store what it read. Nothing has to be changed in your account: report \
                                      it to the operator of this platform."
                    .to_owned()
            }
            SyncFailure::NotConfigured => "The configuration was removed meanwhile. Save one first.".to_owned(),
            _ => TEST.to_owned(),
        })
    }
}
