//! For EventBridge: gives notice of certificates that are about to expire.

fn main() -> std::process::ExitCode {
    trustplane_runtime::reaction("notify-expiring-certificates", trustplane_reactions::certificates::notify_expiring)
}
