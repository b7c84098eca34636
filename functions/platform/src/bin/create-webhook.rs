//! POST `/v1/webhooks`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http_with(
        "create-webhook",
        trustplane_outbound::Settings::from_env,
        trustplane_platform::webhooks::create,
    )
}
