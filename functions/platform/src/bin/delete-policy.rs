//! DELETE `/v1/policies/{id}`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("delete-policy", trustplane_platform::policies::delete)
}
