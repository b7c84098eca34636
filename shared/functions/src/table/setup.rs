//! Links to the setup page, and the sessions that they start.

use trustplane_policy::{Group, Kind};

use crate::Permission::{List, Read, Write};
use crate::endpoint::{Endpoint, http};
use crate::event_type::{EventType, When};
use crate::route::PAGED;
use crate::{Dialect, Function, JSON, Route, Trigger};

/// Fields that all endpoints for administrators share, and defaults.
const SETUP: Endpoint = Endpoint { family: "setup", group: Group::Administer, ..Endpoint::DEFAULT };

/// Functions of the family.
pub(super) const FUNCTIONS: &[Function] = &[
    http(Endpoint {
        name: "create-setup-link",
        summary: "Create setup link, its URL is shown once",
        method: "POST",
        path: "/v1/setup-links",
        resource: Kind::SetupLink,
        request: Some("NewSetupLink"),
        status: 201,
        response: Some("MadeSetupLink"),
        permissions: &[Read, Write],
        ..SETUP
    }),
    http(Endpoint {
        name: "list-setup-links",
        summary: "List setup links page by page",
        path: "/v1/setup-links",
        resource: Kind::Tenant,
        queries: PAGED,
        response: Some("SetupLinkPage"),
        permissions: &[Read, List],
        ..SETUP
    }),
    http(Endpoint {
        name: "get-setup-link",
        summary: "Get setup link",
        path: "/v1/setup-links/{id}",
        resource: Kind::SetupLink,
        response: Some("SetupLink"),
        permissions: &[Read],
        ..SETUP
    }),
    http(Endpoint {
        name: "delete-setup-link",
        summary: "Revoke setup link and end its sessions",
        method: "DELETE",
        path: "/v1/setup-links/{id}",
        resource: Kind::SetupLink,
        status: 204,
        permissions: &[Read, Write],
        ..SETUP
    }),
    Function {
        name: "create-setup-session",
        family: "setup",
        summary: "Start session of a setup link",
        trigger: Trigger::Http(Route {
            method: "POST",
            path: "/v1/setup-sessions",
            dialect: Dialect::Integration,
            action: None,
            queries: &[],
            request: Some("NewSetupSession"),
            status: 201,
            response: Some("SetupSession"),
            produces: &[JSON],
        }),
        permissions: &[Read, Write],
    },
];

/// Events of setup links and their sessions.
pub(super) const EVENT_TYPES: &[EventType] = &[
    on("create-setup-link", "setup-link.created", "A setup link was created"),
    on("delete-setup-link", "setup-link.revoked", "A setup link was revoked, and its sessions ended"),
    on("create-setup-session", "setup-link.opened", "A session of a setup link was started")
        .when(When::After("event", "opened")),
    section("create-setup-session"),
    section("test-identity-center-connection"),
    section("create-external-idp"),
    section("update-external-idp"),
    section("enable-external-idp"),
    section("refresh-external-idp"),
    section("import-external-idp-certificate"),
    section("verify-sso-configuration-domain"),
    on(
        "notify-expiring-keys",
        "setup-link.expired",
        "The time of a setup link is over, and not all of its sections are complete",
    )
    .notice(),
    completed("create-setup-session"),
    completed("test-identity-center-connection"),
    completed("create-external-idp"),
    completed("update-external-idp"),
    completed("enable-external-idp"),
    completed("refresh-external-idp"),
    completed("import-external-idp-certificate"),
    completed("verify-sso-configuration-domain"),
];

/// The completion of a section, beside the change of another resource.
const fn section(action: &'static str) -> EventType {
    on(action, "setup-link.section_completed", "A section of a setup link is complete")
        .when(When::After("event", "section_completed"))
}

/// The completion of the last section.
const fn completed(action: &'static str) -> EventType {
    on(action, "setup-link.completed", "All sections of a setup link are complete")
        .when(When::After("event", "completed"))
}

const fn on(action: &'static str, name: &'static str, summary: &'static str) -> EventType {
    EventType::of(action, name, Kind::SetupLink, "SetupLinkImage", summary)
}
