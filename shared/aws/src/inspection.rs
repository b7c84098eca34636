//! The state of the deployment's own keys, bus and queues, for the operator's check of a deployment.

use std::sync::Arc;

use aws_config::SdkConfig;
use aws_sdk_kms::error::SdkError;
use aws_sdk_sqs::types::QueueAttributeName;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::{Counting, Meter, UnreadableResponses, said};

/// Reason why the state of a resource is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Uninspected {
    /// The resource does not exist.
    Missing,
    /// The function's role may not read it.
    Denied,
    /// The endpoint does not know the operation: it is not AWS, but an engine with a part of AWS's operations.
    Unsupported,
    /// The call failed otherwise, for this reason.
    Failed(String),
}

/// State of a KMS key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyState {
    /// `Enabled`, `Disabled`, `PendingDeletion` and so on.
    pub state: String,
    /// `SYMMETRIC_DEFAULT`, `HMAC_256` and so on.
    pub spec: String,
    /// True if the key can have replicas in other regions.
    pub is_multi_region: bool,
}

impl Uninspected {
    /// Converts an error of the SDK.
    pub fn of<E, R>(error: SdkError<E, R>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        R: std::fmt::Debug + 'static,
    {
        let code = error.as_service_error().and_then(ProvideErrorMetadata::code).unwrap_or_default();
        let code = code.rsplit('.').next().unwrap_or(code);
        match code {
            "NotFoundException" | "ResourceNotFoundException" | "QueueDoesNotExist" | "NonExistentQueue" => {
                Self::Missing
            }
            "AccessDenied" | "AccessDeniedException" => Self::Denied,
            "UnknownOperationException" | "UnknownOperation" | "InvalidAction" => Self::Unsupported,
            _ => Self::Failed(said(&error)),
        }
    }
}

/// Describes a KMS key.
pub async fn describe_key(sdk: &SdkConfig, meter: &Arc<Meter>, id: &str) -> Result<KeyState, Uninspected> {
    let described = crate::kms::client(sdk, meter).describe_key().key_id(id).send().await;
    let key = described.map_err(Uninspected::of)?.key_metadata;
    let key = key.ok_or_else(|| Uninspected::Failed("the response has no key".to_owned()))?;
    Ok(KeyState {
        state: key.key_state.map_or_else(String::new, |state| state.as_str().to_owned()),
        spec: key.key_spec.map_or_else(String::new, |spec| spec.as_str().to_owned()),
        is_multi_region: key.multi_region.unwrap_or_default(),
    })
}

/// Describes an event bus, by name or ARN.
pub async fn describe_bus(sdk: &SdkConfig, meter: &Arc<Meter>, name: &str) -> Result<(), Uninspected> {
    let config = aws_sdk_eventbridge::config::Builder::from(sdk)
        .interceptor(Counting::other(meter))
        .retry_classifier(UnreadableResponses)
        .build();
    let described = aws_sdk_eventbridge::Client::from_conf(config).describe_event_bus().name(name).send().await;
    described.map(|_| ()).map_err(Uninspected::of)
}

/// Returns the number of messages that wait in a queue.
pub async fn waiting_messages(sdk: &SdkConfig, meter: &Arc<Meter>, url: &str) -> Result<u64, Uninspected> {
    let config = aws_sdk_sqs::config::Builder::from(sdk)
        .interceptor(Counting::other(meter))
        .retry_classifier(UnreadableResponses)
        .build();
    let name = QueueAttributeName::ApproximateNumberOfMessages;
    let client = aws_sdk_sqs::Client::from_conf(config);
    let attributes = client.get_queue_attributes().queue_url(url).attribute_names(name.clone()).send().await;
    let attributes = attributes.map_err(Uninspected::of)?.attributes.unwrap_or_default();
    let number = attributes.get(&name).and_then(|number| number.parse().ok());
    number.ok_or_else(|| Uninspected::Failed("the response has no number of messages".to_owned()))
}
