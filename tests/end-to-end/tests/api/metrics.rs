//! Holds that functions emit every metric that an alarm or the dashboard of the template names.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use trustplane_end_to_end::{Request, world};
use trustplane_local::Options;
use trustplane_runtime::{REQUEST_METRICS, RESPONSE_METRICS};

use crate::table::own_world;

const CONFIG: &str = "/v1/integrations/aws-identity-center/config";

/// Returns the names of the stack's own metrics in the template: of alarms, and of the dashboard's searches.
fn named() -> BTreeSet<String> {
    let template = include_str!("../../../../template.yaml");
    let word = |text: &str| text.chars().take_while(char::is_ascii_alphanumeric).collect::<String>();
    let alarms = template.split("Namespace: !Ref AWS::StackName\n").skip(1);
    let alarms = alarms.map(|alarm| word(alarm.trim_start().strip_prefix("MetricName: ").unwrap()));
    let searches = template.split("MetricName=\\\"").skip(1).map(word);
    let named: BTreeSet<_> = alarms.chain(searches).collect();
    assert!(named.contains("PolicyErrors") && named.contains("Latency"), "{named:?}");
    named
}

/// Returns the metrics of a line, and checks that they are where CloudWatch looks for them.
fn emitted(line: &Value) -> BTreeSet<String> {
    assert!(line["route"].is_string(), "{line}");
    let directive = &line["_aws"]["CloudWatchMetrics"][0];
    assert_eq!((&directive["Namespace"], &directive["Dimensions"]), (&json!("trustplane"), &json!([["route"], []])));
    assert!(line["_aws"]["Timestamp"].is_i64(), "{line}");
    let metrics = directive["Metrics"].as_array().unwrap();
    metrics
        .iter()
        .map(|metric| {
            let name = metric["Name"].as_str().unwrap();
            assert!(line[name].is_number(), "{name} in {line}");
            name.to_owned()
        })
        .collect()
}

#[tokio::test]
async fn every_metric_of_an_alarm_or_the_dashboard_is_emitted() {
    let customer = world().customer().await;
    let mut found = BTreeSet::new();
    let read = customer.get(CONFIG).await.expect(200);
    let line = world().line(read.request_id()).await;
    assert_eq!((&line["route"], &line["tenant"]), (&json!(format!("GET {CONFIG}")), &json!(customer.tenant)));
    found.extend(emitted(&line));
    let stranger = world().send(Request::new("GET", CONFIG).bearer("tpk_nobody")).await;
    found.extend(emitted(&world().line(stranger.request_id()).await));
    // Valid by its types, but its sum overflows.
    let text = "forbid (principal, action == Trustplane::Action::\"get-identity-center-config\", resource)\n\
                when { 9223372036854775807 + context.hour + 1 < 0 };";
    let policy = json!({"enabled": true, "text": text});
    let _ = customer.put("/v1/policies/overflow", &policy).await.expect(200);
    let denied = customer.get(CONFIG).await.refused(403, "forbidden");
    found.extend(emitted(&world().line(denied.request_id()).await));
    for handler in RESPONSE_METRICS {
        let event = json!({"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}});
        let outcome = world().stack().invoke(handler.function, &event).await.unwrap();
        let line = world().line(&outcome.request_id).await;
        let emitted = emitted(&line);
        assert!(emitted.contains(handler.metric.name), "{} emits no {}: {line}", handler.function, handler.metric.name);
        assert_eq!(line[handler.metric.name], line["handled"][handler.field]);
        found.extend(emitted);
    }

    // A table that does not respond.
    let environment = [("AWS_ENDPOINT_URL_DYNAMODB".to_owned(), "http://127.0.0.1:1".to_owned())].into();
    let broken = own_world(Options { environment, streams: false, ..Options::default() });
    let request = customer.request("GET", CONFIG);
    let refused = broken.send(request).await;
    assert_eq!(refused.status, 503, "{}", refused.text);
    let line = broken.line(refused.request_id()).await;
    assert_eq!((&line["level"], &line["cold_start"]), (&json!("WARN"), &json!(true)));
    found.extend(emitted(&line));

    let known = REQUEST_METRICS.iter().chain(RESPONSE_METRICS.iter().map(|each| &each.metric));
    let known: BTreeSet<_> = known.map(|metric| metric.name.to_owned()).collect();
    assert_eq!(found, known, "each metric of the list is emitted, and no other");
    let missing: Vec<_> = named().difference(&found).cloned().collect();
    assert!(missing.is_empty(), "the template names metrics that no function emits: {missing:?}");
}
