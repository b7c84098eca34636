//! GET `/v1/aws/accounts`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("list-aws-accounts", trustplane_identity_center::inventory::accounts)
}
