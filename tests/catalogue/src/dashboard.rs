//! The dashboard, from the table of functions and its metrics.

use serde_json::{Value, json};
use trustplane_functions::{
    CAPACITY, COLD_STARTS, DUE_LEFT, Function, LATENCY, Metric, READINGS_FAILED, READINGS_UNFINISHED, SERVER_ERRORS,
    Trigger, UNAUTHORIZED, UNAVAILABLE, functions,
};

use crate::template::logical_id;

/// Height of a widget, in the units of the grid. The grid is 24 wide.
const HEIGHT: u32 = 6;
/// Period of all graphs, in seconds.
const PERIOD: u32 = 300;

/// Returns the resource of the dashboard.
pub(crate) fn dashboard() -> String {
    let body = json!({ "widgets": widgets() });
    let body: String = format!("{body:#}").lines().map(|line| format!("          {line}\n")).collect();
    format!(
        r#"
  Dashboard:
    Type: AWS::CloudWatch::Dashboard
    Properties:
      DashboardName: !Sub "${{AWS::StackName}}-${{AWS::Region}}"
      DashboardBody: !Sub
        - |
{body}        - TableName: {{{{table-name}}}}
"#
    )
}

fn widgets() -> Vec<Value> {
    let handlers: Vec<&Function> = functions()
        .filter(|function| matches!(function.trigger, Trigger::Schedule(_) | Trigger::AuditStream | Trigger::Bus))
        .collect();
    let of_handlers = |metric: &str, statistic: &str| {
        let row = |function: &&Function| {
            let name = format!("${{{}}}", logical_id(function.name));
            json!(["AWS/Lambda", metric, "FunctionName", name, { "label": function.name, "stat": statistic }])
        };
        handlers.iter().map(row).collect::<Vec<_>>()
    };
    let graphs = [
        ("Requests by route", vec![by_route(LATENCY, "SampleCount")]),
        ("API: requests, 4xx and 5xx", ["Count", "4xx", "5xx"].map(api).to_vec()),
        ("Latency by route, p50 (ms)", vec![by_route(LATENCY, "p50")]),
        ("Latency by route, p99 (ms)", vec![by_route(LATENCY, "p99")]),
        ("Errors of the service by route", vec![by_route(SERVER_ERRORS, "Sum"), by_route(UNAVAILABLE, "Sum")]),
        ("Cold starts by route", vec![by_route(COLD_STARTS, "Sum")]),
        ("Requests without a valid credential by route", vec![by_route(UNAUTHORIZED, "Sum")]),
        (
            "Audit delay (ms)",
            vec![json!([
                "AWS/Lambda", "IteratorAge", "FunctionName", "${PublishAudit}", { "stat": "Maximum" }
            ])],
        ),
        ("Due lists: items left by a run", vec![by_route(DUE_LEFT, "Maximum")]),
        (
            "Readings of customers' organizations",
            vec![by_route(READINGS_FAILED, "Sum"), by_route(READINGS_UNFINISHED, "Sum")],
        ),
        ("Runs of schedules and of the stream", of_handlers("Invocations", "Sum")),
        ("Failed runs", of_handlers("Errors", "Sum")),
        ("Dead letters", ["AuditDeadLetters", "DeadLetters"].map(queue).to_vec()),
        ("Cost: capacity units of DynamoDB by route", vec![by_route(CAPACITY, "Sum")]),
        (
            "Cost: capacity units of DynamoDB",
            ["ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits"].map(of_table).to_vec(),
        ),
        ("Cost: logs (bytes)", ["${Logs}", "${AccessLogs}"].map(logs).to_vec()),
    ];
    let widget = |(index, (title, metrics)): (usize, (&str, Vec<Value>))| {
        let index = u32::try_from(index).unwrap_or_default();
        json!({
            "type": "metric", "x": 12 * (index % 2), "y": HEIGHT * (index / 2), "width": 12, "height": HEIGHT,
            "properties": {
                "title": title, "region": "${AWS::Region}", "period": PERIOD, "view": "timeSeries", "metrics": metrics,
            },
        })
    };
    graphs.into_iter().enumerate().map(widget).collect()
}

/// Returns the graph of a metric of the functions, with a line per route.
fn by_route(metric: Metric, statistic: &str) -> Value {
    let search =
        format!("SEARCH('{{\"${{AWS::StackName}}\",route}} MetricName=\"{}\"', '{statistic}', {PERIOD})", metric.name);
    json!([{ "expression": search, "label": format!("{} ", metric.name) }])
}

fn api(metric: &str) -> Value {
    json!(["AWS/ApiGateway", metric, "ApiId", "${Api}", { "stat": "Sum" }])
}

fn of_table(metric: &str) -> Value {
    json!(["AWS/DynamoDB", metric, "TableName", "${TableName}", { "stat": "Sum" }])
}

fn queue(logical: &str) -> Value {
    let name = format!("${{{logical}.QueueName}}");
    json!(["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", name, { "label": logical, "stat": "Maximum" }])
}

fn logs(group: &str) -> Value {
    json!(["AWS/Logs", "IncomingBytes", "LogGroupName", group, { "stat": "Sum" }])
}
