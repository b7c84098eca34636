//! Direct invocations: the `Invoke` operation of the Lambda API, unsigned.
//!
//! It serves `aws lambda invoke --endpoint-url http://localhost:3000`. Source: "Invoke", AWS Lambda API Reference.

use crate::{
    delivery::Delivery,
    lambda::{Lambda, Outcome, Refusal},
    template::{ACCOUNT, REGION},
};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, Path, State},
    http::{HeaderMap, StatusCode},
    response::Response,
    routing::post,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;
use std::time::Duration;

/// Largest part of a log in `X-Amz-Log-Result`, in bytes: the last 4 KB.
const LOG_TAIL: usize = 4096;
/// Largest event of an asynchronous invocation, in bytes.
///
/// Source: "Lambda quotas", AWS Lambda Developer Guide.
const EVENT_LIMIT: usize = 1024 * 1024;

pub(crate) fn router(delivery: Delivery) -> Router {
    Router::new()
        .route("/2015-03-31/functions/{name}/invocations", post(invoke))
        .layer(DefaultBodyLimit::disable())
        .with_state(delivery)
}

async fn invoke(
    State(delivery): State<Delivery>,
    Path(name): Path<String>,
    headers: HeaderMap,
    payload: Bytes,
) -> Response {
    let lambda = &delivery.lambda;
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(runnable) = lambda.find(&name) else {
        return refused(lambda, &name, Refusal::Unknown);
    };
    let payload = if payload.is_empty() { Bytes::from_static(b"{}") } else { payload };
    if serde_json::from_slice::<serde::de::IgnoredAny>(&payload).is_err() {
        let message = "Could not parse request body into json: Could not parse payload into json";
        return error(StatusCode::BAD_REQUEST, "InvalidRequestContentException", message);
    }
    match header("x-amz-invocation-type").unwrap_or("RequestResponse") {
        "DryRun" => empty(StatusCode::NO_CONTENT),
        "Event" if payload.len() > EVENT_LIMIT => refused(lambda, &name, Refusal::TooLarge(payload.len())),
        "Event" => {
            let (delivery, function) = (delivery.clone(), runnable.function.name.clone());
            tokio::spawn(async move { delivery.deliver(&function, payload).await });
            empty(StatusCode::ACCEPTED)
        }
        "RequestResponse" => {
            let tail = header("x-amz-log-type") == Some("Tail");
            // The function runs to its end even if the client no longer waits.
            let (running, function) = (lambda.clone(), runnable.function.name.clone());
            let outcome = tokio::spawn(async move { running.invoke(&function, payload).await }).await;
            match outcome {
                Ok(Ok(outcome)) => answered(lambda, outcome, tail, runnable.function.memory).await,
                Ok(Err(refusal)) => refused(lambda, &name, refusal),
                Err(_) => error(StatusCode::INTERNAL_SERVER_ERROR, "ServiceException", "the stack has stopped"),
            }
        }
        other => {
            let message = format!(
                "1 validation error detected: Value '{other}' at 'invocationType' failed to satisfy constraint: \
                 Member must satisfy enum value set: [Event, RequestResponse, DryRun]"
            );
            error(StatusCode::BAD_REQUEST, "ValidationException", &message)
        }
    }
}

async fn answered(lambda: &Lambda, outcome: Outcome, tail: bool, memory: u64) -> Response {
    let mut response = Response::builder()
        .status(StatusCode::OK)
        .header("content-type", "application/json")
        .header("x-amzn-requestid", &outcome.request_id)
        .header("x-amz-executed-version", "$LATEST");
    if outcome.failed {
        response = response.header("x-amz-function-error", "Unhandled");
    }
    if tail {
        // Output that the function printed before its response may still be in the pipe.
        tokio::time::sleep(Duration::from_millis(20)).await;
        response = response.header("x-amz-log-result", STANDARD.encode(log(lambda, &outcome, memory)));
    }
    response.body(Body::from(outcome.payload)).unwrap_or_default()
}

/// Returns the last 4 KB of an invocation's log, in CloudWatch's format.
fn log(lambda: &Lambda, outcome: &Outcome, memory: u64) -> Vec<u8> {
    let id = &outcome.request_id;
    let milliseconds = outcome.duration.as_secs_f64() * 1000.0;
    let mut lines = vec![format!("START RequestId: {id} Version: $LATEST")];
    lines.extend(lambda.logs().of_process_since(outcome.process, outcome.log_start));
    lines.push(format!("END RequestId: {id}"));
    lines.push(format!(
        "REPORT RequestId: {id}\tDuration: {milliseconds:.2} ms\tBilled Duration: {} ms\tMemory Size: {memory} MB",
        milliseconds.ceil()
    ));
    let text = lines.join("\n") + "\n";
    let bytes = text.into_bytes();
    bytes.get(bytes.len().saturating_sub(LOG_TAIL)..).unwrap_or_default().to_vec()
}

fn refused(lambda: &Lambda, name: &str, refusal: Refusal) -> Response {
    match refusal {
        Refusal::Unknown => {
            let function = name.rsplit(":function:").next().unwrap_or(name);
            let known: Vec<_> = lambda.names().collect();
            eprintln!("warning: no function `{name}`; there are: {}", known.join(", "));
            error(
                StatusCode::NOT_FOUND,
                "ResourceNotFoundException",
                &format!("Function not found: arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}"),
            )
        }
        Refusal::TooLarge(length) => error(
            StatusCode::PAYLOAD_TOO_LARGE,
            "RequestTooLargeException",
            &format!("{length} byte payload is too large for the invocation type"),
        ),
        Refusal::Throttled => error(StatusCode::TOO_MANY_REQUESTS, "TooManyRequestsException", "Rate Exceeded."),
        Refusal::Broken(cause) => error(StatusCode::INTERNAL_SERVER_ERROR, "ServiceException", &cause.to_string()),
    }
}

/// Creates an error response in the Lambda API's format.
fn error(status: StatusCode, kind: &str, message: &str) -> Response {
    let who = if status.is_server_error() { "Server" } else { "User" };
    Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .header("x-amzn-errortype", kind)
        .body(Body::from(json!({ "Type": who, "Message": message }).to_string()))
        .unwrap_or_default()
}

fn empty(status: StatusCode) -> Response {
    let mut response = Response::default();
    *response.status_mut() = status;
    response
}
