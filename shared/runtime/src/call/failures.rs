//! What a dependency's failure is to the client. It is logged here, once.

use trustplane_aws::CustomerError;
use trustplane_domain::{Conflict, Failure};
use trustplane_store::{CommitError, StoreError};

use super::Call;

impl Call {
    /// Logs what the customer's AWS said, and tells the client what it may know.
    pub fn customer_failure(&self, error: &CustomerError) -> Failure {
        tracing::warn!(error = %error, "customer");
        match error {
            CustomerError::Denied(action) => Failure::AwsDenied(format!(
                "Only the organization's management account or a delegated administrator account may do this: AWS \
                 denies `{action}` to the role of the connection"
            )),
            CustomerError::NotEnforced => Failure::AwsDenied(
                "The role of the connection can be assumed without the ExternalId, so nothing is asked through it: demand \
                 `sts:ExternalId` in its trust policy, as the test of the connection says"
                    .to_owned(),
            ),
            CustomerError::Refused(_) => {
                Failure::AwsDenied("AWS refuses to describe the instance to the role of the connection".to_owned())
            }
            CustomerError::InstanceGone => Failure::NotFound("instance"),
            CustomerError::Throttled(_) | CustomerError::Unavailable(_) => Failure::Unavailable { retry_after: 5 },
            CustomerError::Unreachable(_) => Failure::AwsUnreachable,
        }
    }
}

/// Logs what the table said, and tells the client what it may know.
pub(crate) fn store_failure(error: &StoreError) -> Failure {
    tracing::error!(error = %error, "table");
    error.into()
}

/// What a failed commit is to the client.
pub fn commit_failure(error: &CommitError) -> Failure {
    match error {
        CommitError::Lost => {
            Failure::conflict(Conflict::LostRace, "somebody else changed it at the same time, try again")
        }
        CommitError::InProgress => Failure::conflict(
            Conflict::IdempotencyInProgress,
            "a request with the same `Idempotency-Key` is being served, send it again for its reply",
        ),
        CommitError::Claimed => Failure::conflict(Conflict::Claimed, "it is held by somebody else"),
        CommitError::Store(error) => store_failure(error),
    }
}
