//! For EventBridge: gives notice of certificates that are about to expire.

fn main() -> std::process::ExitCode {
    trustplane_runtime::event_handler("notify-expiring-certificates", trustplane_events::certificates::notify_expiring)
}
