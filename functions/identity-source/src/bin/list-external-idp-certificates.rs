//! GET `/v1/identity-stores/{identity_store_id}/external-idp/{idp_id}/certificate`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("list-external-idp-certificates", trustplane_identity_source::certificates::list)
}
