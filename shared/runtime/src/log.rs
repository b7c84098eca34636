//! The log: JSON lines on standard output. One line a request says what it cost; a failure is logged once, with its chain.

use trustplane_aws::Tally;

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

/// The line of a request.
pub(crate) fn request(function: &str, request_id: &str, tenant: Option<String>, outcome: &str, tally: &Tally) {
    tracing::info!(
        function,
        request_id,
        tenant,
        outcome,
        dynamodb_calls = tally.dynamodb_calls,
        dynamodb_round_trips = tally.dynamodb_round_trips,
        dynamodb_attempts = tally.dynamodb_attempts,
        dynamodb_capacity = tally.dynamodb_capacity,
        aws_calls = tally.aws_calls,
        aws_round_trips = tally.aws_round_trips,
        aws_attempts = tally.aws_attempts,
        "request"
    );
}
