//! The directory: organisations, their authorisation servers and the SSO configurations of these, in Raidiam Connect's
//! dialect.

pub mod authorisation_servers;
mod listing;
pub mod organisations;
mod path;
mod redirect_base;
pub mod sso_configurations;
mod standing;
mod switch;
pub mod versions;
