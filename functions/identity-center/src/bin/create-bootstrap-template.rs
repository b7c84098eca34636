//! POST `/v1/integrations/aws-identity-center/bootstrap-template`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("create-bootstrap-template", trustplane_identity_center::bootstrap::create)
}
