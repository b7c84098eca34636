//! For operators: makes a credential of a tenant.

fn main() -> std::process::ExitCode {
    trustplane_runtime::operator("create-credential", trustplane_platform::credentials::create_by_operator)
}
