//! Stacks with the fixture function, for tests.
#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use trustplane_local::{
    Options, Stack,
    http::{self, Method},
};

/// A folder for one test, removed when it is dropped.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("trustplane-local-{name}-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Copies the fixture function under each function name of the template into a new folder.
pub fn functions(names: &[&str]) -> Folder {
    let folder = Folder::new("functions");
    let test = std::env::current_exe().unwrap();
    let fixture = test.ancestors().nth(2).unwrap().join("examples/fixture");
    for name in names {
        std::os::unix::fs::symlink(&fixture, folder.path().join(name)).unwrap();
    }
    folder
}

pub const FUNCTIONS: &[&str] = &["echo", "quick", "slow", "broken", "reader", "sweeper"];

/// Returns options for the fixture template.
pub fn options(functions: &Folder) -> Options {
    Options {
        template: Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixture.yaml")),
        functions: Some(functions.path().to_owned()),
        ..Options::default()
    }
}

/// Starts a stack in memory.
pub async fn stack() -> (Stack, Folder) {
    let functions = functions(FUNCTIONS);
    (Stack::start(options(&functions)).await.unwrap(), functions)
}

/// Calls the DynamoDB endpoint of a stack.
pub async fn dynamodb(stack: &Stack, operation: &str, arguments: Value) -> Value {
    let target = format!("DynamoDB_20120810.{operation}");
    let headers = [
        ("content-type", "application/x-amz-json-1.0"),
        ("x-amz-target", target.as_str()),
        ("x-amz-date", "20260101T000000Z"),
        (
            "authorization",
            "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0",
        ),
    ];
    let url = format!("{}/", stack.dynamodb_endpoint());
    let reply = http::send(Method::POST, &url, &headers, arguments.to_string()).await.unwrap();
    assert!(reply.status.is_success(), "{operation}: {}", reply.text());
    reply.json()
}

/// Puts an item in the table.
pub async fn put(stack: &Stack, pk: &str, sk: &str, fails: bool) {
    let item = json!({ "pk": {"S": pk}, "sk": {"S": sk}, "fails": {"BOOL": fails} });
    dynamodb(stack, "PutItem", json!({ "TableName": stack.table(), "Item": item })).await;
}
