//! The client of KMS, and its errors.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_kms::Client;
use aws_sdk_kms::config::Builder;
use aws_sdk_kms::error::{ProvideErrorMetadata, SdkError};
use trustplane_domain::Failure;

use crate::response_class::KMS;
use crate::said::chain;
use crate::{Counting, Meter, ResponseClass, UnreadableResponses};

/// Time limit of a call with its retries.
const CALL: Duration = Duration::from_secs(2);

/// Creates a client whose calls are counted, have a time limit, and are sent again if the response is unreadable.
pub(crate) fn client(sdk: &SdkConfig, meter: &Arc<Meter>) -> Client {
    let timeouts = TimeoutConfig::builder().operation_timeout(CALL).operation_attempt_timeout(CALL / 2).build();
    let config = Builder::from(sdk)
        .timeout_config(timeouts)
        .interceptor(Counting::other(meter))
        .retry_classifier(UnreadableResponses)
        .build();
    Client::from_conf(config)
}

/// A call to KMS that failed. Its text is for the log.
#[derive(Debug)]
pub struct KmsError {
    class: ResponseClass,
    message: String,
}

impl KmsError {
    /// Converts an error of the SDK by its class.
    pub(crate) fn of<E, R>(error: &SdkError<E, R>) -> Self
    where
        E: Error + ProvideErrorMetadata + 'static,
        R: fmt::Debug,
    {
        let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
        let message = code.map_or_else(|| chain(error), ToOwned::to_owned);
        Self { class: ResponseClass::of_error(KMS, error), message }
    }

    /// Creates the error of a response that lacks what it should have.
    pub(crate) fn without(what: &str) -> Self {
        Self { class: ResponseClass::RetryLater, message: format!("a response without {what}") }
    }

    /// Returns what should follow.
    pub fn class(&self) -> ResponseClass {
        self.class
    }
}

impl From<KmsError> for Failure {
    fn from(error: KmsError) -> Self {
        match error.class {
            ResponseClass::RetryNow | ResponseClass::RetryLater => Self::unavailable(1, error),
            ResponseClass::Success | ResponseClass::Permanent => Self::internal(error),
        }
    }
}

impl fmt::Display for KmsError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the platform's key could not be used ({}): {}", self.class, self.message)
    }
}

impl Error for KmsError {}
