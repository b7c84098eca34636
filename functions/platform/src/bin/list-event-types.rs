//! GET `/v1/event-types`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("list-event-types", trustplane_platform::event_types::list)
}
