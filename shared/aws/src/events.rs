//! The EventBridge bus on which changes are published.

use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use aws_smithy_types::DateTime;
use aws_smithy_types::error::metadata::ProvideErrorMetadata as _;
use futures_util::{StreamExt as _, stream};
use trustplane_domain::Timestamp;

use crate::{Counting, EVENTBRIDGE, Meter, ResponseClass, UnreadableResponses, said};

/// Source of all events.
pub const SOURCE: &str = "trustplane";

/// Largest number of entries of one call ("PutEvents", Amazon EventBridge API Reference).
const ENTRIES: usize = 10;

/// Largest size of all entries of one call in bytes, as [`Event::size`] counts them. EventBridge accepts 1 MB by now,
/// but not in all partitions, and not for all targets of a rule. 256 KB is valid everywhere.
const BYTES: usize = 256 * 1024;

/// Largest number of attempts for entries that EventBridge rejects while it accepts others of the call.
const ROUNDS: u32 = 3;

/// Calls in flight.
const CALLS: usize = 4;

/// Codes of a call that EventBridge rejects because of its content.
const CONTENT: [&str; 4] =
    ["RequestEntityTooLargeException", "SerializationException", "ValidationError", "ValidationException"];

/// Codes of entries that a change of the deployment makes valid.
const DEPLOYMENT: [&str; 7] = [
    "AccessDeniedException",
    "InvalidAccountIdException",
    "NotAuthorizedForDetailTypeException",
    "NotAuthorizedForSourceException",
    "OptInRequired",
    "RedactionFailure",
    "ResourceNotFoundException",
];

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

/// The result of publishing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// Events that EventBridge rejects for good, by their index, each with its message.
    pub rejected: Vec<(usize, String)>,
    /// Events that were not published for another reason.
    pub unpublished: Option<Unpublished>,
}

/// Events that were not published, although a retry may succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unpublished {
    /// Index of the first of them. All earlier events were published or rejected; some of the later ones may have been.
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

    /// Publishes `events` in as few calls as possible, several of them concurrently. Rejected entries of a partly accepted
    /// call are sent again, unless they are rejected for good.
    pub async fn publish(&self, events: &[Event]) -> Sent {
        let mut calls = Vec::new();
        let mut start = 0;
        for batch in batches(events) {
            calls.push((start, batch));
            start += batch.len();
        }
        let calls = calls.into_iter().map(async |(start, batch)| (start, self.publish_batch(batch).await));
        let mut sent = Sent::default();
        let mut results = pin!(stream::iter(calls).buffered(CALLS));
        while let Some((start, one)) = results.next().await {
            sent.add(start, one);
            if sent.unpublished.is_some() {
                break;
            }
        }
        sent
    }

    async fn publish_batch(&self, batch: &[Event]) -> Sent {
        let reason = match self.put(batch).await {
            Ok(sent) => return sent,
            Err(reason) => reason,
        };
        if batch.len() == 1 {
            return Sent { rejected: vec![(0, reason)], unpublished: None };
        }
        // The call was rejected as a whole, and perhaps for one of its entries.
        let mut sent = Sent::default();
        for (place, event) in batch.iter().enumerate() {
            match self.put(std::slice::from_ref(event)).await {
                Ok(one) => sent.add(place, one),
                Err(reason) => sent.rejected.push((place, reason)),
            }
            if sent.unpublished.is_some() {
                break;
            }
        }
        sent
    }

    /// Sends the entries of one call.
    ///
    /// # Errors
    /// EventBridge's message, if it rejects the call for good because of its content.
    async fn put(&self, batch: &[Event]) -> Result<Sent, String> {
        let mut sent = Sent::default();
        let mut left: Vec<(usize, &Event)> = batch.iter().enumerate().collect();
        for round in 0..ROUNDS {
            if round > 0 {
                tokio::time::sleep(Duration::from_millis(50 << round)).await;
            }
            let entries = left.iter().map(|(_, event)| event.entry(&self.name)).collect();
            let first = left.first().map_or(0, |(place, _)| *place);
            let output = match self.client().put_events().set_entries(Some(entries)).send().await {
                Ok(output) => output,
                Err(error) => {
                    let class = ResponseClass::of_error(EVENTBRIDGE, &error);
                    let is_about_content = error.code().is_some_and(|code| CONTENT.contains(&code));
                    let reason = said(&error);
                    if is_about_content {
                        return Err(reason);
                    }
                    return Ok(Sent { unpublished: Some(Unpublished { first, reason, class }), ..sent });
                }
            };
            let mut results = output.entries().iter();
            let mut said = None;
            let mut class = ResponseClass::Success;
            left.retain(|(place, _)| {
                let result = results.next();
                if result.is_some_and(|result| result.event_id().is_some()) {
                    return false;
                }
                let code = result.and_then(|result| result.error_code());
                let message = result.and_then(|result| result.error_message()).unwrap_or("-");
                let reason = format!("{}: {message}", code.unwrap_or("no result"));
                let is_rejected = is_rejected_for_good(code);
                if is_rejected {
                    sent.rejected.push((*place, reason));
                } else {
                    class = class.max(ResponseClass::of_code(EVENTBRIDGE, code));
                    said.get_or_insert(reason);
                }
                !is_rejected
            });
            let Some((first, _)) = left.first() else { break };
            sent.unpublished = Some(Unpublished { first: *first, reason: said.unwrap_or_default(), class });
            // Sent again at once, it would be rejected again.
            if class == ResponseClass::Permanent {
                break;
            }
        }
        if left.is_empty() {
            sent.unpublished = None;
        }
        Ok(sent)
    }
}

impl Sent {
    /// Adds the result of events that begin at this index.
    fn add(&mut self, start: usize, other: Self) {
        self.rejected.extend(other.rejected.into_iter().map(|(place, reason)| (start + place, reason)));
        let unpublished = other.unpublished.map(|one| Unpublished { first: start + one.first, ..one });
        self.unpublished = self.unpublished.take().or(unpublished);
    }
}

/// Returns true for the code of an entry that no retry and no change of the deployment makes valid.
fn is_rejected_for_good(code: Option<&str>) -> bool {
    code.is_some_and(|code| {
        ResponseClass::of_code(EVENTBRIDGE, Some(code)) == ResponseClass::Permanent && !DEPLOYMENT.contains(&code)
    })
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

    #[test]
    fn only_what_is_wrong_with_an_entry_itself_is_rejected_for_good() {
        for code in ["MalformedDetail", "InvalidArgument", "SomethingNew"] {
            assert!(is_rejected_for_good(Some(code)), "{code}");
        }
        for code in ["InternalFailure", "InternalException", "ThrottlingException", "ResourceNotFoundException"] {
            assert!(!is_rejected_for_good(Some(code)), "{code}");
        }
        assert!(!is_rejected_for_good(None));
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
