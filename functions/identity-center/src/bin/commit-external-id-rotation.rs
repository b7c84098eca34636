//! POST `/v1/integrations/aws-identity-center/external-id/commit`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("commit-external-id-rotation", trustplane_identity_center::external_id::commit)
}
