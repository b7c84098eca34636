//! Triggers.

use crate::Route;

/// A trigger of a function.
#[derive(Clone, Copy, Debug)]
pub enum Trigger {
    /// By API Gateway.
    Http(Route),
    /// By API Gateway, for every path and method that no other function has.
    Unmatched,
    /// Directly, by an operator under IAM.
    Operator,
    /// By EventBridge, on a schedule: `rate(1 hour)`.
    Schedule(&'static str),
    /// By the table's stream, for new audit records.
    AuditStream,
    /// By EventBridge, for every event of the service on its own bus.
    Bus,
}
