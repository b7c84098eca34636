//! Asynchronous invocations: retries failed ones, and keeps those that were given up as dead letters.

use crate::{
    journal::Journal,
    lambda::{Lambda, Refusal},
    template::{ACCOUNT, REGION},
};
use bytes::Bytes;
use serde_json::{Value, json};
use std::time::Duration;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// Pauses before the second and the third attempt, which is the last. Lambda waits one and two minutes.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(2)];

/// Pause before the next attempt of a throttled invocation.
const THROTTLED: Duration = Duration::from_millis(500);

/// Invokes functions asynchronously, as a cheap handle.
#[derive(Clone)]
pub(crate) struct Delivery {
    pub lambda: Lambda,
    pub dead_letters: Journal,
}

impl Delivery {
    /// Invokes a function until it succeeds, up to three times.
    ///
    /// Source: "How Lambda handles errors and retries with asynchronous invocation", AWS Lambda Developer Guide.
    pub async fn deliver(&self, function: &str, event: Bytes) {
        let mut pauses = PAUSES.into_iter();
        let mut tries = 0_u64;
        loop {
            tries += 1;
            let error = match self.lambda.invoke(function, event.clone()).await {
                Ok(outcome) if !outcome.failed => return,
                // Lambda keeps a throttled event for hours, and counts no attempt.
                Err(Refusal::Throttled) => {
                    tries -= 1;
                    tokio::time::sleep(THROTTLED).await;
                    continue;
                }
                Ok(outcome) => serde_json::from_slice(&outcome.payload).unwrap_or_default(),
                Err(refusal) => json!({ "errorType": "Invoke", "errorMessage": reason(&refusal) }),
            };
            match pauses.next() {
                Some(pause) => tokio::time::sleep(pause).await,
                None => {
                    self.bury(json!({
                        "requestContext": {
                            "functionArn": format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}"),
                            "condition": "RetriesExhausted",
                            "approximateInvokeCount": tries,
                        },
                        "requestPayload": serde_json::from_slice::<Value>(&event).unwrap_or_default(),
                        "responsePayload": error,
                    }));
                    return;
                }
            }
        }
    }

    /// Keeps a dead letter.
    pub fn bury(&self, mut letter: Value) {
        if let Some(letter) = letter.as_object_mut() {
            letter.insert("version".to_owned(), "1.0".into());
            let now = OffsetDateTime::now_utc().format(&Rfc3339).unwrap_or_default();
            letter.insert("timestamp".to_owned(), now.into());
        }
        self.dead_letters.add(letter);
    }
}

/// Describes why an invocation did not start.
pub(crate) fn reason(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Unknown => "no such function".to_owned(),
        Refusal::TooLarge(bytes) => format!("the event has {bytes} bytes, more than Lambda takes"),
        Refusal::Throttled => "as many invocations as allowed are running".to_owned(),
        Refusal::Broken(error) => error.to_string(),
    }
}
