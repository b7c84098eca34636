//! POST `/v1/identity-stores/{identity_store_id}/external-idp/{idp_id}/explain`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("explain-external-idp-response", trustplane_identity_source::explain::explain)
}
