//! PUT `/v1/policies/{id}`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("put-policy", trustplane_platform::policies::put)
}
