//! DELETE `/v1/identity-stores/{identity_store_id}/saml-certificates/{certificate_id}`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("delete-saml-certificate", trustplane_identity_source::saml_certificates::delete)
}
