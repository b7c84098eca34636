//! For operators: plans the deletion of a tenant.

fn main() -> std::process::ExitCode {
    trustplane_runtime::operator("delete-tenant", trustplane_platform::tenants::delete)
}
