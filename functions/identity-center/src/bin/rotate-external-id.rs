//! POST `/v1/integrations/aws-identity-center/external-id/rotate`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("rotate-external-id", trustplane_identity_center::external_id::rotate)
}
