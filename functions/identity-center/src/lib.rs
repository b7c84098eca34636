//! The integration API, in JITSudo's dialect: a tenant's connection to its IAM Identity Center instance.
//!
//! A handler is a public function of its resource's module. Its `main` is in `src/bin/`.
//!
//! | module | content |
//! |---|---|
//! | [`config`] | the instance of a tenant, and the role that reaches it |
//! | [`versions`] | saved versions of these settings |
//! | [`connection_test`] | the test of the connection, check by check |
//! | [`external_id`] | the ExternalId that the role trusts, and its rotation |
//! | [`bootstrap`] | templates that create the role |
//! | [`inventory`] | permission sets, accounts and assignments, as they were last read |

pub mod bootstrap;
pub mod config;
pub mod connection_test;
pub mod external_id;
pub mod inventory;
#[cfg(feature = "schema")]
pub mod schemas;
pub mod versions;
