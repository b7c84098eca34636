//! Denied requests: the reason, for operators.

use trustplane_aws::SealError;
use trustplane_domain::{Failure, Faults};
use trustplane_runtime::{OperatorCall, Response, opened_denial};

/// `decode-authorization-message`: `{encoded_message}`, as a client was given it in `encoded_authorization_message`.
///
/// Returns `{decision, cause, determining_policies, all_policies, evaluation_failed, request}`; `cause` is `policies`, or
/// `aws` or `tenant` with a `reason`. A message that is a request id was not sealed, since the key was away: only that
/// request's line in the log is left.
pub async fn decode(call: OperatorCall) -> Result<Response, Failure> {
    let mut fields = call.fields()?;
    let encoded = fields.string("encoded_message").unwrap_or_default();
    fields.finish(Faults::default())?;
    let denial = opened_denial(call.platform.seal()?, &encoded).await.map_err(|error| match error {
        SealError::NotSealed => Failure::invalid("encoded_message", "is none that this service sealed"),
        error @ SealError::Failed(_) => error.into(),
    })?;
    Ok(Response::ok(&denial))
}
