//! What end-to-end tests stand on: one running stack a test program, customers in it, requests to it, and what each
//! request cost.
//!
//! Every good or bad reply is held against `openapi.json` as it passes by.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by a panic"
)]

mod contract;
mod customer;
mod request;
mod signer;
mod world;

pub use customer::Customer;
pub use request::{Cost, Reply, Request};
pub use signer::{AccessKey, Client};
pub use world::{World, world};
