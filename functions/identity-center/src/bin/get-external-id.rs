//! GET `/v1/integrations/aws-identity-center/external-id`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("get-external-id", trustplane_identity_center::external_id::show)
}
