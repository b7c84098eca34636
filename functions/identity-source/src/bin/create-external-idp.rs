//! POST `/v1/identity-stores/{identity_store_id}/external-idp`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http_with(
        "create-external-idp",
        trustplane_outbound::Client::from_env,
        trustplane_identity_source::external_idp::create,
    )
}
