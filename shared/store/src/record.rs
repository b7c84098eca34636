//! The items that are of no API: a kept reply, a tenant's row in the list of all.

use serde::{Deserialize, Serialize};
use trustplane_domain::Timestamp;
use trustplane_domain::ids::TenantId;

use crate::Item;

/// A reply that is kept under an `Idempotency-Key`, so that a retry gets it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Idempotency {
    /// SHA-256 over method, path and body of the request, in hex: another request under the same key is told.
    pub fingerprint: String,
    /// The reply's status.
    pub status: u16,
    /// The reply's headers.
    pub headers: Vec<(String, String)>,
    /// The reply's body, its secrets null.
    pub body: String,
    /// When it is forgotten.
    pub kept_until: Timestamp,
}

impl Item for Idempotency {
    const ENTITY: &'static str = "idempotency";

    fn swept_after(&self) -> Option<Timestamp> {
        Some(self.kept_until)
    }
}

/// A tenant in the list of all: written with it, and never again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantRow {
    /// Which; all else is the tenant's own item's to say.
    pub tenant_id: TenantId,
}

impl Item for TenantRow {
    const ENTITY: &'static str = "tenant-row";
}
