//! GET `/v1/instances/{instance_id}/identity-store-associations`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("list-identity-store-associations", trustplane_identity_source::instances::associations)
}
