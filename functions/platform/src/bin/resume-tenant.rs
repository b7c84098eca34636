//! For operators: resumes a tenant.

fn main() -> std::process::ExitCode {
    trustplane_runtime::operator("resume-tenant", trustplane_platform::tenants::resume)
}
