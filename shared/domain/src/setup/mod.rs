//! Links to the setup page, with which a tenant's customer connects everything without an account.
//!
//! | modules | content |
//! |---|---|
//! | [`section`] | the parts of the page that a link opens |
//! | [`link`] | a link: its sessions, its progress and its end |
//! | [`session_secret`] | the secret that a browser makes for its session |
//! | [`view`] | a link as policies and the audit log see it |

pub mod link;
pub mod section;
pub mod session_secret;
pub mod view;

pub use link::{Enable, Ended, SetupLink, SetupScope, StartedSession};
pub use section::Section;
pub use session_secret::SessionSecret;
pub use view::{Event, View};
