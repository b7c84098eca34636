//! For EventBridge: deletes tenants whose waiting period is over.

fn main() -> std::process::ExitCode {
    trustplane_runtime::event_handler("erase-tenants", trustplane_events::tenants::erase)
}
