//! Authorization with Cedar. Each request is one Cedar request, and only a permitted one gets a [`Grant`].
//!
//! The data that an endpoint read stays [`Sealed`] until [`decide`] permits the request. The store writes nothing without a
//! [`Grant`].
//!
//! - [`decide`] asks the policies a [`Question`]: an [`Action`] on a [`Resource`], before and after the change. [`evaluate`]
//!   asks it without consequences.
//! - [`PolicyRequest`] is the request that the question is about; [`Image`] is a resource as policies and the audit log see it.
//! - [`Policies`] are the built-in policies (`src/built_in.cedar`), with those of a tenant.
//! - [`tabulate()`] writes the decisions of the built-in policies beforehand: `src/decisions.rs`, which `src/table.rs` reads.
//! - [`Schema`] validates a tenant's policy. It links Cedar's validator, so only functions that save or evaluate policies
//!   use it. The types are in `src/types.cedarschema`.
//! - [`Grant`] permits writes in one tenant, [`Attempt`] the record of a denial. A [`Attribution`] holds the facts of both for the
//!   audit log.
//! - [`sections_of`] names the sections of the setup page that have an action.
//! - [`Kind`] lists the kinds of resources, [`Group`] the groups of actions that the built-in policies name.
//!
//! The tests of the built-in policies are data: `tests/cases/`.

mod action;
mod ask;
mod attributes;
#[rustfmt::skip]
mod decisions;
mod decide;
mod grant;
mod literals;
mod policies;
mod resource;
mod schema;
mod setup;
mod table;
mod tabulate;

pub use action::{Action, Group};
pub use ask::{PolicyRequest, Principal};
pub use decide::{Permitted, Proposal, Question, Sealed, decide, evaluate};
pub use grant::{Actor, Attempt, Attribution, Grant, Origin};
pub use policies::{Policies, PoliciesError, Verdict};
pub use resource::{Image, Kind, Resource};
pub use schema::{Schema, schema};
pub use setup::{sections_of, setup_actions};
pub use tabulate::tabulate;
