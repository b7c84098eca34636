//! Tests of the store's guarantees with a DynamoDB-compatible engine: the embedded one, or the endpoint in
//! `TRUSTPLANE_TEST_DYNAMODB` (with the SDK's credentials and region).

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by a panic"
)]

mod engine;
mod faults;
mod races;
mod transactions;
