//! The body of a message.

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::Timestamp;
use crate::event::leave_images_out;

/// Largest body, in bytes.
pub const MAX_BYTES: usize = 256 * 1024;

/// A message: `{"type", "timestamp", "data"}`. The same event always has the same body.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Message {
    /// The name of the event.
    #[serde(rename = "type")]
    pub event_type: String,
    /// Time of the event.
    pub timestamp: Timestamp,
    /// The detail of the event.
    pub data: Map<String, Value>,
}

impl Message {
    /// Creates the message of an event.
    pub fn new(event_type: impl Into<String>, timestamp: Timestamp, data: Map<String, Value>) -> Self {
        Self { event_type: event_type.into(), timestamp, data }
    }

    /// Creates the message of a test.
    pub fn test(id: &str, tenant: impl ToString, webhook: impl ToString, now: Timestamp) -> Self {
        let data = json!({"id": id, "tenant_id": tenant.to_string(), "webhook_id": webhook.to_string()});
        Self::new("webhook.test", now, data.as_object().cloned().unwrap_or_default())
    }

    /// Returns the body, without images if it would be larger than [`MAX_BYTES`].
    pub fn body(mut self) -> String {
        let whole = serde_json::to_string(&self).unwrap_or_default();
        if whole.len() <= MAX_BYTES {
            return whole;
        }
        leave_images_out(&mut self.data);
        serde_json::to_string(&self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_that_would_be_too_large_names_what_it_leaves_out() {
        let data = |length: usize| {
            let data = json!({"id": "x", "before": null, "after": {"text": "x".repeat(length)}});
            data.as_object().cloned().unwrap()
        };
        let body = |length| Message::new("policy.saved", Timestamp::EPOCH, data(length)).body();
        let whole: Value = serde_json::from_str(&body(1_000)).unwrap();
        assert_eq!((&whole["type"], &whole["timestamp"]), (&json!("policy.saved"), &json!("1970-01-01T00:00:00.000Z")));
        assert!(whole["data"]["after"].is_object() && whole["data"].get("left_out").is_none());
        let short = body(MAX_BYTES);
        assert!(short.len() < 1_000);
        let short: Value = serde_json::from_str(&short).unwrap();
        assert_eq!(short["data"], json!({"id": "x", "left_out": ["before", "after"]}));
    }
}
