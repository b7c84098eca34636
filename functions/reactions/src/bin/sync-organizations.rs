//! Invoked by EventBridge every minute.

fn main() -> std::process::ExitCode {
    trustplane_runtime::reaction("sync-organizations", trustplane_reactions::organizations::sync)
}
