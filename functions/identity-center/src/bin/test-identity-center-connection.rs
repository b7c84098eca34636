//! POST `/v1/integrations/aws-identity-center/test`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("test-identity-center-connection", trustplane_identity_center::connection_test::run)
}
