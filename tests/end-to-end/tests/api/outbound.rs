//! Functions that send requests to addresses that tenants chose refuse to start with permission for loopback in any place
//! but the local stack. With `TRUSTPLANE_FUNCTIONS` these are the release binaries.

use std::collections::BTreeMap;

use serde_json::json;
use trustplane_end_to_end::Request;
use trustplane_local::{Options, wait};

use crate::table::own_world;

#[tokio::test]
async fn a_test_root_is_refused_where_an_aws_endpoint_is_elsewhere() {
    let elsewhere = ("AWS_ENDPOINT_URL_SQS".to_owned(), "https://sqs.us-east-1.amazonaws.com".to_owned());
    let world = own_world(Options { environment: BTreeMap::from([elsewhere]), ..Options::default() });
    let _ = world.invoke("preview-external-idp", &json!({})).await.unwrap_err();
    let reason =
        "`TRUSTPLANE_OUTBOUND_TEST_ROOT` is for tests: unset it, or set `AWS_ENDPOINT_URL` to a loopback address";
    wait::until("the reason in the log of the function", || {
        world.stack().find_log(|line| line.text.contains(reason).then_some(())).is_some()
    })
    .await;
    // A function that sends no such requests starts.
    let _ = world.send(Request::new("GET", "/healthz")).await.expect(200);
}
