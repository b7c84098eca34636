//! POST `/v1/identity-stores/{identity_store_id}/external-idp/{idp_id}/enable`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("enable-external-idp", trustplane_identity_source::external_idp::enable)
}
