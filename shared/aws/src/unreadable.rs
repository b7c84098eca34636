//! Retries of responses that cannot be read.

use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction};
use serde_json::Value;

/// Retries a call whose response is cut off or garbage, like a call whose response was lost.
///
/// The SDK takes such a response for an error of the operation, and does not retry it. A retry within the SDK has the
/// client request token of the first attempt, so a transaction that was committed is not committed twice.
#[derive(Clone, Copy, Debug)]
pub struct UnreadableResponses;

impl ClassifyRetry for UnreadableResponses {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let error = context.output_or_error().and_then(Result::err);
        // A response that is no HTTP at all.
        if error.and_then(|error| error.as_connector_error()).is_some_and(|error| error.is_other()) {
            return RetryAction::transient_error();
        }
        let failed = error.is_some_and(|error| error.is_operation_error());
        let Some(response) = context.response().filter(|_| failed) else { return RetryAction::NoActionIndicated };
        // An error of AWS has a type, in the body or in a header. A success has none, but then it was not understood.
        let has_type = || {
            response.headers().contains_key("x-amzn-errortype")
                || response.body().bytes().and_then(|body| serde_json::from_slice::<Value>(body).ok()).is_some_and(
                    |body| ["__type", "code"].iter().any(|name| body.get(*name).is_some_and(Value::is_string)),
                )
        };
        if response.status().is_success() || !has_type() {
            RetryAction::transient_error()
        } else {
            RetryAction::NoActionIndicated
        }
    }

    fn name(&self) -> &'static str {
        "unreadable responses"
    }
}
