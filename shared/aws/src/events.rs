//! The EventBridge bus on which changes are published.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use aws_smithy_types::DateTime;
use aws_smithy_types::error::display::DisplayErrorContext;
use trustplane_domain::Timestamp;

use crate::{Counting, EVENTBRIDGE, Meter, ResponseClass, UnreadableResponses};

/// Source of all events.
pub const SOURCE: &str = "trustplane";

/// Largest number of entries of one call ("PutEvents", Amazon EventBridge API Reference).
const ENTRIES: usize = 10;

/// Largest size of all entries of one call in bytes, as [`Event::size`] counts them. EventBridge accepts 1 MB by now,
/// but not in all partitions, and not for all targets of a rule. 256 KB is valid everywhere.
const BYTES: usize = 256 * 1024;

/// Largest number of attempts for entries that EventBridge rejects while it accepts others of the call.
const ROUNDS: u32 = 3;

/// One event. Its source is [`SOURCE`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Kind of the event.
    pub detail_type: String,
    /// Content: a JSON object.
    pub detail: String,
    /// Time of the event.
    pub time: Timestamp,
}

/// An event bus.
#[derive(Debug)]
pub struct EventBus {
    sdk: SdkConfig,
    meter: Arc<Meter>,
    name: String,
    client: OnceLock<Client>,
}

/// Events that were not published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unpublished {
    /// Index of the first of them. All earlier events were published; some of the later ones may have been.
    pub first: usize,
    /// EventBridge's message.
    pub reason: String,
    /// Class of the response.
    pub class: ResponseClass,
}

impl Event {
    /// Returns its size in bytes as EventBridge counts it ("Calculating PutEvents event entry size", EventBridge User
    /// Guide).
    pub fn size(&self) -> usize {
        const TIME: usize = 14;
        TIME + SOURCE.len() + self.detail_type.len() + self.detail.len()
    }

    /// Returns true if a bus accepts its size.
    pub fn fits(&self) -> bool {
        self.size() <= BYTES
    }

    fn entry(&self, bus: &str) -> PutEventsRequestEntry {
        PutEventsRequestEntry::builder()
            .event_bus_name(bus)
            .source(SOURCE)
            .detail_type(&self.detail_type)
            .detail(&self.detail)
            .time(DateTime::from_millis(self.time.as_millis()))
            .build()
    }
}

impl EventBus {
    /// Creates a client of the bus with this name. `meter` counts its calls.
    pub fn new(sdk: &SdkConfig, meter: Arc<Meter>, name: String) -> Self {
        Self { sdk: sdk.clone(), meter, name, client: OnceLock::new() }
    }

    fn client(&self) -> &Client {
        self.client.get_or_init(|| {
            let config = aws_sdk_eventbridge::config::Builder::from(&self.sdk);
            let config = config.interceptor(Counting::other(&self.meter)).retry_classifier(UnreadableResponses);
            Client::from_conf(config.build())
        })
    }

    /// Publishes `events` in as few calls as possible. Rejected entries of a partly accepted call are sent again.
    pub async fn publish(&self, events: &[Event]) -> Result<(), Unpublished> {
        let mut before = 0;
        for batch in batches(events) {
            self.publish_batch(batch)
                .await
                .map_err(|unpublished| Unpublished { first: before + unpublished.first, ..unpublished })?;
            before += batch.len();
        }
        Ok(())
    }

    async fn publish_batch(&self, batch: &[Event]) -> Result<(), Unpublished> {
        let mut left: Vec<(usize, &Event)> = batch.iter().enumerate().collect();
        let mut unpublished = Unpublished { first: 0, reason: String::new(), class: ResponseClass::RetryLater };
        for round in 0..ROUNDS {
            if round > 0 {
                tokio::time::sleep(Duration::from_millis(50 << round)).await;
            }
            let entries = left.iter().map(|(_, event)| event.entry(&self.name)).collect();
            let sent = self.client().put_events().set_entries(Some(entries)).send().await;
            let first = left.first().map_or(0, |(place, _)| *place);
            let output = sent.map_err(|error| Unpublished {
                first,
                class: ResponseClass::of_error(EVENTBRIDGE, &error),
                reason: DisplayErrorContext(error).to_string(),
            })?;
            let mut results = output.entries().iter();
            let mut said = None;
            let mut class = ResponseClass::Success;
            left.retain(|_| match results.next() {
                Some(result) if result.event_id().is_some() => false,
                result => {
                    let result = result.map(|result| (result.error_code(), result.error_message()));
                    let (code, message) = result.unwrap_or_default();
                    class = class.max(ResponseClass::of_code(EVENTBRIDGE, code));
                    said.get_or_insert_with(|| format!("{}: {}", code.unwrap_or("no result"), message.unwrap_or("-")));
                    true
                }
            });
            let Some((first, _)) = left.first() else { return Ok(()) };
            unpublished = Unpublished { first: *first, reason: said.unwrap_or_default(), class };
            // Sent again at once, it would be rejected again.
            if class == ResponseClass::Permanent {
                break;
            }
        }
        Err(unpublished)
    }
}

/// Splits the events into calls: each has as many as fit, and at least one.
fn batches(mut events: &[Event]) -> Vec<&[Event]> {
    let mut batches = Vec::new();
    while !events.is_empty() {
        let mut bytes = 0;
        let fitting = events.iter().take(ENTRIES).take_while(|event| {
            bytes += event.size();
            bytes <= BYTES
        });
        let (batch, rest) = events.split_at(fitting.count().max(1));
        batches.push(batch);
        events = rest;
    }
    batches
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn event(length: usize) -> Event {
        let time = Timestamp::from_millis(0);
        Event { detail_type: "put-thing".to_owned(), detail: "x".repeat(length), time }
    }

    #[test]
    fn an_event_is_as_large_as_eventbridge_says() {
        assert_eq!(event(100).size(), 14 + 10 + 9 + 100);
        assert!(event(BYTES - 33).fits());
        assert!(!event(BYTES - 32).fits());
    }

    proptest! {
        #[test]
        fn batches_hold_all_events_in_order_within_both_limits(
            lengths in proptest::collection::vec(prop_oneof![0..1_000_usize, 0..BYTES], 0..60),
        ) {
            let events: Vec<Event> = lengths.into_iter().map(event).collect();
            let batches = batches(&events);
            prop_assert_eq!(batches.concat(), events.clone());
            for batch in &batches {
                prop_assert!(!batch.is_empty() && batch.len() <= ENTRIES);
                let size: usize = batch.iter().map(Event::size).sum();
                prop_assert!(size <= BYTES || batch.len() == 1);
            }
            for pair in batches.windows(2) {
                // No event would have fit into the previous call.
                let with_next: usize = pair[0].iter().chain(&pair[1][..1]).map(Event::size).sum();
                prop_assert!(pair[0].len() == ENTRIES || with_next > BYTES);
            }
        }
    }
}
