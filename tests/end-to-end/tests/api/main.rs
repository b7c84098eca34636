//! Every endpoint, end to end, through the binaries that are deployed.

mod audit_events;
mod bad_input;
mod config;
mod events;
mod notices;
mod operators;
mod routes;
mod table;
