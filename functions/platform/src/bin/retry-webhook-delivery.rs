//! POST `/v1/webhooks/{id}/deliveries/{delivery_id}/retry`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("retry-webhook-delivery", trustplane_platform::webhook_deliveries::retry)
}
