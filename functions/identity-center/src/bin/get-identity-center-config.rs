//! GET `/v1/integrations/aws-identity-center/config`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("get-identity-center-config", trustplane_identity_center::config::show)
}
