//! The log: JSON lines on standard output. One line per request says how it ended and what it cost; a failure is logged
//! in it once, with its cause.

use std::cell::{Cell, OnceCell};
use std::time::Instant;

use trustplane_aws::{Meter, Tally};
use trustplane_domain::Failure;
use trustplane_domain::ids::TenantId;

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
    pub(crate) fn finish(&self, line: &Line<'_>, meter: &Meter) {
        let Tally {
            dynamodb_calls,
            dynamodb_round_trips,
            dynamodb_attempts,
            dynamodb_capacity,
            aws_calls,
            aws_round_trips,
            aws_attempts,
        } = meter.take();
        let documents_parsed = trustplane_domain::parsing::take();
        let duration_ms = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let tenant = self.tenant.get().map(ToString::to_string);
        let cause = line.failure.and_then(Failure::cause).map(ToString::to_string);
        macro_rules! write {
            ($level:ident) => {
                tracing::$level!(
                    function = line.function,
                    route = line.route,
                    request_id = line.request_id,
                    interaction_id = line.interaction_id,
                    tenant,
                    status = line.status,
                    outcome = line.outcome,
                    cause,
                    duration_ms,
                    cold_start = line.cold_start,
                    dynamodb_calls,
                    dynamodb_round_trips,
                    dynamodb_attempts,
                    dynamodb_capacity,
                    aws_calls,
                    aws_round_trips,
                    aws_attempts,
                    documents_parsed,
                    "request"
                )
            };
        }
        match line.failure {
            Some(Failure::Internal(_)) => write!(error),
            Some(failure) if failure.cause().is_some() => write!(warn),
            _ => write!(info),
        }
    }
}

/// `true` for the first request of the process.
pub(crate) fn is_cold_start() -> bool {
    thread_local! {
        static FIRST: Cell<bool> = const { Cell::new(true) };
    }
    FIRST.replace(false)
}

/// Starts the log. Panics are logged by their place alone: their text may hold what was being worked on.
pub(crate) fn start() {
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_target(false)
        .with_max_level(tracing::Level::INFO)
        .init();
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "panic");
    }));
}
