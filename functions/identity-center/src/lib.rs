//! The integration API: a tenant's connection to its IAM Identity Center instance, in JITSudo's dialect.

pub mod config;
