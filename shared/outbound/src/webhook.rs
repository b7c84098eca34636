//! Messages to webhooks, in the format of Standard Webhooks.

use std::time::Instant;

use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use trustplane_domain::Timestamp;
use trustplane_domain::timestamp::SECOND;
use trustplane_domain::webhook::{Attempt, Outcome, Secrets};

use crate::{Client, Limits, Response};

/// Name that messages are sent under.
const AGENT: &str = concat!("Trustplane/", env!("CARGO_PKG_VERSION"));

/// An attempt to send a message.
#[derive(Debug)]
pub struct Sent {
    /// The attempt, without the URL.
    pub attempt: Attempt,
    /// Its outcome.
    pub outcome: Outcome,
    /// Seconds after which the endpoint wants the next attempt.
    pub retry_after: Option<i64>,
    /// The response, if there was one.
    pub response: Option<Response>,
}

impl Client {
    /// Sends the message `id` once. Its signature is of this machine's time; `now` is the time that is kept.
    pub async fn send(&self, secrets: &Secrets, id: &str, body: &str, now: Timestamp) -> Sent {
        let begun = Instant::now();
        let clock = Timestamp::now();
        let seconds = clock.as_millis().div_euclid(SECOND);
        let signatures = secrets.signatures(id, seconds, body.as_bytes(), clock);
        let headers = headers(id, seconds, &signatures);
        let posted = self.post(&secrets.url, headers, body.to_owned(), Limits::WEBHOOK).await;
        let duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let attempt = |status_code, error| Attempt { at: now, status_code, duration_ms, error };
        match posted {
            Ok(response) => {
                let status = response.status;
                let outcome = match status {
                    200..=299 => Outcome::Succeeded,
                    410 => Outcome::Gone,
                    _ => Outcome::Failed,
                };
                let error = (outcome != Outcome::Succeeded).then(|| format!("the response has the status {status}"));
                let retry_after = response.headers.get(RETRY_AFTER).and_then(|value| seconds_of(value, clock));
                Sent { attempt: attempt(Some(status), error), outcome, retry_after, response: Some(response) }
            }
            Err(error) => {
                let attempt = attempt(None, Some(error.to_string()));
                Sent { attempt, outcome: Outcome::Failed, retry_after: None, response: None }
            }
        }
    }
}

fn headers(id: &str, seconds: i64, signatures: &str) -> HeaderMap {
    let seconds = seconds.to_string();
    let named = HeaderName::from_static;
    let headers = [
        (CONTENT_TYPE, "application/json"),
        (USER_AGENT, AGENT),
        (named("webhook-id"), id),
        (named("webhook-timestamp"), &seconds),
        (named("webhook-signature"), signatures),
    ];
    // INVARIANT: ids, numbers and base64 are valid values.
    headers.into_iter().filter_map(|(name, value)| Some((name, HeaderValue::from_str(value).ok()?))).collect()
}

/// Reads `Retry-After`: seconds, or a date.
fn seconds_of(value: &HeaderValue, now: Timestamp) -> Option<i64> {
    let text = value.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(seconds);
    }
    let at = OffsetDateTime::parse(text, &Rfc2822).ok()?;
    Some(at.unix_timestamp() - now.as_millis().div_euclid(SECOND))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_to_wait_is_seconds_or_a_date() {
        let now = Timestamp::parse("2026-01-02T03:04:05Z").unwrap();
        let read = |text: &'static str| seconds_of(&HeaderValue::from_static(text), now);
        assert_eq!(read("120"), Some(120));
        assert_eq!(read("Fri, 02 Jan 2026 03:05:05 GMT"), Some(60));
        assert_eq!([read("soon"), read("")], [None, None]);
    }

    #[test]
    fn headers_are_those_of_standard_webhooks() {
        let headers = headers("01KDYAK3SEZ7Y8V6W5T4S3R2Q1", 7, "v1,a v1,b");
        let text = |name: &str| headers.get(name).unwrap().to_str().unwrap().to_owned();
        assert_eq!(text("webhook-id"), "01KDYAK3SEZ7Y8V6W5T4S3R2Q1");
        assert_eq!((text("webhook-timestamp"), text("webhook-signature")), ("7".to_owned(), "v1,a v1,b".to_owned()));
        assert_eq!(text("content-type"), "application/json");
    }
}
