//! The platform: health, what no other function answers, and what operators invoke.

use super::Use::{Read, Seal, Write};
use super::{Function, JSON, Route, Trigger, operator};
use crate::Dialect::Integration;

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "get-health",
        family: "platform",
        summary: "Says that the service is up, and its version",
        trigger: Trigger::Http(Route {
            method: "GET",
            path: "/healthz",
            dialect: Integration,
            action: None,
            request: None,
            reply: (200, Some("Health")),
            produces: JSON,
        }),
        uses: &[],
    },
    Function {
        name: "unmatched-route",
        family: "platform",
        summary: "Answers every other path and method, in the dialect of its prefix",
        trigger: Trigger::Unmatched,
        uses: &[],
    },
    operator("create-tenant", &[Write], "Makes a tenant with its ExternalId"),
    operator("create-credential", &[Read, Write], "Makes a credential of a tenant, its first one too"),
    operator(
        "decode-authorization-message",
        &[Seal],
        "Opens the `encoded_authorization_message` of a denied request: why it was denied",
    ),
];
