//! Tests of the store with errors of DynamoDB, which a server in this test returns.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::http::StatusCode;
use serde_json::{Value, json};
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
