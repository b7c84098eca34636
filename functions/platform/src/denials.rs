//! Denied requests: what operators can learn of them.

use serde_json::Value;
use trustplane_aws::SealError;
use trustplane_domain::{Failure, Faults};
use trustplane_runtime::{OperatorCall, opened_denial};

/// `decode-authorization-message`: `{encoded_message}`, as a client was given it in `encoded_authorization_message`.
///
/// Answers `{decision, cause, determining_policies, all_policies, evaluation_failed, request}`; `cause` is `policies`, or
/// `aws` or `tenant` with a `reason`. A message that is a request id
/// was not sealed, since the key was away: that request's line in the log is all there is.
pub async fn decode(call: OperatorCall) -> Result<Value, Failure> {
    let mut fields = call.fields()?;
    let encoded = fields.string("encoded_message").unwrap_or_default();
    fields.finish(Faults::default())?;
    let seal = call.platform.seal.as_ref().ok_or(Failure::Internal)?;
    opened_denial(seal, &encoded).await.map_err(|error| match error {
        SealError::NotSealed => Failure::invalid("encoded_message", "is none that this service sealed"),
        SealError::Unavailable(_) => Failure::Unavailable { retry_after: 1 },
    })
}
