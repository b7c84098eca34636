//! PUT `/v1/notification-contacts`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("put-notification-contacts", trustplane_platform::notification_contacts::put)
}
