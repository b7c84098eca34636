//! Access to AWS: one HTTP client with a small trust store, bounded timeouts and a count of every call; the event bus;
//! the queue of dead letters; the platform's KMS keys; and the customer's AWS account through the tenant's role.
//!
//! | item | content |
//! |---|---|
//! | [`load`] | the SDK's configuration of a process, with the HTTP client that all clients use |
//! | [`Meter`], [`Counting`], [`Tally`] | the count of calls and attempts of a request |
//! | [`ResponseClass`], [`ErrorTable`] | what a response of AWS says about another attempt |
//! | [`UnreadableResponses`] | responses that are no responses of AWS: proxies, cut-off bodies |
//! | [`said()`] | the plain text of an error, for the log and for operators |
//! | [`Customers`], [`AccessPath`], [`Reader`] | the customer's account: its role, the proof that the role wants the ExternalId, and reading through it |
//! | [`EventBus`] | the bus that audit records are sent to |
//! | [`DeadLetters`] | the queue of records that cannot be sent |
//! | [`Archive`] | the archive of seals, which nobody can shorten |
//! | [`Deriver`] | derives the secrets of access keys |
//! | [`Seal`] | encrypts the private keys of service providers, and creates them |
//! | [`public_key()`] | the public half of the key that the platform signs with |

mod archive;
mod client;
mod customer;
mod dead_letters;
mod environment;
mod error;
mod events;
mod http;
mod inspection;
mod kms;
mod meter;
mod public_key;
mod response_class;
mod said;
mod seal;
mod secrets;
mod unreadable;

pub use archive::{Archive, ArchiveError, Archived};
pub use client::{load, sdk_config};
pub use customer::{AccessPath, Customers, Reader};
pub use dead_letters::{DeadLetters, MAX_BYTES as DEAD_LETTER_BYTES, Unsent};
pub use error::CustomerError;
pub use events::{Event, EventBus, SOURCE, Sent, Unpublished};
pub use inspection::{KeyState, Uninspected, describe_bus, describe_key, waiting_messages};
pub use kms::KmsError;
pub use meter::{Counting, Meter, Tally};
pub use public_key::public_key;
pub use response_class::{COMMON, DYNAMODB, EVENTBRIDGE, ErrorTable, KMS, ResponseClass, SQS};
pub use said::said;
pub use seal::{MAX_SEALED, NewKeyPair, Purpose, Seal, SealError};
pub use secrets::Deriver;
pub use unreadable::UnreadableResponses;
