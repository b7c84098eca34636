//! A receiver of webhooks on loopback, for developers: it keeps and prints each message.

use crate::{Error, authority::Authority, https::Https, journal::Journal};
use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, StatusCode},
};
use serde_json::{Map, Value, json};

/// Host name of the receiver.
const HOST: &str = "hooks.localhost";

/// A running receiver. It stops when it is dropped.
#[derive(Debug)]
pub(crate) struct Receiver(Https);

impl Receiver {
    /// Starts a receiver on a free port. Each message is an entry of `journal`, and is printed if `shows`.
    pub async fn start(authority: &Authority, journal: Journal, shows: bool) -> Result<Self, Error> {
        let receive = move |headers: HeaderMap, body: Bytes| {
            let journal = journal.clone();
            async move {
                let entry = entry(&headers, &body);
                if shows {
                    let kind =
                        entry.pointer("/message/type").and_then(Value::as_str).unwrap_or("a body that is no message");
                    eprintln!("[webhook] {kind}: {}", entry.get("body").and_then(Value::as_str).unwrap_or_default());
                }
                journal.add(entry);
                StatusCode::NO_CONTENT
            }
        };
        Https::start(authority, &[HOST], 0, Router::new().fallback(receive)).await.map(Self)
    }

    /// Returns the URL for a webhook.
    pub fn url(&self) -> String {
        format!("https://{HOST}:{}/", self.0.port())
    }
}

/// A message as it is kept: the headers that sign it, the body as it came, and the body as JSON.
fn entry(headers: &HeaderMap, body: &[u8]) -> Value {
    let signed = ["webhook-id", "webhook-timestamp", "webhook-signature"];
    let headers: Map<String, Value> = signed
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), headers.get(name)?.to_str().ok()?.into())))
        .collect();
    let body = String::from_utf8_lossy(body).into_owned();
    json!({"headers": headers, "message": serde_json::from_str::<Value>(&body).unwrap_or_default(), "body": body})
}
