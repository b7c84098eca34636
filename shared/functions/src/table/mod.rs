//! The rows of the table, one file per family.

mod directory;
mod events;
mod identity_center;
mod identity_source;
mod platform;

use crate::Function;

/// The rows of all families.
pub(crate) const FAMILIES: &[&[Function]] = &[
    identity_center::FUNCTIONS,
    directory::FUNCTIONS,
    identity_source::FUNCTIONS,
    platform::FUNCTIONS,
    events::FUNCTIONS,
];
