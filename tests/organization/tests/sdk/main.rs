//! The real SDKs of AWS against the local organization.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod kms;
mod local;
mod organizations;
mod scenarios;
mod sso_admin;
mod sts;
