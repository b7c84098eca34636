//! A route, and the look-up by route.

use trustplane_policy::Action;

use crate::{Dialect, Function, Trigger, functions};

/// The media type of most responses.
pub const JSON: &str = "application/json";

/// A path and method.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// The HTTP method: `PUT`.
    pub method: &'static str,
    /// The path: `/v1/instances/{instance_id}/identity-store-associations`.
    pub path: &'static str,
    /// The format of errors and headers.
    pub dialect: Dialect,
    /// The action that Cedar decides on; `None` if no credential is needed.
    pub action: Option<Action>,
    /// The schema of the request body in `openapi.json`; `None` if there is no body.
    pub request: Option<&'static str>,
    /// The status of a success.
    pub status: u16,
    /// The schema of the response body on success; `None` if there is no body.
    pub response: Option<&'static str>,
    /// The media type of the response body on success.
    pub produces: &'static str,
}

impl Route {
    /// Returns true if `path` (decoded, as HTTP API gives it) is one of this route's.
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

/// Returns all functions that have a route of their own.
pub fn routes() -> impl Iterator<Item = (&'static Function, &'static Route)> {
    functions().filter_map(|function| match &function.trigger {
        Trigger::Http(route) => Some((function, route)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn routes_are_unique() {
        let unique: BTreeSet<_> = routes().map(|(_, route)| (route.method, route.path)).collect();
        assert_eq!(unique.len(), routes().count());
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
