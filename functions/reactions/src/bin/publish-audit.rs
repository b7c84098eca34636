//! For the table's stream: puts new audit records on the event bus.

fn main() -> std::process::ExitCode {
    trustplane_runtime::reaction("publish-audit", trustplane_reactions::audit::publish)
}
