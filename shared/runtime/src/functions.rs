//! The table of functions: name, how it is invoked, Cedar action, dialect, and what of AWS it uses. The one place where
//! these stand, a file a family; the binaries, `template.yaml`, `openapi.json`, `events/` and the README are tested against it.

mod directory;
mod identity_center;
mod identity_source;
mod platform;
mod events;

use trustplane_policy::{Action, Group, Kind};

use crate::Dialect;

/// One Lambda function, and one binary.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    /// `<verb>-<resource>`, unique.
    pub name: &'static str,
    /// The package under `functions/`.
    pub family: &'static str,
    /// What it does, in a line.
    pub summary: &'static str,
    /// How it is invoked.
    pub trigger: Trigger,
    /// What of AWS it uses beside writing its log, and beside [`Use::Mac`] where a credential calls it.
    pub uses: &'static [Use],
}

/// How a function is invoked.
#[derive(Clone, Copy, Debug)]
pub enum Trigger {
    /// By API Gateway.
    Http(Route),
    /// By API Gateway, for every path and method that no other function has.
    Unmatched,
    /// Directly, by an operator under IAM.
    Operator,
    /// By EventBridge, on a schedule: `rate(1 hour)`.
    Schedule(&'static str),
    /// By the table's stream, for new audit records.
    AuditStream,
}

/// A path and method.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// `PUT`.
    pub method: &'static str,
    /// `/v1/instances/{instance_id}/identity-store-associations`.
    pub path: &'static str,
    /// How errors and headers are written.
    pub dialect: Dialect,
    /// What Cedar is asked; `None` where no credential is needed.
    pub action: Option<Action>,
    /// The schema of the request's body in `openapi.json`; `None` where there is no body.
    pub request: Option<&'static str>,
    /// Status and schema of the good reply.
    pub reply: (u16, Option<&'static str>),
    /// The media type of the good reply.
    pub produces: &'static str,
}

/// The media type of most replies.
pub(crate) const JSON: &str = "application/json";

/// Leave of AWS that a function needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Gets items by their keys.
    Read,
    /// Lists items.
    List,
    /// Writes transactions.
    Write,
    /// Counts in place.
    Count,
    /// Reads the due list.
    Due,
    /// Assumes customers' roles.
    AssumeRole,
    /// Seals and opens texts with the platform's key.
    Seal,
    /// Derives secrets of access keys with the platform's key for that.
    Mac,
    /// Reads the public half of the platform's signing key.
    PublicKey,
    /// Makes key pairs whose private keys the platform's key encrypts.
    KeyPair,
    /// Puts events on the bus.
    PutEvents,
    /// Sends what it gives up on to the queue of dead letters.
    DeadLetters,
}

/// Every function there is.
pub fn functions() -> impl Iterator<Item = &'static Function> {
    [
        identity_center::FUNCTIONS,
        directory::FUNCTIONS,
        identity_source::FUNCTIONS,
        platform::FUNCTIONS,
        events::FUNCTIONS,
    ]
    .into_iter()
    .flatten()
}

/// A function behind API Gateway.
const fn http(
    family: &'static str,
    name: &'static str,
    (method, path): (&'static str, &'static str),
    (dialect, group, resource): (Dialect, Group, Kind),
    (request, status, schema): (Option<&'static str>, u16, Option<&'static str>),
    uses: &'static [Use],
    summary: &'static str,
) -> Function {
    let action = Some(Action { name, group, resource });
    let route = Route { method, path, dialect, action, request, reply: (status, schema), produces: JSON };
    Function { name, family, summary, trigger: Trigger::Http(route), uses }
}

impl Function {
    /// The same, answering with another media type than JSON.
    const fn producing(mut self, media_type: &'static str) -> Self {
        if let Trigger::Http(route) = &mut self.trigger {
            route.produces = media_type;
        }
        self
    }
}

/// A function that operators invoke.
const fn operator(name: &'static str, uses: &'static [Use], summary: &'static str) -> Function {
    Function { name, family: "platform", summary, trigger: Trigger::Operator, uses }
}

/// The function of this name.
pub fn function(name: &str) -> Option<&'static Function> {
    functions().find(|function| function.name == name)
}

/// All functions that have a route of their own.
pub fn routes() -> impl Iterator<Item = (&'static Function, &'static Route)> {
    functions().filter_map(|function| match &function.trigger {
        Trigger::Http(route) => Some((function, route)),
        _ => None,
    })
}

/// All actions that policies can speak of: those of the routes, and those that a request decides on by what it asks.
pub fn actions() -> impl Iterator<Item = Action> {
    routes().filter_map(|(_, route)| route.action).chain(ALSO_ACTIONS.iter().copied())
}

/// Actions that no route has as its own.
const ALSO_ACTIONS: &[Action] = &[
    decision("activate-sso-configuration-version"),
    decision("approve-sso-configuration-version"),
    decision("deactivate-sso-configuration-version"),
    decision("reject-sso-configuration-version"),
];

/// What a request for another status of a version is.
const fn decision(name: &'static str) -> Action {
    Action { name, group: Group::Approve, resource: Kind::SsoConfigurationVersion }
}

impl Function {
    /// All that it uses: the IAM statements it gets. Whoever calls it may have signed with an access key, whose secret is
    /// derived then.
    pub fn all_uses(&self) -> impl Iterator<Item = Use> {
        let called_by_a_credential = matches!(&self.trigger, Trigger::Http(route) if route.action.is_some());
        self.uses.iter().copied().chain(called_by_a_credential.then_some(Use::Mac))
    }
}

impl Route {
    /// The values of the path's parameters, if `path` (decoded, as HTTP API gives it) is one of this route's.
    pub fn matches(&self, path: &str) -> bool {
        let mut pattern = self.path.split('/');
        let mut segments = path.split('/');
        loop {
            match (pattern.next(), segments.next()) {
                (None, None) => return true,
                (Some(wanted), Some(found)) if wanted.starts_with('{') && !found.is_empty() => {}
                (Some(wanted), Some(found)) if wanted == found => {}
                _ => return false,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_and_routes_are_unique() {
        let names: BTreeSet<_> = functions().map(|function| function.name).collect();
        assert_eq!(names.len(), functions().count());
        let unique: BTreeSet<_> = routes().map(|(_, route)| (route.method, route.path)).collect();
        assert_eq!(unique.len(), routes().count());
    }

    #[test]
    fn denials_of_the_dialect_that_seals_them_can_be_sealed() {
        for (function, _) in routes().filter(|(_, route)| route.dialect == Dialect::IdentitySource) {
            assert!(function.uses.contains(&Use::Seal), "{}", function.name);
        }
    }

    #[test]
    fn parameters_match_one_segment_and_not_none() {
        let (_, route) = routes().find(|(function, _)| function.name == "get-health").unwrap();
        assert!(route.matches("/healthz"));
        assert!(!route.matches("/healthz/"));
        let route = Route { path: "/v1/instances/{instance_id}/x", ..*route };
        assert!(route.matches("/v1/instances/a b/x"));
        assert!(!route.matches("/v1/instances//x"));
        assert!(!route.matches("/v1/instances/a/b/x"));
    }
}
