//! GET `/v1/audit-log`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("list-audit-log", trustplane_platform::audit::list)
}
