//! GET `/organisations/{OrganisationId}/authorisationservers/{AuthorisationServerId}/sso-configuration`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("list-sso-configurations", trustplane_directory::sso_configurations::list)
}
