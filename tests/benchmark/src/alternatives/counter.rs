//! An HTTP proxy in front of DynamoDB that counts calls and their units: it asks for the consumed capacity of each.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use trustplane_local::http::{Method, send};

use crate::Error;

/// Calls and units so far.
#[derive(Clone, Copy, Default)]
pub(crate) struct Counted {
    pub(crate) calls: f64,
    pub(crate) read_units: f64,
    pub(crate) write_units: f64,
}

pub(crate) struct Counter {
    pub(crate) url: String,
    counted: Arc<Mutex<Counted>>,
}

impl Counter {
    /// Starts one in front of `target`, a URL.
    pub(crate) async fn start(target: String) -> Result<Self, Error> {
        let counted = Arc::<Mutex<Counted>>::default();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let noted = Arc::clone(&counted);
        let router = Router::new().fallback(async move |headers: HeaderMap, body: Bytes| {
            match forward(&target, &headers, &body, &noted).await {
                Ok((status, body)) => (status, [(CONTENT_TYPE, "application/x-amz-json-1.0")], body),
                Err(error) => (StatusCode::BAD_GATEWAY, [(CONTENT_TYPE, "text/plain")], Bytes::from(error.to_string())),
            }
        });
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { url, counted })
    }

    /// Returns the count and begins anew.
    pub(crate) fn take(&self) -> Counted {
        std::mem::take(&mut self.counted.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn forward(
    target: &str,
    headers: &HeaderMap,
    body: &[u8],
    counted: &Mutex<Counted>,
) -> Result<(StatusCode, Bytes), Error> {
    let mut asked: Value = serde_json::from_slice(body)?;
    asked["ReturnConsumedCapacity"] = json!("TOTAL");
    let named = |name: &'static str| headers.get(name).and_then(|value| value.to_str().ok()).map(|value| (name, value));
    let kept: Vec<_> =
        ["content-type", "x-amz-target", "x-amz-date", "authorization"].into_iter().filter_map(named).collect();
    let reply =
        send(Method::POST, target, &kept, asked.to_string()).await.map_err(|error| format!("DynamoDB: {error}"))?;
    let operation = named("x-amz-target").map(|(_, target)| target).unwrap_or_default();
    let units = units(&reply.json()["ConsumedCapacity"]);
    let mut counted = counted.lock().unwrap_or_else(PoisonError::into_inner);
    counted.calls += 1.0;
    match operation.rsplit('.').next() {
        Some("BatchGetItem" | "GetItem" | "Query" | "TransactGetItems") => counted.read_units += units,
        _ => counted.write_units += units,
    }
    Ok((reply.status, reply.body))
}

/// Returns the sum of one table's or of all tables' consumed capacity.
fn units(consumed: &Value) -> f64 {
    match consumed {
        Value::Array(tables) => tables.iter().map(units).sum(),
        table => table["CapacityUnits"].as_f64().unwrap_or_default(),
    }
}
