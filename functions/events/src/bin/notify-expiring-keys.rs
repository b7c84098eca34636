//! For EventBridge: tells of credentials and certificates of service providers that are about to expire.

fn main() -> std::process::ExitCode {
    trustplane_runtime::event_handler("notify-expiring-keys", trustplane_events::keys::notify_expiring)
}
