//! POST `/organisations/{OrganisationId}/authorisationservers/{AuthorisationServerId}/test`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http_with(
        "test-authorisation-server",
        trustplane_outbound::Client::from_env,
        trustplane_directory::server_tests::run,
    )
}
