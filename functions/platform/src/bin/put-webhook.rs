//! PUT `/v1/webhooks/{id}`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http_with(
        "put-webhook",
        trustplane_outbound::Settings::from_env,
        trustplane_platform::webhooks::put,
    )
}
