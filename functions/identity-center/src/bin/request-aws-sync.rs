//! POST `/v1/aws/sync`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("request-aws-sync", trustplane_identity_center::inventory::sync)
}
