//! The platform beneath the APIs: health, tenants, credentials, and what answers where nothing is.

pub mod credentials;
pub mod denials;
pub mod health;
pub mod tenants;
pub mod unmatched;
