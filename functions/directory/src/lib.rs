//! The directory: organisations, their authorisation servers and the SSO configurations of these, in Raidiam Connect's
//! dialect.

pub mod authorisation_servers;
pub mod domains;
mod listing;
mod obstacles;
pub mod organisations;
mod path;
mod proofs;
pub mod public_key;
pub mod references;
pub mod route;
#[cfg(feature = "schema")]
pub mod schemas;
pub mod sso_configurations;
mod switch;
pub mod versions;
