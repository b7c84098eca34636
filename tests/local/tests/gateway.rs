//! Tests of the gateway and the Runtime API from a client's view, with a real function.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod common;

use common::{FUNCTIONS, functions, options, stack};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use trustplane_local::{
    Stack,
    http::{self, Method, Reply, StatusCode},
    lambda::Limits,
    wait::{until, within},
};

const JSON: &[(&str, &str)] = &[("content-type", "application/json")];

async fn get(stack: &Stack, path: &str) -> Reply {
    stack.request(Method::GET, path, &[], "").await.unwrap()
}

async fn post(stack: &Stack, path: &str) -> Reply {
    stack.request(Method::POST, path, JSON, "{}").await.unwrap()
}

fn assert_message(reply: &Reply, status: StatusCode, message: &str) {
    assert_eq!((reply.status, reply.json()), (status, json!({ "message": message })));
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert!(reply.header("apigw-requestid").is_some());
}

#[tokio::test]
async fn a_request_reaches_the_function_as_an_event() {
    let (stack, _functions) = stack().await;
    let headers =
        [("content-type", "application/json"), ("x-tenant-id", "t1"), ("cookie", "a=1; b=2"), ("user-agent", "test/1")];
    let reply = stack.request(Method::PUT, "/things/a%20b%2Fc?x=1&x=2&y=%2B", &headers, r#"{"n":1}"#).await.unwrap();
    assert_eq!(reply.status, StatusCode::NOT_FOUND, "an encoded slash is a slash by the time of routing");
    let reply = stack.request(Method::PUT, "/things/a%20b?x=1&x=2&y=%2B", &headers, r#"{"n":1}"#).await.unwrap();
    assert_eq!(reply.status, StatusCode::OK);
    let event = reply.json();
    assert_eq!(event["version"], "2.0");
    assert_eq!(event["routeKey"], "PUT /things/{id}");
    assert_eq!(event["rawPath"], "/things/a b");
    assert_eq!(event["rawQueryString"], "x=1&x=2&y=%2B");
    assert_eq!(event["queryStringParameters"], json!({ "x": "1,2", "y": "+" }));
    assert_eq!(event["pathParameters"], json!({ "id": "a b" }));
    assert_eq!(event["cookies"], json!(["a=1", "b=2"]));
    assert_eq!(event["headers"]["x-tenant-id"], "t1");
    assert_eq!(event["requestContext"]["http"]["method"], "PUT");
    assert_eq!(event["requestContext"]["http"]["sourceIp"], "127.0.0.1");
    assert_eq!(event["requestContext"]["http"]["userAgent"], "test/1");
    assert_eq!(event["requestContext"]["requestId"].as_str(), reply.header("apigw-requestid"));
    assert_eq!(event["body"], r#"{"n":1}"#);
    assert_eq!(event["isBase64Encoded"], false);
    stack.stop().await;
}

#[tokio::test]
async fn routes_by_method_and_path() {
    let (stack, _functions) = stack().await;
    assert_message(&get(&stack, "/nothing").await, StatusCode::NOT_FOUND, "Not Found");
    assert_message(&post(&stack, "/things/1").await, StatusCode::NOT_FOUND, "Not Found");
    assert_message(&get(&stack, "/things/1/").await, StatusCode::NOT_FOUND, "Not Found");
    assert_message(&get(&stack, "/things/percent%25done").await, StatusCode::BAD_REQUEST, "Bad Request");
    assert_eq!(get(&stack, "/files/a//b/%C3%A9").await.json()["pathParameters"], json!({ "proxy": "a//b/é" }));
    for method in [Method::DELETE, Method::OPTIONS, Method::PATCH] {
        let reply = stack.request(method.clone(), "/any", &[], "").await.unwrap();
        assert_eq!(reply.json()["routeKey"], "ANY /any");
        assert_eq!(reply.json()["requestContext"]["http"]["method"], method.as_str());
    }
    let reply = stack.request(Method::HEAD, "/any", &[], "").await.unwrap();
    assert_eq!((reply.status, reply.body.len()), (StatusCode::OK, 0));
    stack.stop().await;
}

#[tokio::test]
async fn a_body_that_is_not_text_arrives_whole() {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let (stack, _functions) = stack().await;
    let body: Vec<u8> = (0..=255).collect();
    let reply = stack.request(Method::PUT, "/things/1", JSON, body.clone()).await.unwrap();
    let event = reply.json();
    assert_eq!(event["isBase64Encoded"], true);
    assert_eq!(STANDARD.decode(event["body"].as_str().unwrap()).unwrap(), body);
    stack.stop().await;
}

#[tokio::test]
async fn too_large_is_refused_and_the_connection_answers_it() {
    let (stack, _functions) = stack().await;
    let at = |bytes: usize| {
        let stack = &stack;
        async move { stack.request(Method::PUT, "/things/1", JSON, "x".repeat(bytes)).await.unwrap() }
    };
    // Just over 10 MB; then less than that, but over Lambda's limit.
    assert_message(&at(10 * 1024 * 1024 + 1).await, StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large");
    assert_message(&at(7 * 1024 * 1024).await, StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large");
    assert_eq!(at(1024 * 1024).await.status, StatusCode::OK);
    let long = "h".repeat(10_240);
    let reply = stack.request(Method::GET, "/things/1", &[("x-long", &long)], "").await.unwrap();
    assert_message(&reply, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "Request Header Fields Too Large");
    stack.stop().await;
}

#[tokio::test]
async fn what_a_function_does_wrong_is_a_500_and_the_next_request_works() {
    let (stack, _functions) = stack().await;
    for order in ["panic", "exit", "error", "big", "not-a-reply"] {
        let reply = get(&stack, &format!("/things/1?do={order}")).await;
        assert_message(&reply, StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error");
        assert_eq!(get(&stack, "/things/1").await.status, StatusCode::OK, "after {order}");
    }
    assert_message(&post(&stack, "/broken").await, StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error");
    assert!(stack.logs().iter().any(|line| line.text.contains("asked to panic")), "a panic's message is in the log");
    stack.stop().await;
}

#[tokio::test]
async fn a_process_that_dies_between_requests_is_replaced() {
    let (stack, _functions) = stack().await;
    let first = get(&stack, "/things/1?do=exit-later").await;
    assert_eq!(first.status, StatusCode::OK);
    let process = stack.processes("echo");
    until("the end of the first process", || stack.processes("echo") != process).await;
    assert_eq!(get(&stack, "/things/1").await.status, StatusCode::OK);
    stack.stop().await;
}

#[tokio::test]
async fn a_function_that_runs_out_of_time_is_killed() {
    let (stack, _functions) = stack().await;
    let before = post(&stack, "/quick").await;
    assert_eq!(before.status, StatusCode::OK);
    assert_message(&post(&stack, "/quick?do=sleep").await, StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error");
    assert!(stack.processes("quick").is_empty(), "the process is gone");
    let after = post(&stack, "/quick").await;
    assert_eq!(after.status, StatusCode::OK);
    assert_ne!(after.header("x-process"), before.header("x-process"));
    let outcome = stack.invoke("quick", &json!({ "do": "sleep" })).await.unwrap();
    let error: Value = serde_json::from_slice(&outcome.payload).unwrap();
    assert!(outcome.failed);
    assert_eq!(error["errorType"], "Sandbox.Timedout");
    assert!(error["errorMessage"].as_str().unwrap().ends_with("Task timed out after 1.00 seconds"), "{error}");
    stack.stop().await;
}

#[tokio::test]
async fn the_gateway_gives_up_before_a_slow_function_does() {
    let (stack, _functions) = stack().await;
    let reply = post(&stack, "/slow?do=nap").await;
    assert_message(&reply, StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable");
    // The function runs to its end, and the same process takes the next request.
    let reply = within("a response 200 after the slow request", async {
        loop {
            let reply = post(&stack, "/slow").await;
            if reply.status == StatusCode::OK {
                break reply;
            }
        }
    })
    .await;
    assert!(stack.processes("slow").iter().any(|id| Some(id.to_string().as_str()) == reply.header("x-process")));
    stack.stop().await;
}

#[tokio::test]
async fn one_request_at_a_time_in_a_process_and_as_many_processes_as_requests() {
    let (stack, _functions) = stack().await;
    let naps = (0..4).map(|_| get(&stack, "/things/1?do=nap"));
    let replies = join_all(naps).await;
    let mut processes: Vec<_> = replies.iter().map(|reply| reply.header("x-process").unwrap().to_owned()).collect();
    processes.sort();
    processes.dedup();
    assert_eq!(processes.len(), 4, "each had a process of its own");
    for _ in 0..8 {
        let process = get(&stack, "/things/1").await.header("x-process").unwrap().to_owned();
        assert!(processes.contains(&process), "idle processes are used again");
    }
    stack.stop().await;
}

#[tokio::test]
async fn past_the_bound_requests_wait_and_then_are_refused() {
    let functions = functions(FUNCTIONS);
    let limits = |patience| Limits { concurrency: 2, processes: 2, patience };
    let mut options = options(&functions);
    options.limits = limits(Duration::from_secs(30));
    let stack = Stack::start(options.clone()).await.unwrap();
    let replies = join_all((0..6).map(|_| get(&stack, "/things/1?do=nap"))).await;
    assert!(replies.iter().all(|reply| reply.status == StatusCode::OK));
    assert_eq!(stack.processes("echo").len(), 2);
    // Idle processes make room for another function's processes.
    assert_eq!(post(&stack, "/quick").await.status, StatusCode::OK);
    stack.stop().await;

    options.limits = limits(Duration::from_millis(1));
    let stack = Stack::start(options).await.unwrap();
    let replies = join_all((0..3).map(|_| get(&stack, "/things/1?do=nap"))).await;
    let refused: Vec<_> = replies.iter().filter(|reply| reply.status != StatusCode::OK).collect();
    assert_eq!(refused.len(), 1);
    assert_message(refused[0], StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable");
    stack.stop().await;
}

#[tokio::test]
async fn a_connection_serves_one_request_after_the_other() {
    let (stack, _functions) = stack().await;
    let address = stack.url().replace("http://localhost:", "127.0.0.1:");
    let mut connection = tokio::net::TcpStream::connect(address).await.unwrap();
    for path in ["/things/1", "/nothing", "/things/2?do=raw"] {
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"}") {
            let mut buffer = [0; 4096];
            let length = connection.read(&mut buffer).await.unwrap();
            assert_ne!(length, 0, "the connection stays open");
            answer.extend_from_slice(&buffer[..length]);
        }
    }
    stack.stop().await;
}

#[tokio::test]
async fn a_body_that_breaks_off_reaches_no_function() {
    let (stack, _functions) = stack().await;
    let address = stack.url().replace("http://localhost:", "127.0.0.1:");
    let mut connection = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = "PUT /things/1 HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n{}";
    connection.write_all(request.as_bytes()).await.unwrap();
    connection.shutdown().await.unwrap();
    let mut answer = Vec::new();
    let _ = connection.read_to_end(&mut answer).await;
    assert_eq!(get(&stack, "/things/1").await.status, StatusCode::OK);
    let invocations = stack.logs().iter().filter(|line| line.text.contains("\"order\"")).count();
    assert_eq!(invocations, 1, "the second request's alone");
    stack.stop().await;
}

#[tokio::test]
async fn functions_get_the_environment_of_lambda_and_of_the_template() {
    let functions = functions(FUNCTIONS);
    let mut options = options(&functions);
    options.environment.insert("STAGE".to_owned(), "overridden".to_owned());
    let stack = Stack::start(options).await.unwrap();
    let outcome = stack.invoke("echo", &json!({ "do": "environment" })).await.unwrap();
    let variables: Value = serde_json::from_slice(&outcome.payload).unwrap();
    for (name, value) in [
        ("AWS_LAMBDA_FUNCTION_NAME", "trustplane-echo"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ENDPOINT_URL_DYNAMODB", stack.dynamodb_endpoint()),
        ("TRUSTPLANE_TABLE", stack.table()),
        ("STAGE", "overridden"),
    ] {
        assert_eq!(variables[name], value, "{name}");
    }
    for service in ["STS", "SSO_ADMIN", "ORGANIZATIONS", "KMS"] {
        assert!(variables[format!("AWS_ENDPOINT_URL_{service}")].as_str().unwrap().starts_with("http://127.0.0.1:"));
    }
    assert!(variables.get("HOME").is_none(), "nothing of the developer's own environment leaks in");
    stack.stop().await;
}

#[tokio::test]
async fn clients_reach_the_api_by_ipv4_and_by_ipv6() {
    let (stack, _functions) = stack().await;
    for host in ["127.0.0.1", "[::1]"] {
        let url = stack.url().replace("localhost", host);
        let reply = http::send(Method::GET, &format!("{url}/things/1"), &[], "").await.unwrap();
        assert_eq!(reply.status, StatusCode::OK, "{host}");
    }
    stack.stop().await;
}

#[tokio::test]
async fn one_endpoint_serves_all_aws_services() {
    let (stack, _functions) = stack().await;
    let format = time::macros::format_description!("[year][month][day]T[hour][minute][second]Z");
    let now = time::OffsetDateTime::now_utc().format(format).unwrap();
    let send = async |target: &str, kind: &str, service: &str, body: String| {
        let credential = format!("Credential=ASIAPLATFORM00000000/{}/us-east-1/{service}/aws4_request", &now[..8]);
        let authorization = format!("AWS4-HMAC-SHA256 {credential}, SignedHeaders=host;x-amz-date, Signature=0");
        let mut headers = vec![("content-type", kind), ("x-amz-date", now.as_str()), ("authorization", &authorization)];
        headers.extend((!target.is_empty()).then_some(("x-amz-target", target)));
        http::send(Method::POST, &format!("{}/", stack.endpoint()), &headers, body).await.unwrap()
    };
    let json = "application/x-amz-json-1.1";
    let table = json!({ "TableName": stack.table() }).to_string();
    let table = send("DynamoDB_20120810.DescribeTable", "application/x-amz-json-1.0", "dynamodb", table).await;
    assert_eq!(table.json()["Table"]["TableStatus"], "ACTIVE", "{}", table.text());
    let entry = json!({ "Source": "s", "DetailType": "t", "Detail": "{}", "EventBusName": "default" });
    let put = send("AWSEvents.PutEvents", json, "events", json!({ "Entries": [entry] }).to_string()).await;
    assert_eq!(put.json()["FailedEntryCount"], 0, "{}", put.text());
    let caller = "Action=GetCallerIdentity&Version=2011-06-15".to_owned();
    let caller = send("", "application/x-www-form-urlencoded", "sts", caller).await;
    // It is STS that answers: it finds that the request is not signed right.
    assert!(caller.text().contains("https://sts.amazonaws.com/doc/2011-06-15/"), "{}", caller.text());
    stack.stop().await;
}

/// Runs futures concurrently.
async fn join_all<F: Future<Output = Reply>>(futures: impl Iterator<Item = F>) -> Vec<Reply> {
    let mut futures: Vec<_> = futures.map(Box::pin).collect();
    let mut replies: Vec<Option<Reply>> = futures.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (future, reply) in futures.iter_mut().zip(&mut replies) {
            if reply.is_none()
                && let std::task::Poll::Ready(ready) = future.as_mut().poll(context)
            {
                *reply = Some(ready);
            }
        }
        if replies.iter().all(Option::is_some) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    replies.into_iter().flatten().collect()
}
