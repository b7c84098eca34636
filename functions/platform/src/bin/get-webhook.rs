//! GET `/v1/webhooks/{id}`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("get-webhook", trustplane_platform::webhooks::show)
}
