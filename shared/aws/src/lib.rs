//! How we talk to AWS: one HTTP client with a small trust store, bounded timeouts, every call counted; and the
//! customer's side behind the tenant's role.

mod client;
mod meter;

pub use client::{load, sdk_config};
pub use meter::{Counting, Meter, Tally};
