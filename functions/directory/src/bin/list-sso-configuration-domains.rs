//! GET `…/sso-configuration/{ssoConfigurationId}/domains`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("list-sso-configuration-domains", trustplane_directory::domains::list)
}
