//! Webhooks: a tenant's addresses that events are sent to.
//!
//! The messages follow Standard Webhooks (<https://www.standardwebhooks.com>): [`Message`] is the body, [`SigningSecret`]
//! signs it. A [`Delivery`] is one event on its way to one webhook, with its attempts.

mod delivery;
mod message;
mod pattern;
mod replay;
mod secret;
mod view;

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use delivery::{Attempt, Delivery, DeliveryId, DeliveryStatus, MAX_ATTEMPTS, TIME_TO_LIVE};
pub use message::{MAX_BYTES, Message};
pub use pattern::EventPattern;
pub use replay::{MAX_EVENTS, MAX_RANGE, Replay};
pub use secret::{SealedSecrets, Secrets, SigningSecret};
pub use view::{DisabledView, View};

use crate::Timestamp;
use crate::ids::uuid_id;
use crate::timestamp::DAY;

/// Largest number of webhooks of a tenant.
pub const MAX_WEBHOOKS: u64 = 10;

/// Time without a success after which a webhook is disabled, in milliseconds.
pub const PATIENCE: i64 = 5 * DAY;

uuid_id! {
    /// Id of a webhook.
    WebhookId
}

impl WebhookId {
    /// Creates an id (UUID version 7). It sorts after the ids of earlier milliseconds.
    pub fn new(now: Timestamp, random: [u8; 10]) -> Self {
        let millis = u64::try_from(now.as_millis()).unwrap_or(0);
        Self(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
    }
}

/// A webhook, as it is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Webhook {
    /// Its id.
    pub id: WebhookId,
    /// The tenant's own description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The events that are sent.
    pub events: Vec<EventPattern>,
    /// Scheme, host and port of the URL. Path and query are secret.
    pub origin: String,
    /// URL and secrets, encrypted by KMS.
    pub sealed: SealedSecrets,
    /// State of the webhook.
    pub state: State,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time of the last change by a user.
    pub updated_at: Timestamp,
}

/// State of a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "status")]
pub enum State {
    /// Events are sent.
    Enabled {
        /// Time since which it is enabled. Earlier deliveries are cancelled.
        since: Timestamp,
        /// Time of the first failure after the last success.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failing_since: Option<Timestamp>,
    },
    /// No events are sent.
    Disabled {
        /// Time since which it is disabled.
        since: Timestamp,
        /// Reason.
        reason: DisabledReason,
    },
}

/// Reason why a webhook is disabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
#[serde(rename_all = "snake_case")]
pub enum DisabledReason {
    /// A user disabled it.
    User,
    /// The endpoint responded with the status 410.
    Gone,
    /// No attempt succeeded for five days.
    Failing,
}

/// Outcome of an attempt, for the state of the webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A status from 200 to 299.
    Succeeded,
    /// The status 410: the endpoint wants no more.
    Gone,
    /// Anything else.
    Failed,
}

impl Webhook {
    /// Reports that events are sent.
    pub fn is_enabled(&self) -> bool {
        matches!(self.state, State::Enabled { .. })
    }

    /// Reports that events of this name are sent.
    pub fn wants(&self, event: &str) -> bool {
        self.is_enabled() && self.events.iter().any(|pattern| pattern.matches(event))
    }

    /// Reports that an event of this time, or a delivery that was made at it, is to be sent. A webhook is sent nothing that is
    /// older than itself, and enabling it again sends nothing old.
    pub fn sends(&self, made_at: Timestamp) -> bool {
        matches!(self.state, State::Enabled { since, .. } if since <= made_at)
    }

    /// Returns the webhook, enabled or disabled by a user.
    #[must_use]
    pub fn switched(&self, enabled: bool, now: Timestamp) -> Self {
        let state = match (enabled, self.is_enabled()) {
            (true, false) => State::Enabled { since: now, failing_since: None },
            (false, true) => State::Disabled { since: now, reason: DisabledReason::User },
            _ => self.state,
        };
        Self { state, ..self.clone() }
    }

    /// Returns the webhook after an attempt. It is the same where the attempt changes nothing.
    #[must_use]
    pub fn attempted(&self, outcome: Outcome, now: Timestamp) -> Self {
        let State::Enabled { since, failing_since } = self.state else { return self.clone() };
        let disabled = |reason| State::Disabled { since: now, reason };
        let state = match (outcome, failing_since) {
            (Outcome::Succeeded, _) => State::Enabled { since, failing_since: None },
            (Outcome::Gone, _) => disabled(DisabledReason::Gone),
            (Outcome::Failed, None) => State::Enabled { since, failing_since: Some(now) },
            (Outcome::Failed, Some(first)) if now.millis_since(first) >= PATIENCE => disabled(DisabledReason::Failing),
            (Outcome::Failed, Some(_)) => self.state,
        };
        Self { state, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::EPOCH;

    fn webhook() -> Webhook {
        Webhook {
            id: WebhookId::new(START, [1; 10]),
            description: None,
            events: vec![EventPattern::parse("policy.*").unwrap()],
            origin: "https://hooks.example.com".to_owned(),
            sealed: SealedSecrets::from_ciphertext(vec![1]),
            state: State::Enabled { since: START, failing_since: None },
            created_at: START,
            updated_at: START,
        }
    }

    fn after(days: i64) -> Timestamp {
        START.plus_millis(days * DAY)
    }

    #[test]
    fn five_days_without_a_success_disable_it_and_a_success_in_between_does_not() {
        let failed = webhook().attempted(Outcome::Failed, after(1));
        assert_eq!(failed.attempted(Outcome::Failed, after(6).plus_millis(-1)), failed);
        let disabled = failed.attempted(Outcome::Failed, after(6));
        assert_eq!(disabled.state, State::Disabled { since: after(6), reason: DisabledReason::Failing });
        let mended = failed.attempted(Outcome::Succeeded, after(3));
        assert_eq!(mended, webhook());
        assert!(mended.attempted(Outcome::Failed, after(6)).is_enabled());
        assert_eq!(disabled.attempted(Outcome::Succeeded, after(7)), disabled);
    }

    #[test]
    fn an_endpoint_that_is_gone_disables_it_at_once() {
        let gone = webhook().attempted(Outcome::Gone, after(1));
        assert_eq!(gone.state, State::Disabled { since: after(1), reason: DisabledReason::Gone });
        assert!(!gone.wants("policy.saved") && webhook().wants("policy.saved"));
    }

    #[test]
    fn enabling_it_again_sends_nothing_old() {
        let disabled = webhook().switched(false, after(1));
        assert_eq!(disabled.switched(false, after(2)), disabled);
        let enabled = disabled.switched(true, after(2));
        assert!(!disabled.sends(after(1)) && !enabled.sends(after(1)) && enabled.sends(after(2)));
        assert_eq!(enabled.switched(true, after(3)), enabled);
    }

    #[test]
    fn states_are_read_back_as_they_are_written() {
        for one in
            [webhook(), webhook().attempted(Outcome::Gone, after(1)), webhook().attempted(Outcome::Failed, after(1))]
        {
            let text = serde_json::to_string(&one).unwrap();
            assert_eq!(serde_json::from_str::<Webhook>(&text).unwrap(), one);
        }
    }
}
