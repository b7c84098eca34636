//! Plain text of the SDK's errors, for the log and for operators.

use std::error::Error;
use std::fmt;

use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

/// Returns the error in words: AWS's code and message, or the reason that there is no answer.
pub fn said<E, R>(error: &SdkError<E, R>) -> String
where
    E: Error + ProvideErrorMetadata + 'static,
    R: fmt::Debug,
{
    match error.as_service_error().map(|service| (service.code(), service.message())) {
        Some((Some(code), Some(message))) => format!("`{code}`: {message}"),
        Some((Some(code), None)) => format!("`{code}`, without a message"),
        Some((None, Some(message))) => message.to_owned(),
        Some((None, None)) => "an error without a code and a message".to_owned(),
        None => chain(error),
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
        assert_eq!(of(ErrorMetadata::builder().build()), "an error without a code and a message");
        let unsent = SdkError::<SendMessageError, ()>::timeout_error("the connection was not made");
        assert_eq!(said(&unsent), "request has timed out: the connection was not made");
    }
}
