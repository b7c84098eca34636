//! For operators: disables a tenant's own policies.

fn main() -> std::process::ExitCode {
    trustplane_runtime::operator("reset-policies", trustplane_platform::policies::reset)
}
