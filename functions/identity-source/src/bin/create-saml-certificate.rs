//! POST `/v1/identity-stores/{identity_store_id}/saml-certificates`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("create-saml-certificate", trustplane_identity_source::saml_certificates::create)
}
