//! GET `/v1/webhooks/{id}/deliveries`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("list-webhook-deliveries", trustplane_platform::webhook_deliveries::list)
}
