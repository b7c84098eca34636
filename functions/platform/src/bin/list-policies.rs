//! GET `/v1/policies`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("list-policies", trustplane_platform::policies::list)
}
