//! For the table's stream: puts new audit records on the event bus.

fn main() -> std::process::ExitCode {
    trustplane_runtime::event_handler("publish-audit", trustplane_events::audit::publish)
}
