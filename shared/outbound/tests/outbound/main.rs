//! The client against hostile servers and a hostile DNS server on loopback.
//!
//! Clients are made from the variables that a process of the local stack has, so the release code is what is tested,
//! with the guard of its permission for loopback. A client "of a deployment" has none of these variables.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by a panic"
)]

mod addresses;
mod bodies;
mod conditions;
mod handshakes;
mod limits;
mod proxies;
mod redirects;
mod support;
mod webhooks;
