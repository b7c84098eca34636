//! The runtime of all functions: event in, response out. A function's `main` is one line that hands its handler to
//! [`http`], [`public`], [`operator`] or [`event_handler`].
//!
//! - [`Call`] is a request over HTTP, and the steps by which a handler reads and decides. Start at [`call`].
//! - [`OperatorCall`] is an operator's request, invoked directly under IAM.
//! - [`EventCall`] is an event of EventBridge or of the table's stream.
//! - [`Dialect`] renders responses and failures as each API's clients expect them.
//! - [`Platform`] holds the clients and settings of a process, read once at its start.

mod authentication;
pub mod call;
mod denial;
mod dialect;
mod event;
mod event_handler;
mod idempotency;
mod log;
mod operator;
mod page;
mod panics;
mod platform;
mod policies;
mod remember;
mod request;
mod response;
mod serve;
mod settings;
mod warning;

pub use call::{Budget, Call, Context, Decision, Planned, Subject, Worked};
pub use denial::opened_denial;
#[cfg(feature = "schema")]
pub use dialect::{ErrorExample, error_examples};
pub use event::HttpEvent;
pub use event_handler::{EventCall, EventError, event_handler, event_handler_with};
pub use operator::{OperatorCall, operator};
pub use page::{Listed, Page, Rows};
pub use platform::Platform;
pub use request::{Request, both};
pub use response::Response;
pub use serve::{http, http_with, public, public_with};
pub use settings::Unset;
pub use trustplane_functions::{
    ACCESS_DENIED, Dialect, Function, JSON, Permission, REQUEST_METRICS, RESPONSE_METRICS, Route, Trigger, actions,
    event_name, event_types, function, functions, is_notice, methods, routes,
};
pub use warning::warning;

use trustplane_domain::Failure;

/// Adds the schemas of error bodies.
#[cfg(feature = "schema")]
pub fn schemas(generator: &mut schemars::SchemaGenerator) {
    dialect::schemas(generator);
}

/// Random bytes from the system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| Failure::internal(error.to_string()))?;
    Ok(bytes)
}
