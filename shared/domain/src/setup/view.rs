//! A link as policies and the audit log see it.

use serde::Serialize;

use super::{Enable, Section, SetupLink};
use crate::Timestamp;
use crate::directory::ids::SsoConfigurationId;
use crate::ids::CredentialId;

/// A link as policies and the audit log see it.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "SetupLinkImage"))]
pub struct View<'a> {
    label: &'a str,
    sections: Vec<Section>,
    sso_configuration_id: Option<SsoConfigurationId>,
    expires_at: Timestamp,
    max_sessions: u8,
    allow_changes: bool,
    enable: Enable,
    /// Number of sessions that were started.
    sessions: usize,
    /// Sections that are complete.
    completed: Vec<Section>,
    completed_at: Option<Timestamp>,
    revoked_at: Option<Timestamp>,
    /// The event of a session.
    event: Option<&'static str>,
    /// The session that was started.
    session_id: Option<CredentialId>,
    /// The section that was completed.
    section: Option<Section>,
}

/// An event of a session of the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The session was started.
    Opened(CredentialId),
    /// A section is complete.
    SectionCompleted(Section),
    /// All sections are complete.
    Completed,
}

impl<'a> View<'a> {
    /// The link.
    pub fn of(link: &'a SetupLink) -> Self {
        Self {
            label: &link.label,
            sections: link.sections.iter().copied().collect(),
            sso_configuration_id: link.sso_configuration_id,
            expires_at: link.expires_at,
            max_sessions: link.max_sessions,
            allow_changes: link.allow_changes,
            enable: link.enable,
            sessions: link.sessions.len(),
            completed: link.progress.keys().copied().collect(),
            completed_at: link.completed_at(),
            revoked_at: link.revoked_at,
            event: None,
            session_id: None,
            section: None,
        }
    }

    /// The link after an event.
    pub fn after(link: &'a SetupLink, event: Event) -> Self {
        let view = Self { event: Some(event.as_str()), ..Self::of(link) };
        match event {
            Event::Opened(session) => Self { session_id: Some(session), ..view },
            Event::SectionCompleted(section) => Self { section: Some(section), ..view },
            Event::Completed => view,
        }
    }
}

impl Event {
    /// Returns the name: `section_completed`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Opened(_) => "opened",
            Self::SectionCompleted(_) => "section_completed",
            Self::Completed => "completed",
        }
    }
}
