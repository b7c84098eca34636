//! GET `/organisations/{OrganisationId}/authorisationservers`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("list-authorisation-servers", trustplane_directory::authorisation_servers::list)
}
