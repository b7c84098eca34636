//! Types and rules of Trustplane, without AWS clients, async code or HTTP.
//!
//! Types cannot hold an invalid value, because `parse` constructors create them. Time and randomness are arguments, so
//! every rule is a pure function with a test next to it.
//!
//! | modules | content |
//! |---|---|
//! | [`ids`], [`arn`], [`region`], [`timestamp`] | values that every API uses |
//! | [`tenant`], [`credential`] | tenants and their credentials |
//! | [`token`], [`access_key`], [`temporary_key`], [`signature`] | authentication of requests |
//! | [`policy`], [`audit`], [`audit_chain`], [`event`] | a tenant's own policies, its audit log and its events |
//! | [`connection`], [`inventory`] | the connection to IAM Identity Center, and the inventory read through it |
//! | [`identity_provider`], [`service_provider`], [`certificate`], [`saml`] | SAML trust of an identity store |
//! | [`setup`] | links to the setup page, their sections and sessions |
//! | [`directory`] | organisations, authorisation servers, SSO configurations, and the proofs of e-mail domains |
//! | [`mod@request`], [`fields`], [`nearest`], [`failure`] | parsing of requests, and the failures of all APIs |
//! | [`outbound`], [`webhook`] | rules for requests to addresses that tenants chose; webhooks and their deliveries |
//! | [`expiry`], [`notification`] | notices before an expiry; the people whom notices are for |
//! | [`parsing`] | the count of expensive parses |
//! | [`pasted`] | recognition of texts that were pasted by mistake |
//! | [`mod@schema`] | schemas of the API document |
//! | [`test_report`], [`health`] | reports of tests of authorisation servers and identity providers |

pub mod access_key;
pub mod arn;
pub mod audit;
pub mod audit_chain;
mod aws_input;
mod base62;
pub mod certificate;
pub mod connection;
pub mod credential;
pub mod directory;
pub mod event;
pub mod expiry;
pub mod failure;
pub mod fields;
pub mod health;
pub mod identity_provider;
pub mod ids;
pub mod inventory;
pub mod nearest;
pub mod notification;
pub mod outbound;
pub mod parsing;
pub mod pasted;
mod percent;
pub mod policy;
pub mod region;
pub mod request;
pub mod saml;
pub mod schema;
pub mod service_provider;
pub mod setup;
mod shown;
pub mod signature;
pub mod temporary_key;
pub mod tenant;
pub mod test_report;
pub mod timestamp;
pub mod token;
pub mod webhook;

pub use failure::{Conflict, Failure, Faults};
pub use fields::Fields;
pub use timestamp::Timestamp;
