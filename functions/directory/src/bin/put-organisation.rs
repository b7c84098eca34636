//! PUT `/organisations/{OrganisationId}`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("put-organisation", trustplane_directory::organisations::put)
}
