//! The audit log's items: records, the seals of their chain, and its head.

use serde::{Deserialize, Deserializer, Serialize};
use trustplane_domain::Timestamp;
use trustplane_domain::audit_chain::{ChainHead, ChainSeal};

use crate::Item;

/// An audit record: its canonical text, the hash of that, and the hash before it in the chain if it is linked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditItem {
    /// The canonical text.
    pub record: String,
    /// The hash of the text.
    pub hash: String,
    /// The hash before it in the chain, if its seal linked it: never there without a text, since linking goes by whether it
    /// is there.
    #[serde(default, deserialize_with = "there", skip_serializing_if = "Option::is_none")]
    pub previous_hash: Option<String>,
    /// The second after which it is past its retention: it is not shown, and the table may delete it. Records that were
    /// written before there was a retention are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<i64>,
}

impl AuditItem {
    /// The time after which it is past its retention.
    pub fn kept_until(&self) -> Option<Timestamp> {
        self.ttl.map(|seconds| Timestamp::from_millis(seconds.saturating_mul(1_000)))
    }
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
