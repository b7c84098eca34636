//! GET `/healthz`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::public("get-health", trustplane_platform::health::show)
}
