//! For EventBridge: tests connections that are due.

fn main() -> std::process::ExitCode {
    trustplane_runtime::event_handler("check-connections", trustplane_events::connections::check)
}
