//! POST `/v1/identity-stores/{identity_store_id}/saml-certificates/{certificate_id}/active`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("activate-saml-certificate", trustplane_identity_source::saml_certificates::activate)
}
