//! Runs the commands of `docs/operations.md` against the stack.

use serde_json::Value;
use trustplane_local::Options;

use crate::table::own_world;

const MANUAL: &str = include_str!("../../../../docs/operations.md");

/// Returns function and payload of each `aws lambda invoke` of the manual.
fn commands() -> Vec<(&'static str, &'static str)> {
    let lines = MANUAL.lines().filter(|line| line.starts_with("aws lambda invoke "));
    lines
        .map(|line| {
            let (_, rest) = line.split_once("--function-name trustplane-").unwrap();
            let function = rest.split(' ').next().unwrap();
            let payload = rest.split('\'').nth(1).unwrap_or_else(|| panic!("no payload: {line}"));
            assert!(line.contains("--cli-binary-format raw-in-base64-out"), "AWS CLI 2 takes base64: {line}");
            (function, payload)
        })
        .collect()
}

#[tokio::test]
async fn every_invocation_of_the_manual_succeeds() {
    // Not the shared stack: other tests write tenants that cannot be read.
    let world = own_world(Options::default());
    let (tenant, _) = world.tenant("Example").await;
    let commands = commands();
    assert!(commands.len() > 8, "{commands:?}");
    for (function, payload) in commands {
        let payload: Value = serde_json::from_str(&payload.replace("TENANT_ID", &tenant)).unwrap();
        let outcome = world.invoke(function, &payload).await;
        assert!(outcome.is_ok(), "{function} {payload}: {outcome:?}");
    }
}
