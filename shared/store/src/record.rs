//! Items of no API: a response kept for a retry, a tenant's row in the list of all tenants.

use serde::{Deserialize, Serialize};
use trustplane_domain::Timestamp;
use trustplane_domain::ids::TenantId;

use crate::Item;

/// A response kept under an `Idempotency-Key`: a retry gets it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Idempotency {
    /// SHA-256 over the request, in hex: another request under the same key is refused.
    pub fingerprint: String,
    /// The response's status.
    pub status: u16,
    /// The response's headers.
    pub headers: Vec<(String, String)>,
    /// The response's body, its secrets null.
    pub body: String,
    /// The time after which it is not replayed.
    pub kept_until: Timestamp,
}

impl Item for Idempotency {
    const ENTITY: &'static str = "idempotency";

    fn time_to_live(&self) -> Option<Timestamp> {
        Some(self.kept_until)
    }
}

/// A tenant in the list of all tenants: written with the tenant, and never again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantRow {
    /// The tenant. All else is in its own item.
    pub tenant_id: TenantId,
}

impl Item for TenantRow {
    const ENTITY: &'static str = "tenant-row";
}
