//! For EventBridge: tests authorisation servers and identity providers again.

fn main() -> std::process::ExitCode {
    trustplane_runtime::event_handler_with(
        "check-health",
        trustplane_outbound::Client::from_env,
        trustplane_events::health::check,
    )
}
