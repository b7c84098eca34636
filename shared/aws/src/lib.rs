//! How we talk to AWS: one HTTP client with a small trust store, bounded timeouts, every call counted; the bus
//! that others hear of changes on; and the customer's side behind the tenant's role.

mod client;
mod events;
mod meter;

pub use client::{load, sdk_config};
pub use events::{Event, EventBus, SOURCE, Unpublished};
pub use meter::{Counting, Meter, Tally};
