//! The identity source API, in Huawei Cloud's dialect: instances, identity stores, their external identity providers and
//! certificates.
//!
//! A handler is a public function of its resource's module. Its `main` is in `src/bin/`.
//!
//! | module | content |
//! |---|---|
//! | [`instances`] | the instance of a tenant's connection, and its identity store |
//! | [`external_idp`], [`certificates`] | the external identity provider of a store, and the certificates that its signatures are verified with |
//! | [`preview`], [`refresh`], [`provider_tests`] | a provider before it is created, its metadata fetched again, and its tests |
//! | [`explain`] | explanations of SAML responses that were refused |
//! | [`service_provider`], [`saml_certificates`] | the service provider of a store, and the certificates of its own keys |

pub mod certificates;
pub mod explain;
pub mod external_idp;
mod fetched;
pub mod instances;
mod offers;
mod parameters;
pub mod preview;
pub mod provider_tests;
pub mod refresh;
pub mod saml_certificates;
#[cfg(feature = "schema")]
pub mod schemas;
pub mod service_provider;
mod store;
mod warnings;
