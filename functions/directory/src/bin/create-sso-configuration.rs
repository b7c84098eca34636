//! POST `/organisations/{OrganisationId}/authorisationservers/{AuthorisationServerId}/sso-configuration`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("create-sso-configuration", trustplane_directory::sso_configurations::create)
}
