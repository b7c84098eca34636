//! PUT `/v1/identity-stores/{identity_store_id}/external-idp/{idp_id}`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("update-external-idp", trustplane_identity_source::external_idp::update)
}
