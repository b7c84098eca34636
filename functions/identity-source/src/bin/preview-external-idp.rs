//! POST `/v1/identity-stores/{identity_store_id}/external-idp/preview`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http_with(
        "preview-external-idp",
        trustplane_outbound::Client::from_env,
        trustplane_identity_source::preview::preview,
    )
}
