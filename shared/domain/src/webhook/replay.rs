//! Replays: events of the past that are sent to a webhook again.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use ulid::Ulid;

use super::{DeliveryId, EventPattern, Webhook, WebhookId};
use crate::Timestamp;
use crate::timestamp::DAY;

/// Longest range of a replay, in milliseconds.
pub const MAX_RANGE: i64 = 30 * DAY;

/// Largest number of events of a replay.
pub const MAX_EVENTS: u64 = 10_000;

/// A replay in progress.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Replay {
    /// The webhook.
    pub webhook_id: WebhookId,
    /// Time of the first event.
    pub from: Timestamp,
    /// Time of the last event.
    pub to: Timestamp,
    /// The events; those of the webhook if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<EventPattern>,
    /// Time of the request.
    pub made_at: Timestamp,
    /// The last audit record that is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Time of the next step. While one is made, a time at which it has ended or was killed.
    pub due_at: Timestamp,
}

impl Replay {
    /// Reports that an event of this name is part of the replay.
    pub fn wants(&self, webhook: &Webhook, event: &str) -> bool {
        let patterns = if self.events.is_empty() { &webhook.events } else { &self.events };
        patterns.iter().any(|pattern| pattern.matches(event))
    }

    /// Returns the id of the delivery of an event in this replay: always the same one, and another than in other replays.
    pub fn delivery_id(&self, event: &str) -> Option<DeliveryId> {
        let millis = u64::try_from(self.made_at.as_millis()).ok()?;
        let hash = Sha256::digest(format!("{}\n{event}", self.made_at));
        let random = hash.iter().take(10).fold(0_u128, |number, byte| (number << 8) | u128::from(*byte));
        DeliveryId::parse(&Ulid::from_parts(millis, random).to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_has_one_id_per_replay_and_event() {
        let replay = |millis| Replay {
            webhook_id: WebhookId::new(Timestamp::EPOCH, [1; 10]),
            from: Timestamp::EPOCH,
            to: Timestamp::EPOCH,
            events: Vec::new(),
            made_at: Timestamp::from_millis(millis),
            after: None,
            due_at: Timestamp::EPOCH,
        };
        let id = |millis, event: &str| replay(millis).delivery_id(event).unwrap();
        assert_eq!(id(1_000, "a"), id(1_000, "a"));
        assert_ne!(id(1_000, "a"), id(1_000, "b"));
        assert_ne!(id(1_000, "a"), id(1_001, "a"));
    }
}
