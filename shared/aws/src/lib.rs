//! How we talk to AWS: one HTTP client with a small trust store, bounded timeouts, every call counted; the bus
//! that others hear of changes on; and the customer's side behind the tenant's role.

mod client;
mod customer;
mod error;
mod events;
mod meter;
mod seal;
mod secrets;

pub use client::{load, sdk_config};
pub use customer::{Customers, Way};
pub use error::CustomerError;
pub use events::{Event, EventBus, SOURCE, Unpublished};
pub use meter::{Counting, Meter, Tally};
pub use seal::{MAX_SEALED, NewKeyPair, Purpose, Seal, SealError};
pub use secrets::{Deriver, NotDerived};
