//! DELETE `/v1/webhooks/{id}`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("delete-webhook", trustplane_platform::webhooks::delete)
}
