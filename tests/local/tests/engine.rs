//! Tests of the table in a file.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod common;

use common::{FUNCTIONS, Folder, dynamodb, functions, options};
use serde_json::json;
use trustplane_local::Stack;

#[tokio::test]
async fn the_table_is_the_templates_and_survives_a_restart() {
    let (functions, data) = (functions(FUNCTIONS), Folder::new("data"));
    let mut options = options(&functions);
    options.data = Some(data.path().to_owned());
    let stack = Stack::start(options.clone()).await.unwrap();
    let table = stack.table().to_owned();
    let described = dynamodb(&stack, "DescribeTable", json!({ "TableName": table })).await;
    assert_eq!(described["Table"]["GlobalSecondaryIndexes"][0]["IndexName"], "GSI1");
    assert_eq!(described["Table"]["StreamSpecification"]["StreamViewType"], "NEW_AND_OLD_IMAGES");
    let ttl = dynamodb(&stack, "DescribeTimeToLive", json!({ "TableName": table })).await;
    assert_eq!(ttl["TimeToLiveDescription"]["AttributeName"], "expires_at");
    let item = json!({ "pk": {"S": "a"}, "sk": {"S": "b"}, "n": {"N": "1"} });
    dynamodb(&stack, "PutItem", json!({ "TableName": table, "Item": item })).await;
    stack.stop().await;

    let stack = Stack::start(options.clone()).await.unwrap();
    let key = json!({ "pk": {"S": "a"}, "sk": {"S": "b"} });
    let read = dynamodb(&stack, "GetItem", json!({ "TableName": table, "Key": key })).await;
    assert_eq!(read["Item"], item);

    let error = Stack::start(options.clone()).await.err().unwrap().to_string();
    assert!(error.contains("is in use by another local stack"), "{error}");
    stack.stop().await;
    // Free again.
    Stack::start(options).await.unwrap().stop().await;
}

#[tokio::test]
async fn another_engine_can_hold_the_table() {
    let functions = functions(FUNCTIONS);
    let first = Stack::start(options(&functions)).await.unwrap();
    let mut options = options(&functions);
    options.dynamodb_endpoint = Some(first.dynamodb_endpoint().to_owned());
    // The table exists already, which is no error.
    let second = Stack::start(options).await.unwrap();
    let item = json!({ "pk": {"S": "a"}, "sk": {"S": "b"} });
    dynamodb(&second, "PutItem", json!({ "TableName": second.table(), "Item": item })).await;
    let read = dynamodb(&first, "GetItem", json!({ "TableName": first.table(), "Key": item })).await;
    assert_eq!(read["Item"], item);
    second.stop().await;
    first.stop().await;
}
