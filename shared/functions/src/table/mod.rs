//! The rows of the table, one file per family.

mod directory;
mod event_types;
mod events;
mod identity_center;
mod identity_source;
mod platform;
mod setup;
mod setup_page;

use crate::{EventType, Function};

/// The rows of all families.
pub(crate) const FAMILIES: &[&[Function]] = &[
    identity_center::FUNCTIONS,
    directory::FUNCTIONS,
    identity_source::FUNCTIONS,
    platform::FUNCTIONS,
    setup::FUNCTIONS,
    setup_page::FUNCTIONS,
    events::FUNCTIONS,
];

/// The names of events of all families.
pub(crate) const EVENT_TYPES: &[&[EventType]] = &[
    event_types::IDENTITY_CENTER,
    event_types::DIRECTORY,
    event_types::IDENTITY_SOURCE,
    event_types::PLATFORM,
    setup::EVENT_TYPES,
    event_types::EVENTS,
];
