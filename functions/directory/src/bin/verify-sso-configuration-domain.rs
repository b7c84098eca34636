//! POST `…/sso-configuration/{ssoConfigurationId}/domains/{domain}/verify`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("verify-sso-configuration-domain", trustplane_directory::domains::verify)
}
