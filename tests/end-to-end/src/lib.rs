//! Support for end-to-end tests: one running stack per test program, customers in it, requests to it, and the cost of
//! each request.
//!
//! Every response is validated against `openapi.json`, and every event against the catalogue of events.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by a panic"
)]

mod contract;
mod customer;
mod events;
mod exchanges;
mod fault_proxy;
mod request;
mod signer;
mod world;

pub use customer::Customer;
pub use events::conforms;
pub use fault_proxy::{CONNECT, Fault, FaultProxy, Times};
pub use request::{Cost, Reply, Request};
pub use signer::{AccessKey, Client};
pub use world::{World, world};
