//! POST `/v1/identity-stores/{identity_store_id}/external-idp/{idp_id}/test`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http_with(
        "test-external-idp",
        trustplane_outbound::Client::from_env,
        trustplane_identity_source::provider_tests::run,
    )
}
