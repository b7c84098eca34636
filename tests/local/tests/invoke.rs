//! Tests of direct invocations over HTTP, as `aws lambda invoke` makes them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod common;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use common::stack;
use serde_json::{Value, json};
use trustplane_local::{
    Stack,
    http::{Method, Reply, StatusCode},
    wait::until,
};

async fn invoke(stack: &Stack, function: &str, headers: &[(&str, &str)], payload: &str) -> Reply {
    let path = format!("/2015-03-31/functions/{function}/invocations");
    stack.request(Method::POST, &path, headers, payload.to_owned()).await.unwrap()
}

#[tokio::test]
async fn a_function_is_called_by_any_of_its_names() {
    let (stack, _functions) = stack().await;
    for name in [
        "echo",
        "echo:$LATEST",
        "trustplane-echo",
        "arn:aws:lambda:us-east-1:000000000000:function:echo",
        "arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Atrustplane-echo%3A%24LATEST",
    ] {
        let reply = invoke(&stack, name, &[], r#"{"do":"raw","reply":[1,2]}"#).await;
        assert_eq!((reply.status, reply.text().as_str()), (StatusCode::OK, "[1,2]"), "{name}");
        assert_eq!(reply.header("x-amz-executed-version"), Some("$LATEST"));
        assert_eq!(reply.header("x-amz-function-error"), None);
    }
    stack.stop().await;
}

#[tokio::test]
async fn failures_have_the_shapes_of_lambda() {
    let (stack, _functions) = stack().await;
    for (order, kind) in [
        ("error", None),
        ("panic", None),
        ("exit", Some("Runtime.ExitError")),
        ("big", Some("Function.ResponseSizeTooLarge")),
    ] {
        let reply = invoke(&stack, "echo", &[], &json!({ "do": order }).to_string()).await;
        assert_eq!(reply.status, StatusCode::OK, "{order}");
        assert_eq!(reply.header("x-amz-function-error"), Some("Unhandled"), "{order}");
        let error = reply.json();
        assert!(error["errorMessage"].is_string(), "{error}");
        match kind {
            Some(kind) => assert_eq!(error["errorType"], kind),
            None => assert!(error["errorMessage"].as_str().unwrap().contains("asked to")),
        }
    }
    let reply = invoke(&stack, "broken", &[], "{}").await;
    assert!(reply.json()["errorMessage"].as_str().unwrap().ends_with("exit status 3"), "{}", reply.text());

    let reply = invoke(&stack, "nobody", &[], "{}").await;
    assert_eq!(reply.status, StatusCode::NOT_FOUND);
    assert_eq!(reply.header("x-amzn-errortype"), Some("ResourceNotFoundException"));
    let arn = "arn:aws:lambda:us-east-1:000000000000:function:nobody";
    assert_eq!(reply.json(), json!({ "Type": "User", "Message": format!("Function not found: {arn}") }));

    let reply = invoke(&stack, "echo", &[], "{oops").await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    assert_eq!(reply.header("x-amzn-errortype"), Some("InvalidRequestContentException"));

    let reply = invoke(&stack, "echo", &[], &format!("\"{}\"", "x".repeat(6 * 1024 * 1024))).await;
    assert_eq!(reply.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(reply.header("x-amzn-errortype"), Some("RequestTooLargeException"));
    stack.stop().await;
}

#[tokio::test]
async fn other_invocation_types_do_not_wait() {
    let (stack, _functions) = stack().await;
    let reply = invoke(&stack, "echo", &[("x-amz-invocation-type", "DryRun")], "{}").await;
    assert_eq!((reply.status, reply.body.len()), (StatusCode::NO_CONTENT, 0));
    assert!(stack.processes("echo").is_empty(), "a dry run runs nothing");
    let reply = invoke(&stack, "echo", &[("x-amz-invocation-type", "Event")], r#"{"mark":"later"}"#).await;
    assert_eq!((reply.status, reply.body.len()), (StatusCode::ACCEPTED, 0));
    let logged = || stack.logs().iter().any(|line| line.text.contains(r#""mark":"later""#));
    until("the log line of the asynchronous invocation", logged).await;
    let reply = invoke(&stack, "echo", &[("x-amz-invocation-type", "Sometimes")], "{}").await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    stack.stop().await;
}

#[tokio::test]
async fn the_end_of_the_log_comes_with_the_reply() {
    let (stack, _functions) = stack().await;
    invoke(&stack, "echo", &[], r#"{"mark":"before"}"#).await;
    let reply = invoke(&stack, "echo", &[("x-amz-log-type", "Tail")], r#"{"mark":"now"}"#).await;
    let log = String::from_utf8(STANDARD.decode(reply.header("x-amz-log-result").unwrap()).unwrap()).unwrap();
    assert!(log.starts_with("START RequestId: ") && log.contains("REPORT RequestId: "), "{log}");
    assert!(log.contains(r#""mark":"now""#) && !log.contains("before"), "{log}");
    stack.stop().await;
}

#[tokio::test]
async fn the_deadline_is_the_functions_own() {
    let (stack, _functions) = stack().await;
    let reply: Value = invoke(&stack, "echo", &[], r#"{"do":"deadline"}"#).await.json();
    let left = reply["left"].as_u64().unwrap();
    assert!(left > 0 && left <= 10_000, "{left} ms of 10 s");
    assert_eq!(reply["arn"], "arn:aws:lambda:us-east-1:000000000000:function:trustplane-echo");
    stack.stop().await;
}
