//! PUT `/organisations/{OrganisationId}/authorisationservers/{AuthorisationServerId}`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("put-authorisation-server", trustplane_directory::authorisation_servers::put)
}
