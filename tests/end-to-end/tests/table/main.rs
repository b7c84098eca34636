//! What the store promises, held against a DynamoDB-compatible engine: the embedded one, or any whose endpoint stands in
//! `TRUSTPLANE_TEST_DYNAMODB` (credentials and region as the SDK finds them).

mod engine;
mod faults;
mod races;
mod transactions;
