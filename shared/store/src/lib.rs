//! The table: one DynamoDB table for everything, read in one round trip and written in one transaction.
//!
//! [`Table::read`] gets all that a request needs at once. [`Table::commit`] takes a grant and writes a set of
//! [`Writes`], each conditional on what was read, with their audit record. [`Table::due`] says what a sweep has to look at.

mod audit;
mod commit;
mod directory;
mod due;
mod error;
mod item;
pub mod keys;
mod read;
mod record;
mod table;
mod writes;

pub use audit::AuditItem;
pub use commit::{Committed, DENIALS, Told};
pub use directory::{Count, DomainClaim};
pub use due::{DueCursor, DuePage};
pub use error::{CommitError, StoreError};
pub use item::{CERTIFICATE, DOMAIN, Due, Item, SYNC, Stored};
pub use keys::Key;
pub use read::{Listing, Query, Read, Sifted};
pub use record::{Idempotency, TenantRow};
pub use table::Table;
pub use writes::Writes;
