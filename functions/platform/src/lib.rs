//! The platform beneath the APIs: health, tenants, credentials, policies, and what answers where nothing is.

pub mod api_keys;
pub mod audit;
pub mod credentials;
pub mod denials;
pub mod evaluation;
pub mod health;
pub mod policies;
#[cfg(feature = "schema")]
pub mod schemas;
pub mod temporary_keys;
pub mod tenants;
pub mod unmatched;
