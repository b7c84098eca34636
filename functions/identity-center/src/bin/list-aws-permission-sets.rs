//! GET `/v1/aws/permission-sets`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("list-aws-permission-sets", trustplane_identity_center::inventory::permission_sets)
}
