//! The real SDKs of AWS against the local organization.

mod kms;
mod local;
mod organizations;
mod scenarios;
mod sso_admin;
mod sts;
