//! For operators: holds a tenant's audit log against its seals.

fn main() -> std::process::ExitCode {
    trustplane_runtime::operator("verify-audit", trustplane_platform::audit::verify)
}
