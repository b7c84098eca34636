//! GET `/v1/identity-stores/{identity_store_id}/external-idp/{idp_id}/test`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("get-external-idp-test", trustplane_identity_source::provider_tests::show)
}
