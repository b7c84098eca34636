//! A version of the settings as it was saved: what history shows and what can be restored.

use serde::{Deserialize, Serialize};

use super::Settings;
use crate::Timestamp;

/// One saved version. Never changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SavedVersion {
    /// From 1, in the order of saving; a removal takes a number too and leaves no version.
    pub number: u64,
    /// What was saved.
    #[serde(default)]
    pub settings: Settings,
    /// When.
    pub saved_at: Timestamp,
    /// The public id of the credential that saved it.
    pub saved_by: String,
    /// The version that it brought back, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restored_from: Option<u64>,
}
