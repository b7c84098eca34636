//! GET `/organisations/{OrganisationId}`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("get-organisation", trustplane_directory::organisations::show)
}
