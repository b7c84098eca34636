//! POST `/v1/identity-stores/{identity_store_id}/external-idp`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("create-external-idp", trustplane_identity_source::external_idp::create)
}
