//! POST `/v1/webhooks/{id}/test`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http_with(
        "test-webhook",
        trustplane_outbound::Client::from_env,
        trustplane_platform::webhook_deliveries::test,
    )
}
