//! The items that the store itself adds to a transaction: a kept reply.

use serde::{Deserialize, Serialize};
use trustplane_domain::Timestamp;

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
