//! Options of a stack.

use crate::{Clock, binaries::Profile, lambda::Limits, logs::Show};
use serde_json::Value;
use std::{collections::BTreeMap, path::PathBuf};

/// Options of a stack. The defaults are for tests: any port, everything in memory, no output.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Port of the HTTP API; 0 selects a free one.
    pub port: u16,
    /// Data folder; `None` keeps everything in memory.
    pub data: Option<PathBuf>,
    /// Path of the template; `None` uses the workspace's.
    pub template: Option<PathBuf>,
    /// Build profile of the functions.
    pub profile: Profile,
    /// Folder with built binaries; `None` builds them.
    pub functions: Option<PathBuf>,
    /// Environment variables for every function. They override the template's.
    pub environment: BTreeMap<String, String>,
    /// Endpoint for STS, SSO Admin, Organizations and KMS; `None` uses the local customer organization.
    pub aws_endpoint: Option<String>,
    /// Endpoint for DynamoDB; `None` uses the embedded engine.
    pub dynamodb_endpoint: Option<String>,
    /// Limits on processes.
    pub limits: Limits,
    /// Selection of the functions' output to show on standard error.
    pub show: Show,
    /// True if functions receive the table's stream.
    pub streams: bool,
    /// Clock for scheduled events.
    pub clock: Clock,
    /// Port of the demonstration identity provider, 0 for a free one; `None` starts none.
    pub identity_provider: Option<u16>,
    /// True if a receiver of webhooks listens on loopback.
    pub receiver: bool,
    /// Called with each event that a bus receives, in the format that a rule's target gets.
    pub observer: Option<fn(&Value)>,
}
