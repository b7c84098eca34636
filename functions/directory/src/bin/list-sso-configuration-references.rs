//! GET `/references/users/sso-configurations`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("list-sso-configuration-references", trustplane_directory::references::list)
}
