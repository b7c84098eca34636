//! GET `/v1/aws/assignments`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("list-aws-assignments", trustplane_identity_center::inventory::assignments)
}
