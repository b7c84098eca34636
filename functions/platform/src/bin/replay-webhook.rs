//! POST `/v1/webhooks/{id}/replay`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("replay-webhook", trustplane_platform::webhook_replay::replay)
}
