//! The table of functions: one row per Lambda function, with its name, trigger, route, dialect, Cedar action, IAM
//! permission sets and the names of its schemas.
//!
//! The table is the one source of these facts. `cargo catalogue` writes `template.yaml`, `openapi.json`, the packages'
//! lists of binaries and `docs/endpoints.md` from it; tests compare the binaries and `events/` with it; the runtime looks
//! up its own row at start.
//!
//! # Where to find it
//!
//! - [`functions`], [`function`] and [`routes`] read the table; [`actions`] lists the Cedar actions.
//! - [`event_types`] lists the events, [`event_name`] gives the name of an audit record's event.
//! - [`Function`] is a row. [`Trigger`] says how it is invoked, and holds the [`Route`] of an endpoint.
//! - [`Dialect`] is the API whose error format and headers a route follows.
//! - [`Permission`] is an IAM permission set of a function.
//! - [`Metric`] is a metric of functions; [`REQUEST_METRICS`] and [`RESPONSE_METRICS`] list them.
//! - The rows are in `src/table/`, one file per family.
//!
//! # A new function
//!
//! Add a row to the file of its family:
//!
//! ```text
//! http(Endpoint {
//!     name: "get-api-key",
//!     summary: "Get credential",
//!     method: "GET",
//!     path: "/v1/api-keys/{id}",
//!     group: Group::Administer,
//!     resource: Kind::ApiKey,
//!     response: Some("ApiKey"),
//!     permissions: &[Read],
//!     ..PLATFORM
//! }),
//! ```
//!
//! The store does not depend on this crate, so a new row does not rebuild it.

mod action;
mod dialect;
mod endpoint;
mod event_type;
mod function;
mod metric;
mod permission;
mod route;
mod table;
mod trigger;

pub use action::actions;
pub use dialect::Dialect;
pub use event_type::{ACCESS_DENIED, EventType, When, event_name, event_types, is_notice};
pub use function::{Function, function, functions};
pub use metric::{
    BROKEN_AUDIT_LOGS, CAPACITY, COLD_STARTS, DUE_LEFT, LATENCY, Metric, POLICY_ERRORS, READINGS_FAILED,
    READINGS_UNFINISHED, REQUEST_METRICS, RESPONSE_METRICS, ResponseMetric, SERVER_ERRORS, UNAUTHORIZED, UNAVAILABLE,
};
pub use permission::Permission;
pub use route::{JSON, Route, methods, routes};
pub use trigger::Trigger;
