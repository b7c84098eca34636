//! Every endpoint, end to end, through the binaries that are deployed.

mod bad_input;
mod config;
mod events;
mod identity_source;
mod operators;
mod routes;
