//! Plain text of the SDK's errors, for the log and for operators.

use std::error::Error;
use std::fmt;

use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId as _;

/// Returns the error in words: AWS's code, message and id of the request, or the reason that there is no answer.
pub fn said<E, R>(error: &SdkError<E, R>) -> String
where
    E: Error + ProvideErrorMetadata + 'static,
    R: fmt::Debug,
{
    let Some(service) = error.as_service_error() else { return chain(error) };
    let text = match (service.code(), service.message()) {
        (Some(code), Some(message)) => format!("`{code}`: {message}"),
        (Some(code), None) => format!("`{code}`, without a message"),
        (None, Some(message)) => message.to_owned(),
        // Such as a page of a proxy: the cause says why it could not be read.
        (None, None) => format!("an error without a code and a message: {}", chain(service)),
    };
    match service.meta().request_id() {
        Some(id) => format!("{text} (AWS request {id})"),
        None => text,
    }
}

/// An error and its causes on one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text.push_str(&format!(": {next}"));
        cause = next.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use aws_sdk_sqs::operation::send_message::SendMessageError;
    use aws_smithy_types::error::ErrorMetadata;

    use super::*;

    #[test]
    fn an_error_is_told_in_words() {
        let of = |metadata: ErrorMetadata| said(&SdkError::service_error(SendMessageError::generic(metadata), ()));
        let known = || ErrorMetadata::builder().code("UnknownOperationException");
        assert_eq!(of(known().build()), "`UnknownOperationException`, without a message");
        assert_eq!(of(known().message("no such operation").build()), "`UnknownOperationException`: no such operation");
        let traced = known().message("no such operation").custom("aws_request_id", "8476a536");
        assert_eq!(of(traced.build()), "`UnknownOperationException`: no such operation (AWS request 8476a536)");
        let unread = of(ErrorMetadata::builder().build());
        assert!(unread.starts_with("an error without a code and a message: "), "{unread}");
        let unsent = SdkError::<SendMessageError, ()>::timeout_error("the connection was not made");
        assert_eq!(said(&unsent), "request has timed out: the connection was not made");
    }
}
