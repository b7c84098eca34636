//! Tests of the local organization with the real AWS SDKs.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod kms;
mod local;
mod organizations;
mod scenarios;
mod sso_admin;
mod sts;
