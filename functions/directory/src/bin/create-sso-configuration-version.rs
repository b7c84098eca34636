//! POST `/organisations/{OrganisationId}/authorisationservers/{AuthorisationServerId}/sso-configuration/{ssoConfigurationId}/versions`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("create-sso-configuration-version", trustplane_directory::versions::create)
}
