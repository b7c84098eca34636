//! Who may do what: each request is one Cedar question, and only an answer of yes makes a [`Grant`].
//!
//! What an endpoint read stays [`Sealed`] until [`decide`] has been asked about it. The store writes nothing without a
//! [`Grant`].

mod action;
mod ask;
mod decide;
mod grant;
mod policies;
mod resource;
mod schema;

pub use action::{Action, Group};
pub use ask::Asked;
pub use decide::{Permitted, Proposal, Question, Sealed, decide, evaluate};
pub use grant::{Actor, Attempt, Deed, Grant, Origin};
pub use policies::{Policies, PoliciesError, Verdict};
pub use resource::{Image, Kind, Resource};
pub use schema::{Schema, schema};
