//! For operators: suspends a tenant.

fn main() -> std::process::ExitCode {
    trustplane_runtime::operator("suspend-tenant", trustplane_platform::tenants::suspend)
}
