//! Tests of webhooks: a receiver on loopback, and the requests that reach it.

mod deliveries;
mod endpoint;
mod faults;
mod settings;

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::IntoResponse as _;
use serde_json::{Value, json};
use trustplane_domain::Timestamp;
use trustplane_end_to_end::{Customer, Reply, World};
use trustplane_local::https::Https;
use trustplane_local::wait::until;

/// Path of webhooks.
pub const WEBHOOKS: &str = "/v1/webhooks";

/// A request that reached a receiver.
#[derive(Clone, Debug)]
pub struct Got {
    /// Path and query.
    pub path: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: String,
}

/// The next responses of a receiver.
#[derive(Clone, Debug)]
pub enum Answer {
    /// This status, with headers and a body.
    Status(u16, Vec<(&'static str, String)>, Vec<u8>),
    /// None, until the client gives up.
    Nothing,
}

/// An endpoint on loopback.
pub struct Receiver {
    server: Https,
    host: &'static str,
    got: Arc<Mutex<Vec<Got>>>,
    answer: Arc<Mutex<Answer>>,
}

impl Receiver {
    /// Starts an endpoint that responds with 204.
    pub async fn start(world: &World) -> Self {
        Self::named(world, "hooks.localhost").await
    }

    /// Starts an endpoint of this host name.
    pub async fn named(world: &World, host: &'static str) -> Self {
        let got: Arc<Mutex<Vec<Got>>> = Arc::default();
        let answer = Arc::new(Mutex::new(Answer::Status(204, Vec::new(), Vec::new())));
        let (seen, next) = (Arc::clone(&got), Arc::clone(&answer));
        let handle = move |uri: Uri, headers: HeaderMap, body: Bytes| {
            let (seen, next) = (Arc::clone(&seen), Arc::clone(&next));
            async move {
                let body = String::from_utf8_lossy(&body).into_owned();
                seen.lock().unwrap().push(Got { path: uri.to_string(), headers, body });
                let answer = next.lock().unwrap().clone();
                match answer {
                    Answer::Status(status, headers, body) => {
                        let mut response = (StatusCode::from_u16(status).unwrap(), body).into_response();
                        response.headers_mut().remove("content-type");
                        for (name, value) in headers {
                            response.headers_mut().insert(name, value.parse().unwrap());
                        }
                        response
                    }
                    Answer::Nothing => std::future::pending().await,
                }
            }
        };
        let router = Router::new().fallback(handle);
        let server = Https::start(world.stack().authority(), &[host], 0, router).await.unwrap();
        Self { server, host, got, answer }
    }

    /// The URL of this path and query.
    pub fn url(&self, path: &str) -> String {
        format!("https://{}:{}{path}", self.host, self.server.port())
    }

    /// Responds with this status from now on.
    pub fn answer(&self, status: u16) {
        self.respond(Answer::Status(status, Vec::new(), Vec::new()));
    }

    /// Responds so from now on.
    pub fn respond(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    /// The requests so far.
    pub fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }

    /// Waits for this number of requests, and returns them.
    pub async fn wait(&self, count: usize) -> Vec<Got> {
        until(&format!("{count} requests to a webhook"), || self.got().len() >= count).await;
        let got = self.got();
        assert_eq!(got.len(), count, "{got:?}");
        got
    }
}

impl Got {
    /// The value of a header.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name}: {self:?}")).to_str().unwrap()
    }

    /// Verifies the signature as the reference library does, and returns the body.
    pub fn verified(&self, secret: &str) -> Value {
        let library = standardwebhooks::Webhook::new(secret).unwrap();
        let mut headers = HeaderMap::new();
        for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
            headers.insert(name, axum::http::HeaderValue::from_str(self.header(name)).unwrap());
        }
        library.verify(self.body.as_bytes(), &headers).unwrap_or_else(|error| panic!("{error}: {self:?}"));
        serde_json::from_str(&self.body).unwrap()
    }
}

/// Creates a webhook.
pub async fn create(customer: &Customer, url: &str, events: &[&str]) -> Reply {
    customer.post(WEBHOOKS, &json!({"url": url, "events": events})).await.expect(201)
}

/// The path of the webhook in a response.
pub fn path(reply: &Reply) -> String {
    format!("{WEBHOOKS}/{}", reply.body["id"].as_str().unwrap())
}

/// Saves a policy that denies nothing, which is an event.
pub async fn save_policy(customer: &Customer, id: &str) {
    let policy =
        json!({"text": "forbid (principal, action, resource) when { principal.age_days < 0 };", "enabled": false});
    let _ = customer.put(&format!("/v1/policies/{id}"), &policy).await.expect(200);
}

/// The deliveries of a webhook.
pub async fn deliveries(customer: &Customer, webhook: &str) -> Vec<Value> {
    let listed = customer.get(&format!("{webhook}/deliveries")).await.expect(200);
    listed.body["data"].as_array().unwrap().clone()
}

/// Waits until the newest delivery of a webhook has this status and number of attempts, and returns it.
pub async fn delivery(customer: &Customer, webhook: &str, status: &str, attempts: usize) -> Value {
    for _ in 0..600 {
        let found = deliveries(customer, webhook).await.into_iter().next();
        if let Some(found) = found
            && found["status"] == status
            && found["attempts"].as_array().unwrap().len() == attempts
        {
            return found;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("no {status} delivery with {attempts} attempts: {:?}", deliveries(customer, webhook).await);
}

/// Runs `retry-webhooks` at a time from now.
pub async fn sweep(world: &World, seconds: i64) -> Value {
    let at = Timestamp::now().plus_millis(seconds * 1_000);
    let event = json!({"detail-type": "Scheduled Event", "source": "aws.events", "time": at, "detail": {}});
    world.invoke("retry-webhooks", &event).await.unwrap()
}
