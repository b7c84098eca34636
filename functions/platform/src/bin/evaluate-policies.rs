//! POST `/v1/policies/evaluate`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("evaluate-policies", trustplane_platform::evaluation::evaluate)
}
