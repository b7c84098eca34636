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
    /// The query parameters.
    pub queries: &'static [&'static str],
    /// The schema of the request body in `openapi.json`; `None` if there is no body.
    pub request: Option<&'static str>,
    /// The status of a success.
    pub status: u16,
    /// The schema of the response body on success; `None` if there is no body.
    pub response: Option<&'static str>,
    /// The media types of the response body on success. `Accept` selects one, the first by default.
    pub produces: &'static [&'static str],
}

impl Route {
    /// Returns true if an unknown field of the body, and an unknown or repeated query parameter, is an error. Elsewhere it
    /// is ignored.
    pub fn is_strict(&self) -> bool {
        let mut bases = VENDORS.iter();
        !bases.any(|base| self.path.strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
    }

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

/// Base paths of the APIs of vendors, whose clients may send more than the service knows.
const VENDORS: [&str; 6] = [
    "/v1/integrations/aws-identity-center",
    "/v1/aws",
    "/v1/instances",
    "/v1/identity-stores",
    "/organisations",
    "/references",
];

/// Query parameters of lists of the integration dialect.
pub(crate) const PAGED: &[&str] = &["limit", "cursor"];

/// Query parameters of lists of the directory.
pub(crate) const SORTED: &[&str] = &["page", "size", "sort"];

/// Query parameters of lists of the directory that can be filtered.
pub(crate) const FILTERED: &[&str] = &["page", "size", "sort", "status", "hideInactive", "filterBy"];

/// Returns the methods that `path` has, sorted. A path without parameters hides those with one in its place: `temporary` is
/// no id of a key.
pub fn methods(path: &str) -> Vec<&'static str> {
    let is_literal = routes().any(|(_, route)| route.path == path);
    let has = |route: &Route| if is_literal { route.path == path } else { route.matches(path) };
    let mut methods: Vec<_> = routes().filter(|(_, route)| has(route)).map(|(_, route)| route.method).collect();
    methods.sort_unstable();
    methods
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
    fn vendors_are_lenient_and_all_else_is_strict() {
        let strict: BTreeSet<_> =
            routes().filter(|(_, route)| route.is_strict()).map(|(_, route)| route.path).collect();
        for path in ["/healthz", "/v1/api-keys/{id}", "/v1/policies/evaluate", "/v1/audit-log", "/v1/sso/route"] {
            assert!(strict.contains(path), "{path}");
        }
        for path in
            ["/v1/aws/accounts", "/organisations", "/v1/instances", "/v1/integrations/aws-identity-center/config"]
        {
            assert!(routes().any(|(_, route)| route.path == path) && !strict.contains(path), "{path}");
        }
    }

    #[test]
    fn lists_have_the_parameters_of_pages() {
        for (function, route) in routes() {
            let page = route.response.is_some_and(|schema| schema.ends_with("Page"));
            let parameters: &[&str] = match route.dialect {
                Dialect::Directory => SORTED,
                Dialect::Integration => PAGED,
                Dialect::IdentitySource => continue,
            };
            // All policies of a tenant are one page, and all webhooks.
            if page && !["list-policies", "list-webhooks"].contains(&function.name) {
                assert!(parameters.iter().all(|name| route.queries.contains(name)), "{}", function.name);
            }
        }
    }

    #[test]
    fn methods_of_a_path() {
        assert_eq!(methods("/v1/api-keys/x"), ["DELETE", "GET", "PUT"]);
        assert_eq!(methods("/organisations/acme"), ["GET", "PUT"]);
        assert!(methods("/v1/api-keys/x/y").is_empty());
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
