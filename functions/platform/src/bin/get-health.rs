//! GET `/healthz`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("get-health", trustplane_platform::health::show)
}
