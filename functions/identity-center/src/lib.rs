//! The integration API: a tenant's connection to its IAM Identity Center instance, in JITSudo's dialect.

pub mod bootstrap;
pub mod config;
pub mod connection_test;
pub mod external_id;
pub mod inventory;
#[cfg(feature = "schema")]
pub mod schemas;
pub mod versions;
