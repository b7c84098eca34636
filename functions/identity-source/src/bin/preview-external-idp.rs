//! POST `/v1/identity-stores/{identity_store_id}/external-idp/preview`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("preview-external-idp", trustplane_identity_source::preview::preview)
}
