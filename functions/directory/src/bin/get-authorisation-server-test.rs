//! GET `/organisations/{OrganisationId}/authorisationservers/{AuthorisationServerId}/test`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("get-authorisation-server-test", trustplane_directory::server_tests::show)
}
