//! Tests of every endpoint, end to end, with the deployed binaries.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by a panic"
)]

mod access_keys;
mod api_keys;
mod archive;
mod audit_chain;
mod audit_events;
mod audit_log;
mod authorisation_servers;
mod bad_input;
mod before_authentication;
mod config;
mod connection_checks;
mod crashes;
mod deletion;
mod deployment;
mod directory;
mod domain_checks;
mod domains;
mod event_handlers;
mod event_types;
mod events;
mod every_endpoint;
mod faults;
mod health;
mod identity_center;
mod identity_source;
mod key_notices;
mod leaks;
mod levels;
mod metadata_refresh;
mod metrics;
mod notices;
mod notification_contacts;
mod operations;
mod operators;
mod organisations;
mod outbound;
mod policies;
mod policy_attributes;
mod policy_documentation;
mod redirect_uris;
mod references;
mod refused_seals;
mod restore;
mod restricted_domains;
mod revocation;
mod routes;
mod sealing;
mod setup;
mod sso_configurations;
mod sso_route;
mod table;
mod versions;
mod webhooks;
mod whoami;
