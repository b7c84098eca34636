//! GET `/v1/identity-stores/{identity_store_id}/sp-config`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("get-sp-config", trustplane_identity_source::service_provider::show)
}
