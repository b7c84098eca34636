//! The platform: health, what no other function answers, and what operators invoke.

use trustplane_policy::{Group, Kind};

use super::Use::{List, Mac, Read, Seal, Write};
use super::{Function, Route, Trigger, http, operator};
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
    http(
        "platform",
        "create-api-key",
        ("POST", "/v1/api-keys"),
        (Integration, Group::Administer, Kind::ApiKey),
        (Some("NewApiKey"), 201, Some("MadeApiKey")),
        &[Read, Write],
        "Makes a credential; its secret is shown this once",
    ),
    http(
        "platform",
        "create-temporary-api-key",
        ("POST", "/v1/api-keys/temporary"),
        (Integration, Group::Read, Kind::ApiKey),
        (Some("NewTemporaryApiKey"), 201, Some("MadeTemporaryApiKey")),
        &[Read, Write],
        "Makes a temporary access key of the caller's; it is stored nowhere",
    ),
    http(
        "platform",
        "list-api-keys",
        ("GET", "/v1/api-keys"),
        (Integration, Group::Administer, Kind::Tenant),
        (None, 200, Some("ApiKeyPage")),
        &[Read, List],
        "Lists credentials, a page at a time",
    ),
    http(
        "platform",
        "get-api-key",
        ("GET", "/v1/api-keys/{id}"),
        (Integration, Group::Administer, Kind::ApiKey),
        (None, 200, Some("ApiKey")),
        &[Read],
        "Shows a credential",
    ),
    http(
        "platform",
        "put-api-key",
        ("PUT", "/v1/api-keys/{id}"),
        (Integration, Group::Administer, Kind::ApiKey),
        (Some("ApiKeyUpdate"), 200, Some("ApiKey")),
        &[Read, Write],
        "Changes a credential's name, roles and expiry",
    ),
    http(
        "platform",
        "rotate-api-key",
        ("POST", "/v1/api-keys/{id}/rotate"),
        (Integration, Group::Administer, Kind::ApiKey),
        (Some("ApiKeyRotation"), 201, Some("MadeApiKey")),
        &[Read, Write],
        "Makes a credential that takes another's place, which ends after an overlap",
    ),
    http(
        "platform",
        "delete-api-key",
        ("DELETE", "/v1/api-keys/{id}"),
        (Integration, Group::Administer, Kind::ApiKey),
        (None, 204, None),
        &[Read, Write],
        "Revokes a credential",
    ),
    operator("create-tenant", &[Write], "Makes a tenant with its ExternalId"),
    operator("create-credential", &[Read, Write, Mac], "Makes a credential of a tenant, its first one too"),
    operator("describe-tenant", &[Read, List], "Shows a tenant and how much it has"),
    operator("list-tenants", &[Read, List], "Lists tenants, a page at a time"),
    operator("suspend-tenant", &[Read, Write], "Has a tenant's requests refused and its events skipped"),
    operator("resume-tenant", &[Read, Write], "Has a suspended tenant served again"),
    operator(
        "decode-authorization-message",
        &[Seal],
        "Opens the `encoded_authorization_message` of a denied request: why it was denied",
    ),
];
