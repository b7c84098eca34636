//! The table and the client that reaches it.

use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use trustplane_aws::{Counting, Meter, UnreadableResponses};
use trustplane_domain::timestamp::DAY;

use crate::keys;

/// Time limit of [`Table::connect`].
const CONNECT: Duration = Duration::from_secs(1);

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

    /// Reads the key of no item, before the first request. So the connection, its TLS handshake and what the client makes once
    /// belong to the start of a process, in which Lambda gives it more of a processor. What fails is left to the first
    /// request.
    pub async fn connect(&self) {
        let _ = tokio::time::timeout(CONNECT, self.batch(&[&keys::nothing()])).await;
    }
}
