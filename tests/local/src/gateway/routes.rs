//! Routing: the selection of the function for a path.
//!
//! Source: "Create routes for HTTP APIs in API Gateway", API Gateway Developer Guide: first a full match, then a greedy
//! path variable, then `$default`.

use crate::template::Route;
use std::{cmp::Reverse, collections::BTreeMap, time::Duration};

/// The routes of an HTTP API.
pub(crate) struct Routes(Vec<Parsed>);

/// The route of a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Matched {
    /// `PUT /things/{id}` or `$default`.
    pub key: String,
    /// The function to invoke.
    pub function: String,
    /// Time limit of the integration.
    pub timeout: Duration,
    /// Values of the path's variables.
    pub parameters: BTreeMap<String, String>,
}

struct Parsed {
    route: Route,
    segments: Vec<Segment>,
}

/// A segment of a route. Earlier variants take precedence.
#[derive(PartialEq, Eq, PartialOrd, Ord, Clone)]
enum Segment {
    Literal(String),
    Variable(String),
    Greedy(String),
}

impl Routes {
    pub fn new(routes: &[Route]) -> Self {
        let parsed = routes.iter().map(|route| Parsed { route: route.clone(), segments: segments(&route.path) });
        Self(parsed.collect())
    }

    /// Finds the route for a method and a decoded path.
    pub fn find(&self, method: &str, path: &str) -> Option<Matched> {
        let parts: Vec<&str> = path.strip_prefix('/').unwrap_or(path).split('/').collect();
        let candidates = self
            .0
            .iter()
            .filter(|parsed| matches!(parsed.route.method.as_str(), "ANY") || parsed.route.method == method);
        let best = candidates
            .filter_map(|parsed| {
                let parameters = if parsed.route.path == "$default" { BTreeMap::new() } else { parsed.bind(&parts)? };
                Some((parsed, parameters))
            })
            .min_by_key(|(parsed, _)| parsed.rank());
        best.map(|(parsed, parameters)| Matched {
            key: parsed.key(),
            function: parsed.route.function.clone(),
            timeout: parsed.route.timeout,
            parameters,
        })
    }
}

impl Parsed {
    fn bind(&self, parts: &[&str]) -> Option<BTreeMap<String, String>> {
        let mut parameters = BTreeMap::new();
        let mut rest = parts;
        for segment in &self.segments {
            let (part, after) = rest.split_first()?;
            match segment {
                Segment::Literal(literal) if literal == part => rest = after,
                Segment::Variable(name) if !part.is_empty() => {
                    parameters.insert(name.clone(), (*part).to_owned());
                    rest = after;
                }
                Segment::Greedy(name) if !part.is_empty() => {
                    parameters.insert(name.clone(), rest.join("/"));
                    rest = &[];
                }
                _ => return None,
            }
        }
        rest.is_empty().then_some(parameters)
    }

    /// Sort key of precedence: `$default` last, then greedy routes; more literal routes before others, a named method
    /// before `ANY`.
    fn rank(&self) -> impl Ord + use<> {
        let greedy = matches!(self.segments.last(), Some(Segment::Greedy(_)));
        let kinds: Vec<u8> = self
            .segments
            .iter()
            .map(|segment| match segment {
                Segment::Literal(_) => 0,
                Segment::Variable(_) => 1,
                Segment::Greedy(_) => 2,
            })
            .collect();
        (self.route.path == "$default", greedy, Reverse(kinds.len()), kinds, self.route.method == "ANY")
    }

    fn key(&self) -> String {
        match self.route.path.as_str() {
            "$default" => "$default".to_owned(),
            path => format!("{} {path}", self.route.method),
        }
    }
}

fn segments(path: &str) -> Vec<Segment> {
    let segment = |part: &str| match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
        Some(name) => match name.strip_suffix('+') {
            Some(name) => Segment::Greedy(name.to_owned()),
            None => Segment::Variable(name.to_owned()),
        },
        None => Segment::Literal(part.to_owned()),
    };
    path.strip_prefix('/').unwrap_or(path).split('/').map(segment).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(routes: &[(&str, &str)], method: &str, path: &str) -> Option<(String, Vec<(String, String)>)> {
        let routes: Vec<_> = routes
            .iter()
            .map(|(method, path)| Route {
                method: (*method).to_owned(),
                path: (*path).to_owned(),
                function: String::new(),
                timeout: Duration::ZERO,
            })
            .collect();
        let matched = Routes::new(&routes).find(method, path)?;
        Some((matched.key, matched.parameters.into_iter().collect()))
    }

    const ROUTES: &[(&str, &str)] = &[
        ("ANY", "$default"),
        ("ANY", "/v1/{proxy+}"),
        ("GET", "/v1/keys/{id}"),
        ("POST", "/v1/keys/temporary"),
        ("GET", "/v1/keys/{id}/uses"),
        ("ANY", "/v1/keys"),
        ("GET", "/v1/keys"),
        ("GET", "/"),
    ];

    #[test]
    fn prefers_the_most_specific_route() {
        for (method, path, key) in [
            ("GET", "/v1/keys", "GET /v1/keys"),
            ("PUT", "/v1/keys", "ANY /v1/keys"),
            ("GET", "/v1/keys/temporary", "GET /v1/keys/{id}"),
            ("POST", "/v1/keys/temporary", "POST /v1/keys/temporary"),
            ("PUT", "/v1/keys/temporary", "ANY /v1/{proxy+}"),
            ("GET", "/v1/keys/a/uses", "GET /v1/keys/{id}/uses"),
            ("GET", "/v1/keys/", "ANY /v1/{proxy+}"),
            ("GET", "/v1", "$default"),
            ("GET", "/V1/keys", "$default"),
            ("GET", "/", "GET /"),
            ("HEAD", "/", "$default"),
            ("GET", "//", "$default"),
        ] {
            assert_eq!(found(ROUTES, method, path).unwrap().0, key, "{method} {path}");
        }
        assert_eq!(found(&ROUTES[1..], "GET", "/elsewhere"), None);
    }

    #[test]
    fn binds_variables() {
        let value = |path: &str| found(ROUTES, "GET", path).unwrap().1[0].1.clone();
        assert_eq!(value("/v1/keys/a b+c"), "a b+c");
        assert_eq!(value("/v1/a//b/"), "a//b/");
    }
}
