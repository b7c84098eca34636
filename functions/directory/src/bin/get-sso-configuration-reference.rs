//! GET `/references/users/sso-configurations/{ssoConfigurationId}`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("get-sso-configuration-reference", trustplane_directory::references::show)
}
