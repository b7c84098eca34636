//! One event on its way to one webhook.

use std::fmt;

use serde::{Deserialize, Serialize};
use ulid::Ulid;

use super::WebhookId;
use crate::Timestamp;
use crate::timestamp::{DAY, SECOND};

/// Time for which a delivery is kept after its last attempt, in milliseconds.
pub const TIME_TO_LIVE: i64 = 31 * DAY;

/// Attempts that a delivery shows. Earlier ones are forgotten.
pub const MAX_ATTEMPTS: usize = 20;

const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;

/// Times between an attempt and the next, in milliseconds.
const PAUSES: [i64; 8] = [5 * SECOND, MINUTE, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 24 * HOUR];

/// Id of a delivery, a ULID. The first delivery of an event to a webhook has the id of the event.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeliveryId(String);

/// A delivery.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Delivery {
    /// Its id.
    pub id: DeliveryId,
    /// The webhook.
    pub webhook_id: WebhookId,
    /// The event: the id of its audit record, and `webhook-id` of every attempt.
    pub event_id: String,
    /// The name of the event.
    pub event_type: String,
    /// Status.
    pub status: DeliveryStatus,
    /// The last attempts, oldest first.
    pub attempts: Vec<Attempt>,
    /// Attempts since it was made or a retry was requested.
    pub tries: usize,
    /// Time from which it counts as pending: it was made then, or a retry was requested.
    pub made_at: Timestamp,
    /// Time of the next attempt. While an attempt is made, a time at which that has ended or was killed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<Timestamp>,
}

/// Status of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// An attempt is to be made.
    Pending,
    /// An attempt succeeded.
    Succeeded,
    /// The last attempt failed.
    Failed,
    /// The webhook was disabled or deleted before an attempt succeeded.
    Cancelled,
}

/// One attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "WebhookAttempt"))]
pub struct Attempt {
    /// Time of its beginning.
    pub at: Timestamp,
    /// Status of the response; null where there was none.
    pub status_code: Option<u16>,
    /// Duration.
    pub duration_ms: u64,
    /// Reason why it failed; null where it succeeded.
    pub error: Option<String>,
}

impl DeliveryId {
    /// Parses a ULID in its canonical form.
    pub fn parse(text: &str) -> Option<Self> {
        let id = Ulid::from_string(text).ok()?;
        (id.to_string() == text).then(|| Self(text.to_owned()))
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Delivery {
    /// Creates the delivery of an event, with an attempt that ends before `lease`.
    pub fn new(id: DeliveryId, webhook_id: WebhookId, event_type: &str, now: Timestamp, lease: Timestamp) -> Self {
        Self {
            event_id: id.as_str().to_owned(),
            id,
            webhook_id,
            event_type: event_type.to_owned(),
            status: DeliveryStatus::Pending,
            attempts: Vec::new(),
            tries: 0,
            made_at: now,
            next_attempt_at: Some(lease),
        }
    }

    /// Returns the delivery with its next attempt at `at`: while one is made, or to put one off.
    #[must_use]
    pub fn leased(&self, at: Timestamp) -> Self {
        Self { next_attempt_at: Some(at), ..self.clone() }
    }

    /// Returns the delivery after an attempt. `retry_after` is the number of seconds that the endpoint asks for; `random`
    /// is from 0 to 1.
    #[must_use]
    pub fn attempted(&self, attempt: Attempt, retry_after: Option<i64>, random: f64) -> Self {
        let mut after = self.clone();
        let succeeded = attempt.error.is_none();
        let ended_at = attempt.at.plus_millis(i64::try_from(attempt.duration_ms).unwrap_or(0));
        after.attempts.push(attempt);
        let surplus = after.attempts.len().saturating_sub(MAX_ATTEMPTS);
        after.attempts.drain(..surplus);
        after.tries += 1;
        let next = PAUSES.get(self.tries).filter(|_| !succeeded).map(|pause| {
            let wanted = retry_after.unwrap_or(0).clamp(0, DAY / SECOND) * SECOND;
            ended_at.plus_millis(jittered(*pause, random).max(wanted))
        });
        after.status = match (succeeded, next) {
            (true, _) => DeliveryStatus::Succeeded,
            (false, Some(_)) => DeliveryStatus::Pending,
            (false, None) => DeliveryStatus::Failed,
        };
        after.next_attempt_at = next;
        after
    }

    /// Returns the delivery after its webhook was disabled or deleted.
    #[must_use]
    pub fn cancelled(&self) -> Self {
        Self { status: DeliveryStatus::Cancelled, next_attempt_at: None, ..self.clone() }
    }

    /// Returns the delivery with a retry that a user requested, with all further attempts.
    #[must_use]
    pub fn retried(&self, now: Timestamp) -> Self {
        let (status, next_attempt_at) = (DeliveryStatus::Pending, Some(now));
        Self { status, tries: 0, made_at: now, next_attempt_at, ..self.clone() }
    }

    /// Reports that an attempt is due.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.status == DeliveryStatus::Pending && self.next_attempt_at.is_some_and(|at| at <= now)
    }

    /// Returns the time after which the table may delete it.
    pub fn ends_at(&self) -> Timestamp {
        let last = self.attempts.last().map_or(self.made_at, |attempt| attempt.at);
        last.max(self.made_at).max(self.next_attempt_at.unwrap_or(Timestamp::EPOCH)).plus_millis(TIME_TO_LIVE)
    }
}

/// The pause, a tenth shorter or longer at most.
fn jittered(pause: i64, random: f64) -> i64 {
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a pause is less than a day")]
    let change = (pause as f64 * 0.1 * (2.0 * random.clamp(0.0, 1.0) - 1.0)) as i64;
    pause + change
}

impl fmt::Display for DeliveryId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl TryFrom<String> for DeliveryId {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("not a ULID")
    }
}

impl From<DeliveryId> for String {
    fn from(id: DeliveryId) -> Self {
        id.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn delivery() -> Delivery {
        let id = DeliveryId::parse("01JGJ9S3A8Z7Y8V6W5T4S3R2Q1").unwrap();
        let webhook = WebhookId::new(Timestamp::EPOCH, [1; 10]);
        Delivery::new(id, webhook, "policy.saved", Timestamp::EPOCH, Timestamp::from_millis(30_000))
    }

    fn failure(at: Timestamp) -> Attempt {
        Attempt {
            at,
            status_code: Some(500),
            duration_ms: 100,
            error: Some("the response has the status 500".to_owned()),
        }
    }

    #[test]
    fn a_failing_delivery_is_tried_nine_times_over_almost_two_days() {
        let mut delivery = delivery();
        let mut at = Timestamp::EPOCH;
        for pause in PAUSES {
            delivery = delivery.attempted(failure(at), None, 0.5);
            let next = delivery.next_attempt_at.unwrap();
            assert_eq!((delivery.status, next.millis_since(at)), (DeliveryStatus::Pending, pause + 100));
            at = next;
        }
        let failed = delivery.attempted(failure(at), None, 0.5);
        assert_eq!((failed.status, failed.next_attempt_at, failed.tries), (DeliveryStatus::Failed, None, 9));
        assert_eq!(failed.ends_at(), at.plus_millis(TIME_TO_LIVE));
        let again = failed.retried(at);
        assert!(again.is_due(at) && !failed.is_due(at));
        assert_eq!(again.attempted(failure(at), None, 0.5).status, DeliveryStatus::Pending);
    }

    #[test]
    fn the_endpoint_may_ask_for_a_later_attempt_and_not_for_an_earlier_one() {
        let next = |seconds| {
            let after = delivery().attempted(failure(Timestamp::EPOCH), Some(seconds), 0.5);
            after.next_attempt_at.unwrap().as_millis()
        };
        assert_eq!([next(60), next(1), next(-5), next(i64::MAX)], [60_100, 5_100, 5_100, DAY + 100]);
    }

    #[test]
    fn a_success_ends_it() {
        let attempt = Attempt { at: Timestamp::EPOCH, status_code: Some(204), duration_ms: 5, error: None };
        let done = delivery().attempted(attempt, None, 0.5);
        assert_eq!((done.status, done.next_attempt_at), (DeliveryStatus::Succeeded, None));
        assert_eq!(delivery().cancelled().status, DeliveryStatus::Cancelled);
        assert_eq!(DeliveryId::parse("01jgj9s3a8z7y8v6w5t4s3r2q1"), None);
    }

    proptest! {
        #[test]
        fn jitter_is_a_tenth_at_most(random in 0.0..=1.0_f64) {
            for pause in PAUSES {
                let changed = jittered(pause, random);
                prop_assert!((pause - changed).abs() <= pause / 10);
            }
        }

        #[test]
        fn no_number_of_attempts_makes_it_grow(count in 0..60_usize) {
            let mut delivery = delivery();
            for _ in 0..count {
                delivery = delivery.attempted(failure(Timestamp::EPOCH), None, 0.5);
            }
            prop_assert!(delivery.attempts.len() <= MAX_ATTEMPTS);
            prop_assert_eq!(delivery.tries, count);
        }
    }
}
