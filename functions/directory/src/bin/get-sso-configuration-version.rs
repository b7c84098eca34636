//! GET `/organisations/{OrganisationId}/authorisationservers/{AuthorisationServerId}/sso-configuration/{ssoConfigurationId}/versions/{versionId}`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("get-sso-configuration-version", trustplane_directory::versions::show)
}
