//! The audit log's items: records, the seals of their chain, and its head.

use serde::{Deserialize, Deserializer, Serialize};
use trustplane_domain::audit_chain::{ChainHead, ChainSeal};

use crate::Item;

/// An audit record: its canonical text, the hash of that, and once it is sealed the hash before it in the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditItem {
    /// The canonical text.
    pub record: String,
    /// The hash of the text.
    pub hash: String,
    /// The hash before it in the chain: absent before it is sealed, and never there without a text, since sealing goes by
    /// whether it is there.
    #[serde(default, deserialize_with = "there", skip_serializing_if = "Option::is_none")]
    pub previous_hash: Option<String>,
}

/// A text where the attribute is there, be it NULL: that is then an error.
fn there<'de, D: Deserializer<'de>>(attribute: D) -> Result<Option<String>, D::Error> {
    String::deserialize(attribute).map(Some)
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
