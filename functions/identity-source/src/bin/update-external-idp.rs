//! PUT `/v1/identity-stores/{identity_store_id}/external-idp/{idp_id}`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http_with(
        "update-external-idp",
        trustplane_outbound::Client::from_env,
        trustplane_identity_source::external_idp::update,
    )
}
