//! GET `/v1/integrations/aws-identity-center/test`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("get-identity-center-test", trustplane_identity_center::connection_test::show)
}
