//! The table: one DynamoDB table for all tenants, read in one round trip and written in one transaction.
//!
//! - [`TenantKeys`] makes every key and listing. A [`Key`] knows the type of its item.
//! - A request names its [`Reads`] as a value; [`Table::read`] reads them together, strongly consistent.
//! - [`Writes`] are plain data, each conditional on what was read. [`Table::commit`] takes a grant and writes them with
//!   their audit record.
//! - [`Table::due`] reads the due list of a sweep.
//! - [`StoreError`] says whether another try may help; it converts to a failure of the domain with its cause.

mod audit;
mod commit;
mod directory;
mod due;
mod error;
mod escape;
mod item;
mod key;
pub mod keys;
mod query;
mod read;
mod reads;
mod record;
mod table;
mod writes;

pub use audit::AuditItem;
pub use commit::{AuditedChange, Committed, DENIALS};
pub use directory::{Count, DomainClaim};
pub use due::{DueCursor, DuePage};
pub use error::{CommitError, LoadError, StoreError};
pub use item::{Item, Stored};
pub use key::{Key, PrimaryKey};
pub use keys::TenantKeys;
pub use query::{Lenient, LenientListing, Listing, Query};
pub use read::Read;
pub use reads::{Expected, Map, Optional, Reads, Slot, Wanted};
pub use record::{Idempotency, TenantRow};
pub use table::Table;
pub use writes::Writes;
