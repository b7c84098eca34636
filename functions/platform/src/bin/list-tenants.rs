//! For operators: lists tenants.

fn main() -> std::process::ExitCode {
    trustplane_runtime::operator("list-tenants", trustplane_platform::tenants::list)
}
