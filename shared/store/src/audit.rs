//! The audit log's items: records, the seals of their chain, and its head.

use serde::{Deserialize, Serialize};
use trustplane_domain::audit_chain::{ChainHead, ChainSeal};

use crate::Item;

/// An audit record: its canonical text, the hash of that, and once it is sealed the hash before it in the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditItem {
    /// The canonical text.
    pub record: String,
    /// The hash of the text.
    pub hash: String,
    /// The hash before it in the chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_hash: Option<String>,
}

impl Item for AuditItem {
    const ENTITY: &'static str = "audit-record";
}

impl Item for ChainSeal {
    const ENTITY: &'static str = "audit-seal";
}

impl Item for ChainHead {
    const ENTITY: &'static str = "audit-chain";
}
