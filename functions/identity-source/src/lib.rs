//! Identity sources: instances, identity stores, their external identity providers and certificates, in Huawei Cloud's
//! dialect.

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
