//! The client of KMS.

use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_kms::Client;
use aws_sdk_kms::config::Builder;

use crate::{Counting, Meter, UnreadableResponses};

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
