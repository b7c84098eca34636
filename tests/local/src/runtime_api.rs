//! The AWS Lambda Runtime API, with one path prefix per process.
//!
//! `AWS_LAMBDA_RUNTIME_API` is `http://host:port/{process}`, so that each invocation reaches its process. Source:
//! "Using the Lambda runtime API for custom runtimes", AWS Lambda Developer Guide.

use crate::{
    lambda::Lambda,
    process::{Answer, Process},
    template::{ACCOUNT, REGION},
};
use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};
use std::sync::Arc;

/// Largest response of a function, in bytes.
///
/// Source: Lambda's error for a larger response ("exceeded maximum allowed payload size (6291556 bytes)").
pub(crate) const RESPONSE_LIMIT: usize = 6 * 1024 * 1024 + 100;

/// Returns the API for all processes of `lambda`.
pub(crate) fn router(lambda: Lambda) -> Router {
    const INVOCATION: &str = "/{process}/2018-06-01/runtime/invocation";
    Router::new()
        .route(&format!("{INVOCATION}/next"), get(next))
        .route(&format!("{INVOCATION}/{{id}}/response"), post(response))
        .route(&format!("{INVOCATION}/{{id}}/error"), post(error))
        .route("/{process}/2018-06-01/runtime/init/error", post(init_error))
        .layer(DefaultBodyLimit::disable())
        .with_state(lambda)
}

async fn next(State(lambda): State<Lambda>, Path(key): Path<String>) -> Response {
    let Some(process) = lambda.process(&key) else {
        return no_process();
    };
    let Some(taken) = process.next().await else {
        return no_process();
    };
    let function = lambda.deployed_name(&process.function);
    let trace = taken.id.replace('-', "");
    Response::builder()
        .header("content-type", "application/json")
        .header("Lambda-Runtime-Aws-Request-Id", &taken.id)
        .header("Lambda-Runtime-Deadline-Ms", taken.deadline.to_string())
        .header("Lambda-Runtime-Invoked-Function-Arn", format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}"))
        .header(
            "Lambda-Runtime-Trace-Id",
            format!("Root=1-{}-{};Sampled=0", trace.get(..8).unwrap_or_default(), trace.get(8..).unwrap_or_default()),
        )
        .body(Body::from(taken.payload))
        .unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

async fn response(State(lambda): State<Lambda>, Path((key, id)): Path<(String, String)>, body: Bytes) -> Response {
    if body.len() > RESPONSE_LIMIT {
        let message = format!("Response payload size exceeded maximum allowed payload size ({RESPONSE_LIMIT} bytes).");
        let error = json!({ "errorType": "Function.ResponseSizeTooLarge", "errorMessage": message });
        answer(lambda.process(&key), &id, Answer::Error(error.to_string().into()));
        return refuse(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", &message);
    }
    answer(lambda.process(&key), &id, Answer::Response(body))
}

async fn error(State(lambda): State<Lambda>, Path((key, id)): Path<(String, String)>, body: Bytes) -> Response {
    answer(lambda.process(&key), &id, Answer::Error(body))
}

async fn init_error(State(lambda): State<Lambda>, Path(key): Path<String>, body: Bytes) -> Response {
    let Some(process) = lambda.process(&key) else {
        return no_process();
    };
    process.fail_init(body);
    accepted()
}

fn answer(process: Option<Arc<Process>>, id: &str, answer: Answer) -> Response {
    match process.is_some_and(|process| process.answer(id, answer)) {
        true => accepted(),
        false => refuse(StatusCode::BAD_REQUEST, "InvalidRequestID", "Invalid request ID"),
    }
}

fn accepted() -> Response {
    (StatusCode::ACCEPTED, Json(json!({ "status": "OK" }))).into_response()
}

fn no_process() -> Response {
    refuse(StatusCode::FORBIDDEN, "InvalidStateTransition", "no such process")
}

fn refuse(status: StatusCode, kind: &str, message: &str) -> Response {
    (status, Json(json!({ "errorType": kind, "errorMessage": message }) as Value)).into_response()
}
