//! Event handlers: functions that a schedule or the table's stream invokes.
//!
//! A handler may run twice, late or concurrently with itself. Every write is conditional on the version that was read. The
//! time of a scheduled event is the event's own.
//!
//! | module | function |
//! |---|---|
//! | [`audit`] | `publish-audit`: publishes audit records of the table's stream, and seals them |
//! | [`certificates`] | `notify-expiring-certificates` |
//! | [`connections`] | `check-connections` |
//! | [`domains`] | `check-domains` |
//! | [`health`] | `check-health` |
//! | [`keys`] | `notify-expiring-keys` |
//! | [`metadata`] | `refresh-metadata` |
//! | [`organizations`] | `sync-organizations` |
//! | [`tenants`] | `erase-tenants` |
//! | [`webhooks`] | `deliver-webhooks` and `retry-webhooks` |
//! | [`reseal`] | `reseal`, which an operator invokes |
//!
//! The private modules are `due`, the sweep of a due list, and `sealing`, the seals of audit records.

pub mod audit;
pub mod certificates;
pub mod connections;
pub mod domains;
mod due;
pub mod health;
pub mod keys;
pub mod metadata;
pub mod organizations;
pub mod reseal;
#[cfg(feature = "schema")]
pub mod schemas;
mod sealing;
pub mod tenants;
pub mod webhooks;
