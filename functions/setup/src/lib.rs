//! Links to the setup page, and the sessions that they start.
//!
//! | module | content |
//! |---|---|
//! | [`links`] | `/v1/setup-links`: create, list, get, revoke |
//! | [`sessions`] | POST `/v1/setup-sessions`: a browser starts a session with the secret of a link |
//!
//! `shared/domain/src/setup/` has the rules. What a session may do is in the built-in policies
//! (`shared/policy/src/built_in.cedar`) and in `shared/policy/src/setup.rs`.

mod finished;
mod link_request;
pub mod links;
#[cfg(feature = "schema")]
pub mod schemas;
pub mod sessions;
