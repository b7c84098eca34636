//! Every endpoint, end to end, through the binaries that are deployed.

mod authorisation_servers;
mod bad_input;
mod config;
mod directory;
mod events;
mod operators;
mod organisations;
mod routes;
mod sso_configurations;
mod together;
mod versions;
