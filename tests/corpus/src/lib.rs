//! Metadata as each kind of identity provider writes it, with the facts that an import has to find.
//!
//! Documents are generated, since real ones expire. Each follows a public document of its kind in order, prefixes, line
//! breaks, roles and attributes. The certificates are made here too, so that nothing of the importer is used.
#![allow(clippy::expect_used, reason = "a generator for tests that cannot generate has to stop")]

mod certificate;
mod der;
mod documents;

use serde::Serialize;
use time::OffsetDateTime;

pub use certificate::{Certificate, Digest, Validity, strong, weak};
pub use documents::all;

/// Metadata of a kind of identity provider.
#[derive(Clone, Debug, Serialize)]
pub struct Document {
    /// The kind.
    pub kind: &'static str,
    /// The text.
    pub text: String,
    /// Entity id that selects one provider, where the document holds several.
    pub select: Option<&'static str>,
    /// The facts that an import finds.
    pub facts: Facts,
}

/// Facts that an import of metadata finds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Facts {
    /// Name of the provider.
    pub entity_id: String,
    /// Address where it signs users in.
    pub login_url: String,
    /// True if it wants signed requests.
    pub want_request_signed: bool,
    /// SHA-256 of each usable certificate, in order.
    pub fingerprints: Vec<String>,
    /// SHA-256 of each certificate for signing that cannot be used, in order.
    pub left_out: Vec<String>,
    /// Number of usable certificates whose own signature can be forged.
    pub forgeable: usize,
}

/// Writes a time as metadata does.
fn moment(days_from_now: i64) -> String {
    let at = OffsetDateTime::now_utc() + time::Duration::days(days_from_now);
    let (date, time) = (at.date(), at.time());
    format!("{date}T{:02}:{:02}:{:02}Z", time.hour(), time.minute(), time.second())
}
