//! The log: JSON lines on standard output. One line per request, unless it panics, says how it ended and what it cost; a
//! failure is logged in it once, with its cause. The same line has the metrics of the request, in CloudWatch's embedded metric
//! format.

use std::cell::{Cell, OnceCell};
use std::io::Write as _;
use std::time::Instant;

use serde_json::{Value, json};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use trustplane_aws::Tally;
use trustplane_domain::ids::TenantId;
use trustplane_domain::{Failure, Timestamp};
use trustplane_functions::{
    CAPACITY, COLD_STARTS, LATENCY, Metric, POLICY_ERRORS, RESPONSE_METRICS, SERVER_ERRORS, UNAUTHORIZED, UNAVAILABLE,
};

use crate::Platform;

/// Facts of a request that become known while it is served.
#[derive(Debug)]
pub(crate) struct Trace {
    begun: Instant,
    tenant: OnceCell<TenantId>,
}

/// The line of a request or an event.
#[derive(Debug, Default)]
pub(crate) struct Line<'a> {
    pub(crate) function: &'a str,
    /// `PUT /v1/policies/{id}`; none for functions that are not invoked over HTTP.
    pub(crate) route: Option<String>,
    pub(crate) request_id: &'a str,
    pub(crate) interaction_id: Option<&'a str>,
    pub(crate) status: Option<u16>,
    /// `ok`, or the code of the failure.
    pub(crate) outcome: &'a str,
    pub(crate) failure: Option<&'a Failure>,
    /// The message of a failure that is the caller's, where the caller is an operator.
    pub(crate) fault: Option<&'a str>,
    /// True if the request or the event has to be handled again, or is lost.
    pub(crate) failed: bool,
    /// The response of an event handler.
    pub(crate) handled: Option<&'a Value>,
    pub(crate) cold_start: bool,
}

impl Trace {
    /// A request that begins now.
    pub(crate) fn begin() -> Self {
        let _ = trustplane_domain::parsing::take();
        Self { begun: Instant::now(), tenant: OnceCell::new() }
    }

    /// Notes the tenant of a verified credential.
    pub(crate) fn verified(&self, tenant: TenantId) {
        // A request that lost a race is verified again, with the same credential.
        let _ = self.tenant.set(tenant);
    }

    /// Writes the line. A fault of the service is an error, a dependency that is away a warning.
    pub(crate) fn finish(&self, line: &Line<'_>, platform: &Platform) {
        let tally = platform.meter.take();
        let duration_ms = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let text = self.line(line, &tally, duration_ms, platform.metric_namespace());
        // A log that cannot be written is no reason to fail a request.
        let _ = writeln!(std::io::stdout().lock(), "{text}");
    }

    fn line(&self, line: &Line<'_>, tally: &Tally, duration_ms: u64, namespace: Option<&str>) -> Value {
        let now = Timestamp::now();
        let policy_evaluation_failed = line.policy_evaluation_failed();
        let level = match line.failure {
            Some(Failure::Internal(_)) => "ERROR",
            _ if policy_evaluation_failed => "ERROR",
            Some(failure) if failure.cause().is_some() => "WARN",
            _ if line.failed => "ERROR",
            _ => "INFO",
        };
        let facts = json!({
            "timestamp": now,
            "level": level,
            "message": "request",
            "function": line.function,
            // The dimension of the metrics.
            "route": line.route.as_deref().unwrap_or(line.function),
            "request_id": line.request_id,
            "interaction_id": line.interaction_id,
            "tenant": self.tenant.get(),
            "status": line.status,
            "outcome": line.outcome,
            "cause": line.failure.and_then(Failure::cause).map(ToString::to_string),
            "fault": line.fault,
            "policy_evaluation_failed": policy_evaluation_failed.then_some(true),
            "handled": line.handled,
            "duration_ms": duration_ms,
            "cold_start": line.cold_start,
            "dynamodb_calls": tally.dynamodb_calls,
            "dynamodb_round_trips": tally.dynamodb_round_trips,
            "dynamodb_attempts": tally.dynamodb_attempts,
            "dynamodb_capacity": tally.dynamodb_capacity,
            "dynamodb_write_capacity": tally.dynamodb_write_capacity,
            "aws_calls": tally.aws_calls,
            "aws_round_trips": tally.aws_round_trips,
            "aws_attempts": tally.aws_attempts,
            "documents_parsed": trustplane_domain::parsing::take(),
        });
        let Value::Object(mut facts) = facts else { return Value::Null };
        facts.retain(|_, fact| !fact.is_null());
        if let Some(namespace) = namespace {
            let metrics = line.metrics(tally, duration_ms, policy_evaluation_failed);
            let named: Vec<Value> =
                metrics.iter().map(|(metric, _)| json!({ "Name": metric.name, "Unit": metric.unit })).collect();
            // With the route, and the sum of all routes for alarms.
            let directive = json!({ "Namespace": namespace, "Dimensions": [["route"], []], "Metrics": named });
            facts.insert("_aws".into(), json!({ "Timestamp": now.as_millis(), "CloudWatchMetrics": [directive] }));
            facts.extend(metrics.into_iter().map(|(metric, value)| (metric.name.to_owned(), value)));
        }
        Value::Object(facts)
    }
}

impl Line<'_> {
    fn policy_evaluation_failed(&self) -> bool {
        matches!(self.failure, Some(Failure::Forbidden(denial)) if denial.evaluation_failed)
    }

    /// Returns the metrics of the line. A count of zero is left out: CloudWatch bills each metric that has data.
    fn metrics(&self, tally: &Tally, duration_ms: u64, policy_evaluation_failed: bool) -> Vec<(Metric, Value)> {
        let failed = self.failed || self.status.is_some_and(|status| status >= 500);
        let counts = [
            (COLD_STARTS, self.cold_start),
            (SERVER_ERRORS, failed),
            (UNAVAILABLE, matches!(self.failure, Some(Failure::Unavailable { .. }))),
            (UNAUTHORIZED, self.status == Some(401)),
            (POLICY_ERRORS, policy_evaluation_failed),
        ];
        let mut metrics = vec![(LATENCY, json!(duration_ms))];
        metrics.extend(counts.into_iter().filter(|(_, counts)| *counts).map(|(metric, _)| (metric, json!(1))));
        if tally.dynamodb_capacity > 0.0 {
            metrics.push((CAPACITY, json!(tally.dynamodb_capacity)));
        }
        for response in RESPONSE_METRICS.iter().filter(|response| response.function == self.function) {
            let number =
                self.handled.and_then(|handled| handled.get(response.field)).filter(|number| number.is_number());
            metrics.extend(number.map(|number| (response.metric, number.clone())));
        }
        metrics
    }
}

/// `true` for the first request of the process.
pub(crate) fn is_cold_start() -> bool {
    thread_local! {
        static FIRST: Cell<bool> = const { Cell::new(true) };
    }
    FIRST.replace(false)
}

/// Target of the events in which the Lambda runtime prints each error of a handler once more.
const HANDLED: &str = "lambda_runtime::layers::panic";

/// Starts the log.
pub(crate) fn start() {
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_target(false)
        .with_max_level(tracing::Level::INFO)
        .finish()
        // A failure is in the line of its request.
        .with(filter_fn(|metadata| metadata.target() != HANDLED))
        .init();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(line: &Value) -> Vec<&str> {
        let metrics = line["_aws"]["CloudWatchMetrics"][0]["Metrics"].as_array().unwrap();
        metrics.iter().map(|metric| metric["Name"].as_str().unwrap()).collect()
    }

    #[test]
    fn each_named_metric_has_its_number_in_the_line() {
        let failure = Failure::unavailable(1, "away");
        let line = Line {
            function: "get-policy",
            route: Some("GET /v1/policies/{id}".to_owned()),
            status: Some(503),
            failure: Some(&failure),
            cold_start: true,
            ..Line::default()
        };
        let tally = Tally { dynamodb_capacity: 1.5, ..Tally::default() };
        let text = Trace::begin().line(&line, &tally, 7, Some("stack"));
        assert_eq!(names(&text), ["Latency", "ColdStarts", "ServerErrors", "Unavailable", "CapacityUnits"]);
        assert!(names(&text).iter().all(|name| text[*name].is_number()), "{text}");
        assert_eq!((&text["Latency"], &text["CapacityUnits"]), (&json!(7), &json!(1.5)));
        assert_eq!(text["_aws"]["CloudWatchMetrics"][0]["Dimensions"], json!([["route"], []]));
        assert_eq!((&text["route"], &text["level"]), (&json!("GET /v1/policies/{id}"), &json!("WARN")));
        assert!(text.get("tenant").is_none() && text.get("interaction_id").is_none());
    }

    #[test]
    fn a_line_without_a_namespace_has_no_metrics() {
        let text = Trace::begin().line(&Line::default(), &Tally::default(), 1, None);
        assert!(text.get("_aws").is_none() && text.get("Latency").is_none(), "{text}");
    }

    #[test]
    fn numbers_in_the_response_of_an_event_handler_are_metrics() {
        let handled = json!({"domains": 3, "suspended": 0, "left": 2});
        let line = Line { function: "check-domains", handled: Some(&handled), ..Line::default() };
        let text = Trace::begin().line(&line, &Tally::default(), 1, Some("stack"));
        assert_eq!((names(&text), &text["DueItemsLeft"]), (vec!["Latency", "DueItemsLeft"], &json!(2)));
        assert_eq!((&text["route"], &text["handled"]), (&json!("check-domains"), &handled));
    }
}
