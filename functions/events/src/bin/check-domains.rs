//! For EventBridge: looks whether proven domains still have their DNS record.

fn main() -> std::process::ExitCode {
    trustplane_runtime::event_handler("check-domains", trustplane_events::domains::check)
}
