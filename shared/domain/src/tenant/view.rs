//! A tenant as policies and the audit log see it.

use serde::Serialize;

use super::{Stage, Status, Tenant};
use crate::Timestamp;

/// A tenant as policies and the audit log see it.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "TenantImage"))]
pub struct View<'a> {
    name: &'a str,
    #[cfg_attr(feature = "schema", schemars(with = "String", extend("enum" = ["active", "suspended"])))]
    status: Status,
    reason: Option<&'a str>,
    /// The stage of a planned deletion.
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>", extend("enum" = ["waiting", "items", "audit_log", null])))]
    deletion: Option<Stage>,
    /// The time of the next step of the deletion.
    deletion_due_at: Option<Timestamp>,
}

impl<'a> View<'a> {
    /// Creates the view, with the reason of the change.
    pub fn new(tenant: &'a Tenant, reason: Option<&'a str>) -> Self {
        Self {
            name: &tenant.name,
            status: tenant.status,
            reason,
            deletion: tenant.deletion.map(|deletion| deletion.stage),
            deletion_due_at: tenant.deletion.map(|deletion| deletion.due_at),
        }
    }
}
