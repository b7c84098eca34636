//! The types and rules of Trustplane: what a tenant, a credential, a connection is, and what may become of it.
//!
//! Nothing here knows AWS clients, async code or HTTP. Types cannot hold a wrong value: they are made by `parse`
//! constructors. Time and randomness come in as arguments, so every rule is a pure function with a test beside it.

pub mod access_key;
pub mod arn;
pub mod audit;
pub mod audit_chain;
mod base62;
pub mod certificate;
pub mod connection;
pub mod credential;
pub mod directory;
pub mod failure;
pub mod fields;
pub mod identity_provider;
pub mod ids;
pub mod inventory;
pub mod policy;
pub mod region;
pub mod saml;
pub mod service_provider;
pub mod signature;
pub mod temporary_key;
pub mod tenant;
pub mod timestamp;
pub mod token;

pub use failure::{Conflict, Failure, Faults};
pub use fields::Fields;
pub use timestamp::Timestamp;
