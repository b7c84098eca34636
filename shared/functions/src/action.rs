//! The Cedar actions of the table.

use trustplane_policy::{Action, Group, Kind};

use crate::routes;

/// Returns all actions that policies can name: those of the routes, and the decisions on a version.
pub fn actions() -> impl Iterator<Item = Action> {
    routes().filter_map(|(_, route)| route.action).chain(DECISIONS.iter().copied())
}

/// Decisions on a version. They share the route of `put-sso-configuration-version`; the requested status selects one.
const DECISIONS: &[Action] = &[
    decision("activate-sso-configuration-version"),
    decision("approve-sso-configuration-version"),
    decision("deactivate-sso-configuration-version"),
    decision("reject-sso-configuration-version"),
];

const fn decision(name: &'static str) -> Action {
    Action { name, group: Group::Approve, resource: Kind::SsoConfigurationVersion }
}
