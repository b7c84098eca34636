//! GET `/v1/notification-contacts`.

fn main() -> std::process::ExitCode {
    trustplane_runtime::http("get-notification-contacts", trustplane_platform::notification_contacts::show)
}
