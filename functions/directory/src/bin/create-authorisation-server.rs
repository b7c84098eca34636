//! POST `/organisations/{OrganisationId}/authorisationservers`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("create-authorisation-server", trustplane_directory::authorisation_servers::create)
}
