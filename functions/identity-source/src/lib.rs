//! The identity source API, in Huawei Cloud's dialect: instances, identity stores, their external identity providers and
//! certificates.
//!
//! A handler is a public function of its resource's module. Its `main` is in `src/bin/`.
//!
//! | module | content |
//! |---|---|
//! | [`instances`] | the instance of a tenant's connection, and its identity store |
//! | [`preview`] | what an import would make of the metadata of a provider |
//! | [`external_idp`], [`certificates`] | the external identity provider of a store, and the certificates that its signatures are verified with |
//! | [`service_provider`], [`saml_certificates`] | the service provider of a store, and the certificates of its own keys |

pub mod certificates;
pub mod external_idp;
pub mod instances;
mod offers;
mod parameters;
pub mod preview;
pub mod saml_certificates;
#[cfg(feature = "schema")]
pub mod schemas;
pub mod service_provider;
mod store;
mod warnings;
