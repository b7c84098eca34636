//! A function that does what its event says, for tests of the stack.
//!
//! The instruction is `do` of the event, or of the query string if the event is an HTTP request.
#![allow(clippy::indexing_slicing, clippy::panic, reason = "it is there to fail")]

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    if std::env::var("FIXTURE_REFUSES_TO_START").is_ok() {
        std::process::exit(3);
    }
    lambda_runtime::run(service_fn(handle)).await
}

async fn handle(event: LambdaEvent<Value>) -> Result<Value, Error> {
    let (event, context) = event.into_parts();
    let order = event.pointer("/queryStringParameters/do").or_else(|| event.get("do")).and_then(Value::as_str);
    println!("{}", json!({ "level": "INFO", "order": order, "request_id": context.request_id }));
    match order.unwrap_or_default() {
        "sleep" => tokio::time::sleep(Duration::from_secs(60)).await,
        "nap" => tokio::time::sleep(Duration::from_millis(300)).await,
        "panic" => panic!("asked to panic"),
        "exit" => std::process::exit(7),
        "exit-later" => {
            std::thread::spawn(|| {
                std::thread::sleep(Duration::from_millis(50));
                std::process::exit(7);
            });
        }
        "error" => return Err("asked to fail".into()),
        "big" => return Ok(Value::String("x".repeat(7 * 1024 * 1024))),
        "raw" => {
            return Ok(event.get("reply").cloned().unwrap_or(json!({ "plain": true })));
        }
        "not-a-reply" => return Ok(json!({ "statusCode": "none" })),
        "environment" => {
            return Ok(std::env::vars().map(|(name, value)| (name, Value::String(value))).collect());
        }
        "process" => return Ok(json!(std::process::id())),
        "deadline" => {
            let left = context.deadline().duration_since(std::time::SystemTime::now())?;
            return Ok(json!({ "left": left.as_millis(), "arn": context.invoked_function_arn }));
        }
        _ => {}
    }
    if let Some(records) = event.get("Records").and_then(Value::as_array) {
        return Ok(take(records));
    }
    println!("{}", json!({ "level": "INFO", "event": event }));
    Ok(json!({
        "statusCode": 200,
        "headers": { "content-type": "application/json", "x-process": std::process::id().to_string() },
        "body": event.to_string(),
    }))
}

/// Prints each record's key. Reports the records as failed whose item requests it.
fn take(records: &[Value]) -> Value {
    let mut failures = Vec::new();
    let keys: Vec<_> = records.iter().map(|record| record["dynamodb"]["Keys"]["pk"]["S"].clone()).collect();
    println!("{}", json!({ "level": "INFO", "batch": keys }));
    for record in records {
        println!("{}", json!({ "level": "INFO", "record": record }));
        if record["dynamodb"]["NewImage"]["fails"]["BOOL"] == true {
            failures.push(json!({ "itemIdentifier": record["dynamodb"]["SequenceNumber"] }));
        }
    }
    json!({ "batchItemFailures": failures })
}
