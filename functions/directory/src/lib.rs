//! The directory API, in Raidiam Connect's dialect: organisations, their authorisation servers, and the SSO configurations of
//! these.
//!
//! A handler is a public function of its resource's module. Its `main` is in `src/bin/`. [`organisations`] is the simplest
//! example of all four verbs.
//!
//! | module | content |
//! |---|---|
//! | [`organisations`], [`authorisation_servers`], [`sso_configurations`] | the three levels of the directory |
//! | [`redirect_uris`] | the claims of redirect URIs, which are unique across tenants |
//! | [`versions`] | versions of an SSO configuration: submitted, approved, in use |
//! | [`domains`] | the e-mail domains of a configuration, and their proofs by DNS |
//! | [`route`] | the configuration that an e-mail address signs in with |
//! | [`server_tests`] | tests of authorisation servers |
//! | [`references`] | all configurations of a tenant in one list |
//! | [`public_key`] | the key that verifies the platform's own assertions |

pub mod authorisation_servers;
pub mod domains;
mod level;
mod listing;
mod obstacles;
pub mod organisations;
mod path;
pub mod public_key;
pub mod redirect_uris;
pub mod references;
pub mod route;
#[cfg(feature = "schema")]
pub mod schemas;
pub mod server_tests;
pub mod sso_configurations;
mod switch;
pub mod versions;
