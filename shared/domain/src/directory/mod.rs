//! The directory: organisations, their authorisation servers, the servers' SSO configurations, and the proofs of e-mail
//! domains. Field names and limits are those of the Raidiam Connect OpenAPI document 1.39.0.

pub mod approval;
pub mod authorisation_server;
mod base32;
pub mod domain_name;
pub mod domain_proof;
pub mod email_address;
pub mod fapi;
mod fields;
pub mod https_url;
pub mod ids;
pub mod named_domains;
pub mod obstacle;
pub mod organisation;
pub mod page;
pub mod route;
pub mod server_test;
pub mod sso_configuration;
pub mod version;
mod words;
