//! GET `/v1/whoami`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("get-whoami", trustplane_platform::whoami::show)
}
