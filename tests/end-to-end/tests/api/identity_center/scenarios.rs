//! Tests of the scenarios that `cargo local --scenarios` lists: each shows itself, with advice.

use futures_util::{StreamExt as _, stream};
use serde_json::Value;
use trustplane_end_to_end::{Reply, world};
use trustplane_organization::Scenario;

use super::{CONFIG, TEST, config, organization, post};

/// Scenarios in which everything works, or works in the end.
const WORKING: [&str; 6] =
    ["healthy", "delegated-administrator", "slow", "throttled-twice", "sts-throttled-twice", "sts-slow"];

/// Scenarios that only a reading of the organization meets. Its tests name each.
const OF_READINGS: [&str; 9] = [
    "kms-gone-midway",
    "sessions-revoked",
    "tokens-expire",
    "token-repeats",
    "account-denied",
    "sets-vanish",
    "account-twice",
    "throttled-midway",
    "permission-lost",
];

async fn tested(scenario: Scenario) -> (String, Reply) {
    let customer = world().customer().await;
    organization().trust_external_id(&customer.external_id);
    let _ = customer.put(CONFIG, &config(&scenario.role_arn())).await.expect(200);
    (scenario.to_string(), post(&customer, TEST).await.expect(200))
}

#[tokio::test]
async fn every_scenario_shows_itself_with_advice() {
    // Those of a size are read by tests of their own.
    let catalogue = Scenario::catalogue().into_iter().map(|(scenario, _)| scenario);
    let tests = catalogue.filter(|scenario| !matches!(scenario, Scenario::Sized(_))).map(tested);
    let reports: Vec<(String, Reply)> = stream::iter(tests).buffer_unordered(4).collect().await;
    let unknown = WORKING.iter().chain(&OF_READINGS).find(|name| !reports.iter().any(|(known, _)| known == *name));
    assert_eq!(unknown, None);
    for (name, report) in &reports {
        let checks = report.body["checks"].as_array().unwrap();
        // Tests beside this one use the same roles.
        let is_odd = |check: &&Value| {
            check["status"] != "pass" && check["status"] != "skipped" && check["code"] != "role_shared"
        };
        let found: Vec<&Value> = checks.iter().filter(is_odd).collect();
        if WORKING.contains(&name.as_str()) {
            assert!(found.is_empty(), "{name}: {}", report.text);
        } else if !OF_READINGS.contains(&name.as_str()) {
            assert!(!found.is_empty(), "{name}: {}", report.text);
        }
        for check in found {
            assert!(check["code"].is_string(), "{name}: {check}");
            assert!(check["remediation"].as_str().is_some_and(|advice| advice.len() > 40), "{name}: {check}");
        }
    }
}
