//! On a schedule: verifies the audit log of every tenant once per day.

fn main() -> std::process::ExitCode {
    trustplane_runtime::event_handler("verify-audit-logs", trustplane_platform::audit_logs::verify)
}
