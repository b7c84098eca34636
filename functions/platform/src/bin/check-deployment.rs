//! For operators: checks the deployment.

fn main() -> std::process::ExitCode {
    trustplane_runtime::operator("check-deployment", trustplane_platform::deployment::check)
}
