//! GET `/v1/webhooks`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("list-webhooks", trustplane_platform::webhooks::list)
}
