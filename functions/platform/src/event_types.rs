//! `/v1/event-types`: the events that the service sends, each with its JSON Schema and an example.

use trustplane_domain::Failure;
use trustplane_policy::Kind;
use trustplane_runtime::{Call, Response, Subject};

/// The response, which `cargo catalogue` writes from [`EventTypes`]: schemas are not compiled into functions.
const EVENT_TYPES: &str = include_str!("event_types.json");

/// All events.
#[cfg(feature = "schema")]
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
pub struct EventTypes {
    /// In the order of their names.
    #[schemars(length(min = 1))]
    pub data: Vec<EventType>,
}

/// An event.
#[cfg(feature = "schema")]
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
pub struct EventType {
    /// The name: the detail type on the bus, and the type in a webhook.
    #[schemars(regex(pattern = r"^[a-z-]+\.[a-z_]+$"))]
    pub name: &'static str,
    /// The version of the schema.
    pub version: u8,
    /// The fact that the event states.
    pub summary: &'static str,
    /// True for an event that somebody should read soon. On the bus it carries the tenant's notification contacts.
    pub notice: bool,
    /// JSON Schema of the detail on the bus, which is the data in a webhook, there without `contacts`.
    #[schemars(extend("type" = "object"))]
    pub schema: serde_json::Value,
    /// A detail.
    #[schemars(extend("type" = "object"))]
    pub example: serde_json::Value,
}

/// GET: all events.
pub async fn list(call: Call) -> Result<Response, Failure> {
    call.no_input()
        .subject(|_, _, cx| Subject::new(Kind::Tenant, cx.keys.id().to_string()))
        .decide(|_, (), _| Ok(Response::text("application/json", EVENT_TYPES.to_owned())))
        .await
}
