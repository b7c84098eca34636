//! GET `/organisations/{OrganisationId}/authorisationservers/{AuthorisationServerId}/sso-configuration/{ssoConfigurationId}/versions`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("list-sso-configuration-versions", trustplane_directory::versions::list)
}
