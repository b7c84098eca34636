//! Access to AWS: one HTTP client with a small trust store, bounded timeouts and a count of every call; the event bus;
//! the queue of dead letters; the platform's KMS keys; and the customer's AWS account through the tenant's role.

mod client;
mod customer;
mod dead_letters;
mod error;
mod events;
mod inspection;
mod kms;
mod meter;
mod public_key;
mod response_class;
mod seal;
mod secrets;
mod unreadable;

pub use client::{load, sdk_config};
pub use customer::{AccessPath, Customers, Reader};
pub use dead_letters::{DeadLetters, MAX_BYTES as DEAD_LETTER_BYTES, Unsent};
pub use error::CustomerError;
pub use events::{Event, EventBus, SOURCE, Unpublished};
pub use inspection::{KeyState, Uninspected, describe_bus, describe_key, waiting_messages};
pub use meter::{Counting, Meter, Tally};
pub use public_key::public_key;
pub use response_class::{COMMON, DYNAMODB, ErrorTable, ResponseClass};
pub use seal::{MAX_SEALED, NewKeyPair, Purpose, Seal, SealError};
pub use secrets::{Deriver, NotDerived};
pub use unreadable::UnreadableResponses;
