//! POST `/v1/webhooks/{id}/rotate-secret`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("rotate-webhook-secret", trustplane_platform::webhooks::rotate_secret)
}
