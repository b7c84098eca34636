//! GET `/v1/policies/{id}`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("get-policy", trustplane_platform::policies::show)
}
