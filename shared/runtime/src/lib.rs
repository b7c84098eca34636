//! What every function does alike: it takes an event, asks who is there, reads, has the policies decide, writes, and
//! answers in the dialect of its API. A function's `main` is one line that hands its handler to [`http`], [`public`],
//! [`operator`] or [`reaction`].

mod authentication;
mod call;
mod denial;
mod dialect;
mod event;
mod idempotency;
mod log;
mod operator;
mod page;
mod platform;
mod policies;
mod reaction;
mod remember;
mod reply;
mod request;
mod serve;

pub use call::{Answer, Call, Permitted, commit_failure};
pub use denial::opened_denial;
pub use event::HttpEvent;
pub use operator::{OperatorCall, operator};
pub use page::{Listed, Page};
pub use platform::Platform;
pub use reaction::{Reaction, ReactionError, reaction};
pub use reply::Reply;
pub use request::Request;
pub use serve::{http, public};
pub use trustplane_functions::{Dialect, Function, Permission, Route, Trigger, actions, function, functions, routes};
