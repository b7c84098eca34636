//! POST `/v1/integrations/aws-identity-center/config/versions/{n}/restore`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("restore-identity-center-config-version", trustplane_identity_center::versions::restore)
}
