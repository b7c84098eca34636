//! Metrics that functions emit in their log line, in CloudWatch's embedded metric format.
//!
//! The namespace is the name of the stack, the only dimension the route. Alarms and the dashboard of the template name
//! these metrics and AWS's own, and no others.

/// A metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// The name in CloudWatch.
    pub name: &'static str,
    /// The unit in CloudWatch: `Count`, `Milliseconds` or `None`.
    pub unit: &'static str,
}

/// Time from the event to the response. Its number of samples is the number of requests.
pub const LATENCY: Metric = Metric { name: "Latency", unit: "Milliseconds" };
/// First requests of a process.
pub const COLD_STARTS: Metric = Metric { name: "ColdStarts", unit: "Count" };
/// Responses of 5xx, and events that were not handled.
pub const SERVER_ERRORS: Metric = Metric { name: "ServerErrors", unit: "Count" };
/// Requests that failed because the table, KMS or another dependency of the service is throttled, slow or unavailable.
pub const UNAVAILABLE: Metric = Metric { name: "Unavailable", unit: "Count" };
/// Responses of 401.
pub const UNAUTHORIZED: Metric = Metric { name: "Unauthorized", unit: "Count" };
/// Requests that were denied because a policy could not be evaluated.
pub const POLICY_ERRORS: Metric = Metric { name: "PolicyErrors", unit: "Count" };
/// Capacity units of DynamoDB.
pub const CAPACITY: Metric = Metric { name: "CapacityUnits", unit: "None" };

/// Metrics of requests and events.
pub const REQUEST_METRICS: &[Metric] =
    &[LATENCY, COLD_STARTS, SERVER_ERRORS, UNAVAILABLE, UNAUTHORIZED, POLICY_ERRORS, CAPACITY];

/// Items that were due and that a run had no time for.
pub const DUE_LEFT: Metric = Metric { name: "DueItemsLeft", unit: "Count" };
/// Readings of customers' organizations that failed for good.
pub const READINGS_FAILED: Metric = Metric { name: "ReadingsFailed", unit: "Count" };
/// Readings of customers' organizations that go on in a later run.
pub const READINGS_UNFINISHED: Metric = Metric { name: "ReadingsUnfinished", unit: "Count" };

/// Tenants whose audit log does not match its seals.
pub const BROKEN_AUDIT_LOGS: Metric = Metric { name: "BrokenAuditLogs", unit: "Count" };

/// A number in the response of an event handler that is a metric.
#[derive(Clone, Copy, Debug)]
pub struct ResponseMetric {
    /// The function.
    pub function: &'static str,
    /// The field of its response.
    pub field: &'static str,
    /// The metric.
    pub metric: Metric,
}

/// The numbers in responses of event handlers that are metrics.
pub const RESPONSE_METRICS: &[ResponseMetric] = &[
    ResponseMetric { function: "check-domains", field: "left", metric: DUE_LEFT },
    ResponseMetric { function: "erase-tenants", field: "left", metric: DUE_LEFT },
    ResponseMetric { function: "notify-expiring-certificates", field: "left", metric: DUE_LEFT },
    ResponseMetric { function: "sync-organizations", field: "failed", metric: READINGS_FAILED },
    ResponseMetric { function: "sync-organizations", field: "unfinished", metric: READINGS_UNFINISHED },
    ResponseMetric { function: "verify-audit-logs", field: "broken", metric: BROKEN_AUDIT_LOGS },
    ResponseMetric { function: "verify-audit-logs", field: "left", metric: DUE_LEFT },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Trigger, function};

    #[test]
    fn response_metrics_are_of_event_handlers() {
        for metric in RESPONSE_METRICS {
            let function = function(metric.function).unwrap_or_else(|| panic!("no function `{}`", metric.function));
            assert!(matches!(function.trigger, Trigger::Schedule(_) | Trigger::AuditStream), "{}", function.name);
        }
    }
}
