//! For EventBridge: makes the attempts of deliveries that are due.

use trustplane_events::webhooks::retry;
use trustplane_outbound::Client;

fn main() -> std::process::ExitCode {
    trustplane_runtime::event_handler_with("retry-webhooks", Client::from_env, retry)
}
