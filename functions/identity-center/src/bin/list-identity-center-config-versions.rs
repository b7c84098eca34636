//! GET `/v1/integrations/aws-identity-center/config/versions`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("list-identity-center-config-versions", trustplane_identity_center::versions::list)
}
