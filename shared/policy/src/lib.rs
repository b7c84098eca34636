//! Authorization with Cedar: each request is one Cedar request, and only an allowed one gets a [`Grant`].
//!
//! The data that an endpoint read stays [`Sealed`] until [`decide`] allows the request. The store writes nothing
//! without a [`Grant`].

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
