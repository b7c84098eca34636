//! GET `/organisations/{OrganisationId}/authorisationservers/{AuthorisationServerId}`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("get-authorisation-server", trustplane_directory::authorisation_servers::show)
}
