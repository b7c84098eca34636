//! Tests of a table that takes no seals for a while.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use trustplane_local::Options;
use trustplane_local::http::{self, Method};
use trustplane_local::wait::until;

use crate::audit_chain::{Log, last_record};
use crate::table::own_world;

#[tokio::test]
async fn while_the_table_takes_no_seal_no_record_is_given_up() {
    let table = Arc::new(Between::default());
    let url = Arc::clone(&table).serve().await;
    let environment = [("AWS_ENDPOINT_URL_DYNAMODB".to_owned(), url)].into();
    let world = own_world(Options { environment, ..Options::default() });
    table.behind.set(world.stack().dynamodb_endpoint().to_owned()).unwrap();
    let first = Log::new(world).await;
    world.stack().settle_streams().await;
    table.refuses_seals.store(true, Ordering::SeqCst);
    let second = Log::new(world).await;
    until("twelve refused seals", || table.refused.load(Ordering::SeqCst) >= 12).await;
    assert_eq!((first.verified().await["intact"].clone(), second.items("SEALS").await.len()), (json!(true), 0));
    table.refuses_seals.store(false, Ordering::SeqCst);
    world.stack().settle_streams().await;
    let verified = second.verified().await;
    assert_eq!((&verified["intact"], &verified["sealed_through"]), (&json!(true), &last_record(&second).await));
    assert_eq!(world.stack().dead_letters(), [] as [Value; 0]);
}

/// A proxy in front of a table. It forwards all requests, except that it can refuse seals.
#[derive(Default)]
struct Between {
    behind: OnceLock<String>,
    refuses_seals: AtomicBool,
    refused: AtomicUsize,
}

impl Between {
    /// Serves the proxy, and returns its URL.
    async fn serve(self: Arc<Self>) -> String {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let answer = move |headers: HeaderMap, body: Bytes| {
            let table = Arc::clone(&self);
            async move { table.answer(&headers, body).await }
        };
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
        url
    }

    async fn answer(&self, headers: &HeaderMap, body: Bytes) -> (StatusCode, Bytes) {
        let header = |name: &str| headers.get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
        let writes = header("x-amz-target").ends_with("TransactWriteItems");
        if self.refuses_seals.load(Ordering::SeqCst) && writes && String::from_utf8_lossy(&body).contains("#SEALS") {
            self.refused.fetch_add(1, Ordering::SeqCst);
            let error = json!({"__type": "com.amazonaws.dynamodb.v20120810#ThrottlingException", "message": "no"});
            return (StatusCode::BAD_REQUEST, error.to_string().into());
        }
        let names = ["content-type", "x-amz-target", "x-amz-date", "authorization"];
        let kept = names.map(|name| (name, header(name)));
        let kept: Vec<(&str, &str)> = kept.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let url = format!("{}/", self.behind.get().unwrap());
        let reply = http::send(Method::POST, &url, &kept, body).await.unwrap();
        (reply.status, reply.body)
    }
}
