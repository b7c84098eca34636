//! For operators: makes a tenant.

fn main() -> std::process::ExitCode {
    trustplane_runtime::operator("create-tenant", trustplane_platform::tenants::create)
}
