//! Tests of invocations without a request: streams, schedules and buses.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod common;

use common::{FUNCTIONS, Folder, functions, options, put};
use serde_json::{Value, json};
use trustplane_local::{
    Clock, Options, Stack,
    http::{self, Method, Reply},
    wait::until,
};

/// Returns the values that the fixture printed under `name`, in order.
fn printed(stack: &Stack, name: &str) -> Vec<Value> {
    let lines = stack.logs().into_iter().filter_map(|line| serde_json::from_str::<Value>(&line.text).ok());
    lines.filter_map(|line| line.get(name).cloned()).collect()
}

fn with_streams(options: Options) -> Options {
    Options { streams: true, ..options }
}

#[tokio::test]
async fn a_streams_records_come_filtered_and_in_batches() {
    let functions = functions(FUNCTIONS);
    let stack = Stack::start(with_streams(options(&functions))).await.unwrap();
    for (pk, sk) in [("a", "audit"), ("b", "other"), ("c", "audit"), ("d", "other")] {
        put(&stack, pk, sk, false).await;
    }
    stack.settle_streams().await;
    let seen: Vec<_> = printed(&stack, "batch").iter().flat_map(|batch| batch.as_array().unwrap().clone()).collect();
    assert_eq!(seen, ["a", "c"]);
    let all = printed(&stack, "record");
    let record = &all[0];
    assert_eq!((&record["eventName"], &record["eventSource"]), (&json!("INSERT"), &json!("aws:dynamodb")));
    assert_eq!(record["awsRegion"], "us-east-1");
    assert!(
        record["eventSourceARN"]
            .as_str()
            .unwrap()
            .starts_with("arn:aws:dynamodb:us-east-1:000000000000:table/trustplane-Table/stream/")
    );
    assert_eq!(record["dynamodb"]["StreamViewType"], "NEW_AND_OLD_IMAGES");
    assert_eq!(record["dynamodb"]["NewImage"]["fails"], json!({ "BOOL": false }));
    stack.stop().await;
}

#[tokio::test]
async fn records_reported_as_failed_are_tried_again_and_given_up_in_the_end() {
    let functions = functions(FUNCTIONS);
    let data = Folder::new("data");
    let mut options = with_streams(options(&functions));
    options.data = Some(data.path().to_owned());
    // The records exist before the function starts.
    let stack = Stack::start(Options { streams: false, ..options.clone() }).await.unwrap();
    for (pk, fails) in [("a", false), ("b", true), ("c", false), ("d", false)] {
        put(&stack, pk, "audit", fails).await;
    }
    stack.stop().await;

    let stack = Stack::start(options.clone()).await.unwrap();
    stack.settle_streams().await;
    let batches = printed(&stack, "batch");
    // First three records; then those from the failed one on, three attempts in all; then the following ones.
    assert_eq!(batches, [json!(["a", "b", "c"]), json!(["b", "c"]), json!(["b", "c"]), json!(["d"])]);
    let letters = stack.dead_letters();
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0]["queue"], "arn:aws:sqs:us-east-1:000000000000:trustplane-Failed");
    assert_eq!(letters[0]["requestContext"]["condition"], "RetryAttemptsExhausted");
    assert_eq!(letters[0]["DDBStreamBatchInfo"]["batchSize"], 2);
    let kept = std::fs::read_to_string(data.path().join("dead-letters.jsonl")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(kept.trim()).unwrap(), letters[0]);
    stack.stop().await;

    // A restart repeats nothing and skips nothing.
    let stack = Stack::start(options).await.unwrap();
    put(&stack, "e", "audit", false).await;
    stack.settle_streams().await;
    assert_eq!(printed(&stack, "batch"), [json!(["e"])]);
    stack.stop().await;
}

#[tokio::test]
async fn records_are_tried_without_end_where_the_template_says_so_until_they_are_too_old() {
    let functions = functions(FUNCTIONS);
    let folder = Folder::new("template");
    let template = folder.path().join("template.yaml");
    let fixture = include_str!("fixture.yaml");
    let (three, endless) =
        ("MaximumRetryAttempts: 2", "MaximumRetryAttempts: -1\n            MaximumRecordAgeInSeconds: 4");
    assert!(fixture.contains(three));
    std::fs::write(&template, fixture.replace(three, endless)).unwrap();
    let options = Options { template: Some(template), ..with_streams(options(&functions)) };
    let stack = Stack::start(options).await.unwrap();
    for (pk, fails) in [("a", true), ("b", false)] {
        put(&stack, pk, "audit", fails).await;
    }
    // After more attempts than the fixture's template allows, these records are given up, but not the following ones.
    // They are in one batch, or in two if the first was fetched before the second was written.
    let left = || {
        let letters = stack.dead_letters();
        let sizes = letters.iter().map(|letter| letter["DDBStreamBatchInfo"]["batchSize"].as_u64().unwrap_or_default());
        sizes.sum::<u64>()
    };
    for _ in 0..600 {
        if left() == 2 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    put(&stack, "c", "audit", false).await;
    stack.settle_streams().await;
    let batches = printed(&stack, "batch");
    assert!(batches.len() > 4, "{batches:?}");
    assert_eq!(batches.last(), Some(&json!(["c"])));
    assert_eq!(left(), 2, "{:?}", stack.dead_letters());
    for letter in stack.dead_letters() {
        assert_eq!(letter["requestContext"]["condition"], "RecordAgeExceeded");
    }
    stack.stop().await;
}

#[tokio::test]
async fn schedules_run_at_start_with_the_clocks_time() {
    let functions = functions(FUNCTIONS);
    let mut options = options(&functions);
    options.clock = Clock::parse("2031-05-06").unwrap();
    let mut stack = Stack::start(options).await.unwrap();
    stack.run_schedules().await.unwrap();
    let event = &printed(&stack, "event")[0];
    assert!(event["time"].as_str().unwrap().starts_with("2031-05-06T12:"), "{event}");
    assert_eq!(event["detail-type"], "Scheduled Event");
    stack.start_schedules();
    until("the first run of the schedule", || printed(&stack, "event").len() >= 2).await;
    stack.stop().await;
}

async fn call(stack: &Stack, target: &str, arguments: Value) -> Reply {
    let outcome = stack.invoke("echo", &json!({ "do": "environment" })).await.unwrap();
    let variables: Value = serde_json::from_slice(&outcome.payload).unwrap();
    let endpoint = variables["AWS_ENDPOINT_URL_EVENTBRIDGE"].as_str().unwrap();
    assert_eq!(variables["AWS_ENDPOINT_URL_SQS"], endpoint);
    let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", target)];
    http::send(Method::POST, &format!("{endpoint}/"), &headers, arguments.to_string()).await.unwrap()
}

async fn put_events(stack: &Stack, entries: Value) -> Value {
    let reply = call(stack, "AWSEvents.PutEvents", json!({ "Entries": entries })).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()
}

fn entry(bus: &str, detail: &Value) -> Value {
    json!({ "Source": "trustplane", "DetailType": "Audit", "EventBusName": bus, "Detail": detail.to_string() })
}

#[tokio::test]
async fn a_bus_keeps_what_it_receives_and_invokes_whom_it_concerns() {
    let functions = functions(FUNCTIONS);
    let data = Folder::new("data");
    let stack = Stack::start(Options { data: Some(data.path().to_owned()), ..options(&functions) }).await.unwrap();
    let arn = "arn:aws:events:us-east-1:000000000000:event-bus/trustplane-bus";
    let entries = [
        entry("trustplane-bus", &json!({ "kind": "sweep", "n": 1 })),
        entry(arn, &json!({ "kind": "other" })),
        entry("default", &json!({ "kind": "sweep" })),
    ];
    let reply = put_events(&stack, json!(entries)).await;
    assert_eq!(reply["FailedEntryCount"], 0);
    let events = stack.events();
    assert_eq!(events.len(), 3);
    assert_eq!(events[0]["id"], reply["Entries"][0]["EventId"]);
    assert_eq!(events[0]["detail"], json!({ "kind": "sweep", "n": 1 }));
    assert_eq!((&events[0]["detail-type"], &events[0]["account"]), (&json!("Audit"), &json!("000000000000")));
    let kept = std::fs::read_to_string(data.path().join("events.jsonl")).unwrap();
    assert_eq!(kept.lines().count(), 3);
    until("an event of the rule", || !printed(&stack, "event").is_empty()).await;
    assert_eq!(printed(&stack, "event"), [events[0].clone()], "the rule lets the first through, alone");
    stack.stop().await;
}

#[tokio::test]
async fn a_bus_refuses_as_eventbridge_does() {
    let functions = functions(FUNCTIONS);
    let stack = Stack::start(options(&functions)).await.unwrap();
    let good = entry("trustplane-bus", &json!({}));
    let with = |name: &str, value: &str| {
        let mut entry = good.clone();
        entry[name] = value.into();
        entry
    };
    for (entry, code) in [
        (with("Source", ""), "InvalidArgument"),
        (with("DetailType", ""), "InvalidArgument"),
        (with("Source", "aws.ec2"), "NotAuthorizedForSourceException"),
        (with("Detail", "[1]"), "MalformedDetail"),
        (with("Detail", "{oops"), "MalformedDetail"),
        (with("EventBusName", "elsewhere"), "ResourceNotFoundException"),
    ] {
        let reply = put_events(&stack, json!([good, entry])).await;
        assert_eq!(reply["FailedEntryCount"], 1, "{entry}");
        assert!(reply["Entries"][0]["EventId"].is_string());
        assert_eq!(reply["Entries"][1]["ErrorCode"], code, "{entry}");
    }
    stack.refuse_events(1);
    let reply = put_events(&stack, json!([good, good])).await;
    assert_eq!(reply["Entries"][0]["ErrorCode"], "InternalFailure");
    assert!(reply["Entries"][1]["EventId"].is_string());

    let large = with("Detail", &json!({ "x": "y".repeat(256 * 1024) }).to_string());
    for entries in [json!([]), json!(vec![good.clone(); 11]), json!([large])] {
        let reply = call(&stack, "AWSEvents.PutEvents", json!({ "Entries": entries })).await;
        assert_eq!((reply.status.as_u16(), &reply.json()["__type"]), (400, &json!("ValidationException")));
    }
    let reply = call(&stack, "AWSEvents.ListRules", json!({})).await;
    assert_eq!((reply.status.as_u16(), &reply.json()["__type"]), (400, &json!("UnknownOperationException")));
    stack.stop().await;
}

#[tokio::test]
async fn a_message_to_a_queue_is_kept() {
    let functions = functions(FUNCTIONS);
    let stack = Stack::start(options(&functions)).await.unwrap();
    let url = "https://sqs.us-east-1.amazonaws.com/000000000000/trustplane-Failed";
    let message = json!({ "QueueUrl": url, "MessageBody": r#"{"a":1}"# });
    let reply = call(&stack, "AmazonSQS.SendMessage", message).await.json();
    // md5 of {"a":1}
    assert_eq!(reply["MD5OfMessageBody"], "bb6cb5c68df4652941caf652a366f2d8");
    let letter = &stack.dead_letters()[0];
    assert_eq!((&letter["queue"], &letter["body"]), (&json!("trustplane-Failed"), &json!({ "a": 1 })));
    assert_eq!(letter["messageId"], reply["MessageId"]);
    stack.stop().await;
}
