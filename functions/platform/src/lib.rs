//! The platform beneath the APIs: health, tenants, credentials, policies, and what answers where nothing is.

pub mod credentials;
pub mod denials;
pub mod evaluation;
pub mod health;
pub mod policies;
pub mod tenants;
pub mod unmatched;
