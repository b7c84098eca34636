//! The platform: health, what no other function answers, and what operators invoke.

use trustplane_policy::{Group, Kind};

use super::Use::{Read, Seal, Write};
use super::{Function, JSON, Route, Trigger, http, operator};
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
    // Policies.
    http(
        "platform",
        "list-policies",
        ("GET", "/v1/policies"),
        (Integration, Group::Administer, Kind::Tenant),
        (None, 200, Some("Policies")),
        &[Read],
        "Lists the policies, the built-in ones too",
    ),
    http(
        "platform",
        "put-policy",
        ("PUT", "/v1/policies/{id}"),
        (Integration, Group::Administer, Kind::Policy),
        (Some("SavePolicy"), 200, Some("Policy")),
        &[Read, Write],
        "Saves a Cedar policy of the tenant's own",
    ),
    http(
        "platform",
        "delete-policy",
        ("DELETE", "/v1/policies/{id}"),
        (Integration, Group::Administer, Kind::Policy),
        (None, 204, None),
        &[Read, Write],
        "Deletes a policy of the tenant's own",
    ),
    http(
        "platform",
        "evaluate-policies",
        ("POST", "/v1/policies/evaluate"),
        (Integration, Group::Administer, Kind::Tenant),
        (Some("EvaluatePolicies"), 200, Some("Evaluation")),
        &[Read],
        "Says what the policies, or a draft of them, would decide",
    ),
    operator("reset-policies", &[Read, Write], "Disables all of a tenant's own policies, and keeps them"),
    operator("create-tenant", &[Write], "Makes a tenant with its ExternalId"),
    operator("create-credential", &[Read, Write], "Makes a credential of a tenant, its first one too"),
    operator(
        "decode-authorization-message",
        &[Seal],
        "Opens the `encoded_authorization_message` of a denied request: why it was denied",
    ),
];
