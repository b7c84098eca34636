//! DELETE `/v1/integrations/aws-identity-center/config`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("delete-identity-center-config", trustplane_identity_center::config::delete)
}
