//! PUT `/organisations/{OrganisationId}/authorisationservers/{AuthorisationServerId}/sso-configuration/{ssoConfigurationId}`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("put-sso-configuration", trustplane_directory::sso_configurations::put)
}
