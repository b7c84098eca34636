//! GET `/v1/identity-stores/{identity_store_id}/saml-certificates`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("list-saml-certificates", trustplane_identity_source::saml_certificates::list)
}
