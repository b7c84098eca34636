//! Tests of the store with errors of DynamoDB, which a server in this test returns.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::StatusCode;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use trustplane_aws::{COMMON, DYNAMODB, ResponseClass};
use trustplane_domain::Failure;
use trustplane_domain::ids::CredentialId;
use trustplane_policy::{Kind, Resource};
use trustplane_store::{AuditedChange, CommitError, Idempotency, LoadError, StoreError, Table, TenantKeys, Writes};

use crate::engine::{commit, connection, grant, table_at};

/// Starts a server that returns the n-th response to the n-th request, and then repeats the last one.
async fn saying(answers: Vec<(u16, Value)>) -> (Table, Arc<AtomicUsize>) {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let answer = move || {
        let place = count.fetch_add(1, Ordering::Relaxed).min(answers.len() - 1);
        let (status, body) = answers[place].clone();
        let headers = [("content-type", "application/x-amz-json-1.0")];
        async move { (StatusCode::from_u16(status).unwrap(), headers, body.to_string()) }
    };
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    (table_at(&endpoint, "t").await, asked)
}

fn error(code: &str) -> Value {
    json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{code}"), "message": "no"})
}

fn cancelled(codes: &[&str]) -> Value {
    let reasons: Vec<Value> = codes.iter().map(|code| json!({"Code": code, "Message": "no"})).collect();
    let mut body = error("TransactionCanceledException");
    body["CancellationReasons"] = json!(reasons);
    body
}

async fn write(table: &Table) -> Result<(), CommitError> {
    let grant = grant();
    let key = TenantKeys::granted(&grant).connection();
    commit(table, &grant, Writes::new().create(&key, &connection(1))).await
}

#[tokio::test]
async fn a_conflict_with_another_transaction_is_a_lost_race() {
    let (table, _) = saying(vec![(400, cancelled(&["TransactionConflict", "None"]))]).await;
    assert!(matches!(write(&table).await, Err(CommitError::Lost)));
}

/// Tests a conflict over a stored response in addition to another conflict: the stored response decides.
#[tokio::test]
async fn a_conflict_over_the_reply_of_a_retry_is_a_request_in_progress() {
    for code in ["TransactionConflict", "ConditionalCheckFailed"] {
        let (table, _) = saying(vec![(400, cancelled(&["TransactionConflict", code, "None"]))]).await;
        let grant = grant();
        let part = TenantKeys::granted(&grant);
        let (key, kept) = (part.connection(), part.idempotency(CredentialId::new(grant.tenant(), [1; 8]), "retry"));
        let reply = Idempotency {
            fingerprint: String::new(),
            status: 201,
            headers: Vec::new(),
            body: String::new(),
            kept_until: grant.at(),
        };
        let writes = Writes::new().create(&key, &connection(1));
        let change = AuditedChange { resource: &Resource::new(Kind::Integration, "x"), before: None, after: None };
        let written = table.commit(&grant, &change, writes, Some((&kept, &reply))).await;
        assert!(matches!(written, Err(CommitError::InProgress)), "{written:?}");
    }
}

#[tokio::test]
async fn a_throttled_transaction_is_unavailable_and_others_are_faults_of_ours() {
    let (table, _) = saying(vec![(400, cancelled(&["ThrottlingError", "None"]))]).await;
    assert!(matches!(write(&table).await, Err(CommitError::Store(StoreError::Unavailable(_)))));
    let (table, _) = saying(vec![(400, cancelled(&["ValidationError", "None"]))]).await;
    assert!(matches!(write(&table).await, Err(CommitError::Store(StoreError::Broken(_)))));
}

#[tokio::test]
async fn throttling_is_tried_again_and_then_told_with_the_time_to_wait() {
    let (table, asked) = saying(vec![(400, error("ThrottlingException"))]).await;
    let grant = grant();
    let key = TenantKeys::granted(&grant).connection();
    let refused = table.load(key).await.unwrap_err();
    assert!(matches!(refused, LoadError::Store(StoreError::Unavailable(_))), "{refused}");
    assert_eq!(Failure::from(refused), Failure::unavailable(1, ""));
    assert_eq!(asked.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn what_is_no_passing_trouble_is_told_as_ours() {
    for code in ["ResourceNotFoundException", "AccessDeniedException", "ValidationException"] {
        let (table, asked) = saying(vec![(400, error(code))]).await;
        let key = TenantKeys::granted(&grant()).connection();
        let failure = Failure::from(table.load(key).await.unwrap_err());
        assert_eq!(failure, Failure::internal(""), "{code}");
        assert!(failure.cause().unwrap().to_string().contains(code), "{failure:?}");
        assert_eq!(asked.load(Ordering::Relaxed), 1, "{code}");
    }
}

#[tokio::test]
async fn an_unprocessed_key_is_asked_for_again_and_never_taken_for_an_absent_item() {
    let key = TenantKeys::granted(&grant()).connection();
    let left = json!({"Responses": {}, "UnprocessedKeys": {"t": {
        "Keys": [{"pk": {"S": key.pk()}, "sk": {"S": key.sk()}}], "ConsistentRead": true}}});
    let none = json!({"Responses": {"t": []}, "UnprocessedKeys": {}});
    let (table, asked) = saying(vec![(200, left.clone()), (200, none)]).await;
    assert!(table.load(key.clone().optional()).await.unwrap().item.is_none());
    assert_eq!(asked.load(Ordering::Relaxed), 2);

    let (table, _) = saying(vec![(200, left)]).await;
    assert!(matches!(table.load(key).await, Err(LoadError::Store(StoreError::Unavailable(_)))));
}

#[tokio::test]
async fn nobody_there_is_unavailable() {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let table = table_at(&endpoint, "t").await;
    assert!(matches!(write(&table).await, Err(CommitError::Store(StoreError::Unavailable(_)))));
}

/// Tests every error of a call and every reason inside a cancelled transaction.
#[tokio::test]
async fn each_error_is_lost_or_unavailable_or_broken_as_the_table_says() {
    for (code, class) in DYNAMODB.iter().chain(COMMON) {
        let (table, _) = saying(vec![(400, cancelled(&["None", code]))]).await;
        let written = write(&table).await;
        let as_told = match class {
            ResponseClass::RetryNow => matches!(written, Err(CommitError::Lost)),
            ResponseClass::RetryLater => matches!(written, Err(CommitError::Store(StoreError::Unavailable(_)))),
            ResponseClass::Success | ResponseClass::Permanent => {
                matches!(written, Err(CommitError::Store(StoreError::Broken(_))))
            }
        };
        assert!(as_told, "reason {code}: {written:?}");
        // A lost race within a transaction is worse with any other reason.
        let (table, _) = saying(vec![(400, cancelled(&["ConditionalCheckFailed", code]))]).await;
        let lost = matches!(write(&table).await, Err(CommitError::Lost));
        assert_eq!(lost, *class <= ResponseClass::RetryNow, "reason {code}");

        let (table, _) = saying(vec![(400, error(code))]).await;
        let read = table.load(TenantKeys::granted(&grant()).connection()).await;
        let passing = matches!(class, ResponseClass::RetryNow | ResponseClass::RetryLater);
        let as_told = match &read {
            Err(LoadError::Store(StoreError::Unavailable(_))) => passing,
            Err(LoadError::Store(StoreError::Broken(_))) => !passing,
            _ => false,
        };
        assert!(as_told, "error {code}: {read:?}");
    }
}

/// Starts a server that writes the n-th text to the n-th request as it is, closes the connection, and then repeats the
/// last one. Returns the bodies of the requests.
async fn writing(responses: Vec<String>) -> (Table, Arc<Mutex<Vec<Value>>>) {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let requests = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&requests);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            let body = loop {
                assert!(stream.read_buf(&mut request).await.unwrap() > 0, "half a request");
                let text = String::from_utf8_lossy(&request);
                let Some((_, body)) = text.split_once("\r\n\r\n") else { continue };
                if let Ok(body) = serde_json::from_str::<Value>(body) {
                    break body;
                }
            };
            let place = {
                let mut seen = seen.lock().unwrap();
                seen.push(body);
                seen.len().min(responses.len()) - 1
            };
            stream.write_all(responses[place].as_bytes()).await.unwrap();
            stream.shutdown().await.unwrap();
        }
    });
    (table_at(&endpoint, "t").await, requests)
}

/// A response of this status that says it has `missing` bytes more than it has.
fn cut(status: &str, body: &str, missing: usize) -> String {
    let length = body.len() + missing;
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: {length}\r\n\
         connection: close\r\n\r\n{body}"
    )
}

/// Responses that cannot be read.
fn unreadable() -> Vec<(&'static str, String)> {
    vec![
        ("cut off in the body", cut("200 OK", r#"{"Responses": {"t": ["#, 100)),
        ("cut off with a length that fits", cut("200 OK", r#"{"Responses": {"t": ["#, 0)),
        ("cut off in the headers", "HTTP/1.1 200 OK\r\ncontent-type: appl".to_owned()),
        ("nothing", String::new()),
        ("garbage", "\u{1}\u{2} garbage \r\n\r\n".to_owned()),
        ("a garbage body", cut("200 OK", "<html>\u{1}</html>", 0)),
        ("another type", cut("200 OK", r#"{"Responses": 7, "ConsumedCapacity": 7}"#, 0)),
        ("an error of something in between", cut("400 Bad Request", "<html>no</html>", 0)),
        ("an error that is cut off", cut("400 Bad Request", r#"{"__type": "com.amaz"#, 0)),
        ("a bare 502", cut("502 Bad Gateway", "", 0)),
    ]
}

#[tokio::test]
async fn an_unreadable_response_to_a_write_is_tried_again_with_the_same_token() {
    for (name, unreadable) in unreadable() {
        let (table, requests) = writing(vec![unreadable, cut("200 OK", "{}", 0)]).await;
        let written = write(&table).await;
        assert!(written.is_ok(), "{name}: {written:?}");
        let requests = requests.lock().unwrap();
        let tokens: Vec<&str> =
            requests.iter().map(|request| request["ClientRequestToken"].as_str().unwrap()).collect();
        assert_eq!((tokens.len(), tokens[0]), (2, tokens[1]), "{name}");
        assert_eq!(requests[0], requests[1], "{name}");
    }
}

#[tokio::test]
async fn an_unreadable_response_to_a_read_is_tried_again() {
    let key = TenantKeys::granted(&grant()).connection();
    let none = cut("200 OK", r#"{"Responses": {"t": []}, "UnprocessedKeys": {}}"#, 0);
    let empty = ("an empty body", cut("200 OK", "", 0));
    for (name, unreadable) in unreadable().into_iter().chain([empty]) {
        let (table, requests) = writing(vec![unreadable, none.clone()]).await;
        let read = table.load(key.clone().optional()).await;
        assert!(read.is_ok_and(|slot| slot.item.is_none()), "{name}");
        assert_eq!(requests.lock().unwrap().len(), 2, "{name}");
    }
}

#[tokio::test]
async fn an_unreadable_response_to_a_listing_is_tried_again() {
    let keys = TenantKeys::granted(&grant());
    let none = cut("200 OK", r#"{"Items": [], "Count": 0, "ScannedCount": 0}"#, 0);
    let garbage = cut("200 OK", r#"{"Items": [{"pk": "#, 0);
    for unreadable in [garbage, cut("200 OK", "", 0)] {
        let (table, requests) = writing(vec![unreadable, none.clone()]).await;
        assert!(table.load(keys.credentials()).await.unwrap().rows.is_empty());
        assert_eq!(requests.lock().unwrap().len(), 2);
    }
}

#[tokio::test]
async fn responses_that_stay_unreadable_are_unavailable() {
    let empty = ("an empty body", cut("200 OK", "", 0));
    for (name, unreadable) in unreadable().into_iter().chain([empty]) {
        let (table, requests) = writing(vec![unreadable.clone()]).await;
        let key = TenantKeys::granted(&grant()).connection();
        let read = table.load(key).await;
        assert!(matches!(read, Err(LoadError::Store(StoreError::Unavailable(_)))), "{name}: {read:?}");
        let attempts = requests.lock().unwrap().len();
        assert!((3..=6).contains(&attempts), "{name}: {attempts}");
    }
}
