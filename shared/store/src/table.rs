//! The table and the client that reaches it.

use std::sync::Arc;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use trustplane_aws::{Counting, Meter, UnreadableResponses};
use trustplane_domain::timestamp::DAY;

/// The table.
#[derive(Clone, Debug)]
pub struct Table {
    pub(crate) client: Client,
    pub(crate) name: String,
    pub(crate) meter: Arc<Meter>,
    pub(crate) audit_retention: Option<i64>,
}

impl Table {
    /// The table of this name, each call to it counted by `meter`.
    pub fn new(config: &SdkConfig, name: String, meter: Arc<Meter>) -> Self {
        let config = aws_sdk_dynamodb::config::Builder::from(config)
            .interceptor(Counting::dynamodb(&meter))
            .retry_classifier(UnreadableResponses)
            .build();
        Self { client: Client::from_conf(config), name, meter, audit_retention: None }
    }

    /// Keeps audit records that it writes for so many days.
    #[must_use]
    pub fn with_audit_retention(self, days: u32) -> Self {
        Self { audit_retention: Some(i64::from(days) * DAY), ..self }
    }
}
