//! The table: one DynamoDB table for all tenants, read in one round trip and written in one transaction.
//!
//! - [`TenantKeys`] makes every key and listing. A [`Key`] knows the type of its item, and an [`Item`] the name of its
//!   entity.
//! - A request names its [`Reads`] as a value. [`Table::read`] reads them together, strongly consistent; [`Table::load`] also
//!   loads them.
//! - [`Writes`] are plain data, each conditional on what was read. [`Table::commit`] takes a grant and writes them with
//!   their audit record.
//! - [`Table::due`] reads the due list of a sweep.
//! - [`Table::page_to_erase`] and [`Table::erase`] delete all that a tenant has.
//! - [`StoreError`] says whether a retry may help. It converts to a failure of the domain with its cause.
//!
//! # A new item
//!
//! 1. Implement [`Item`] for the type, here (`src/item.rs`) or beside a type of this crate.
//! 2. Add its key, and a listing if there is one, to `src/keys.rs`.

mod audit;
mod commit;
mod description;
mod directory;
mod due;
mod erase;
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
pub use description::Description;
pub use directory::{Count, DomainClaim, RedirectClaim};
pub use due::{DueCursor, DuePage};
pub use erase::{ErasePage, Part};
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
