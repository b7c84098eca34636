//! For the event bus: sends events to the webhooks that want them.

use trustplane_events::webhooks::deliver;
use trustplane_outbound::Client;

fn main() -> std::process::ExitCode {
    trustplane_runtime::event_handler_with("deliver-webhooks", Client::from_env, deliver)
}
