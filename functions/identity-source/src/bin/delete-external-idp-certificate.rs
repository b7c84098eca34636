//! DELETE `/v1/identity-stores/{identity_store_id}/external-idp/{idp_id}/certificate/{certificate_id}`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("delete-external-idp-certificate", trustplane_identity_source::certificates::delete)
}
