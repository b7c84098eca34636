//! What the store promises, held against a DynamoDB-compatible engine: the embedded one, or any whose endpoint stands in
//! `TRUSTPLANE_TEST_DYNAMODB` (credentials and region as the SDK finds them).

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
