//! DELETE `/organisations/{OrganisationId}/authorisationservers/{AuthorisationServerId}/sso-configuration/{ssoConfigurationId}/versions/{versionId}`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("delete-sso-configuration-version", trustplane_directory::versions::delete)
}
