//! Rules for requests to addresses that a tenant chose: URLs, ports, IP addresses. Pure: the network is in
//! `shared/outbound`.
//!
//! | item | content |
//! |---|---|
//! | [`OutboundUrl`] | a parsed `https` URL, as a tenant wrote it |
//! | [`Rules`] | the ports, hosts and addresses that a request may go to |
//! | [`is_public`] | classification of one IP address |
//! | [`Validators`] | `ETag` and `Last-Modified` of a document, for the next conditional request |

mod public_address;
mod rules;
mod url;
mod validators;

pub use public_address::is_public;
pub use rules::{Purpose, Rules, UrlRefusal};
pub use url::{Host, OutboundUrl};
pub use validators::Validators;
