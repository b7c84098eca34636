//! For operators: shows a tenant and how much it has.

fn main() -> std::process::ExitCode {
    trustplane_runtime::operator("describe-tenant", trustplane_platform::tenants::describe)
}
