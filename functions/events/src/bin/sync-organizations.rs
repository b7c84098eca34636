//! Invoked by EventBridge every minute.

fn main() -> std::process::ExitCode {
    trustplane_runtime::event_handler("sync-organizations", trustplane_events::organizations::sync)
}
