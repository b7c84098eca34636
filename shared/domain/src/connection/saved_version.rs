//! A saved version of the settings, for the history and for restoring it.

use serde::{Deserialize, Serialize};

use super::Settings;
use crate::Timestamp;

/// One saved version. It never changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SavedVersion {
    /// Number, from 1, in the order of saving. A deletion uses a number too, but leaves no version.
    pub number: u64,
    /// The saved settings.
    #[serde(default)]
    pub settings: Settings,
    /// Time of saving.
    pub saved_at: Timestamp,
    /// The public id of the credential that saved it.
    pub saved_by: String,
    /// The version that it restored, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restored_from: Option<u64>,
}
