//! A webhook as policies and the audit log see it.

use serde::Serialize;

use super::{DisabledReason, EventPattern, State, Webhook};
use crate::timestamp::Timestamp;

/// A webhook as policies and the audit log see it: nothing of the URL but its origin.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "WebhookImage"))]
pub struct View<'a> {
    origin: &'a str,
    events: &'a [EventPattern],
    description: Option<&'a str>,
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["enabled", "disabled"])))]
    status: &'static str,
    reason: Option<DisabledReason>,
}

/// A webhook that was disabled, as the audit log sees it.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "DisabledWebhookImage"))]
pub struct DisabledView<'a> {
    #[serde(flatten)]
    webhook: View<'a>,
    failing_since: Option<Timestamp>,
}

impl<'a> View<'a> {
    /// The view of a webhook.
    pub fn of(webhook: &'a Webhook) -> Self {
        let (status, reason) = match webhook.state {
            State::Enabled { .. } => ("enabled", None),
            State::Disabled { reason, .. } => ("disabled", Some(reason)),
        };
        let Webhook { origin, events, description, .. } = webhook;
        Self { origin, events, description: description.as_deref(), status, reason }
    }

    /// The view of a webhook that is enabled.
    pub fn enabled(origin: &'a str, events: &'a [EventPattern], description: Option<&'a str>) -> Self {
        Self { origin, events, description, status: "enabled", reason: None }
    }
}

impl<'a> DisabledView<'a> {
    /// The view of a webhook before or after it was disabled, with the time since which its deliveries fail.
    pub fn of(webhook: &'a Webhook) -> Self {
        let failing_since = match webhook.state {
            State::Enabled { failing_since, .. } => failing_since,
            State::Disabled { .. } => None,
        };
        Self { webhook: View::of(webhook), failing_since }
    }
}
