//! For EventBridge: refreshes identity providers from their metadata URLs.

fn main() -> std::process::ExitCode {
    trustplane_runtime::event_handler_with(
        "refresh-metadata",
        trustplane_outbound::Client::from_env,
        trustplane_events::metadata::refresh,
    )
}
