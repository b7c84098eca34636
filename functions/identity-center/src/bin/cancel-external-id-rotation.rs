//! POST `/v1/integrations/aws-identity-center/external-id/cancel`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("cancel-external-id-rotation", trustplane_identity_center::external_id::cancel)
}
