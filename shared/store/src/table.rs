//! The table and the client that reaches it.

use std::sync::Arc;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use trustplane_aws::{Counting, Meter, UnreadableResponses};

/// The table.
#[derive(Clone, Debug)]
pub struct Table {
    pub(crate) client: Client,
    pub(crate) name: String,
    pub(crate) meter: Arc<Meter>,
}

impl Table {
    /// The table of this name, each call to it counted by `meter`.
    pub fn new(config: &SdkConfig, name: String, meter: Arc<Meter>) -> Self {
        let config = aws_sdk_dynamodb::config::Builder::from(config)
            .interceptor(Counting::dynamodb(&meter))
            .retry_classifier(UnreadableResponses)
            .build();
        Self { client: Client::from_conf(config), name, meter }
    }
}
