//! Validates every response against `openapi.json`: a success by its endpoint's schema, an error by its dialect's.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jsonschema::{Registry, Validator};
use serde_json::{Value, json};
use trustplane_runtime::{Dialect, Route, routes};

use crate::{Reply, Request, exchanges};

const OPENAPI: &str = include_str!("../../../openapi.json");

/// Name of the document in the registry of schemas.
const ADDRESS: &str = "https://trustplane.example/openapi.json";

/// Headers that the document lists wherever a response has them.
const HEADERS: [&str; 7] =
    ["etag", "retry-after", "allow", "www-authenticate", "warning", "age", "idempotency-replayed"];

/// The document, and its compiled schemas.
pub(crate) struct Contract {
    document: Value,
    schemas: BTreeMap<String, Validator>,
}

impl Contract {
    /// The contract of this test program. It is large, so that stacks share it.
    pub(crate) fn shared() -> &'static Self {
        static CONTRACT: LazyLock<Contract> = LazyLock::new(Contract::read);
        &CONTRACT
    }

    fn read() -> Self {
        let document: Value = serde_json::from_str(OPENAPI).unwrap();
        let registry = Registry::new().add(ADDRESS, &document).unwrap().prepare().unwrap();
        let names: Vec<String> = document["components"]["schemas"].as_object().unwrap().keys().cloned().collect();
        let compiled = names.into_iter().map(|name| {
            let schema = json!({"$ref": format!("{ADDRESS}#/components/schemas/{name}")});
            let validator = jsonschema::options().with_registry(&registry).build(&schema);
            let validator = validator.unwrap_or_else(|error| panic!("{name}: {error}"));
            (name, validator)
        });
        let schemas = compiled.collect();
        drop(registry);
        Self { document, schemas }
    }

    /// Panics if the document does not have the status of the response, or one of its headers.
    fn is_documented(&self, route: &Route, reply: &Reply, said: &str) {
        let operation = &self.document["paths"][route.path][route.method.to_ascii_lowercase()];
        let mut response = &operation["responses"][reply.status.to_string()];
        if let Some(reference) = response["$ref"].as_str() {
            response = self.document.pointer(&reference[1..]).unwrap();
        }
        assert!(response.is_object(), "the API document does not have this status: {said}");
        let listed: Vec<String> =
            response["headers"].as_object().into_iter().flatten().map(|(name, _)| name.to_lowercase()).collect();
        for name in HEADERS.into_iter().filter(|name| reply.header(name).is_some()) {
            assert!(listed.iter().any(|other| other == name), "the API document does not have `{name}`: {said}");
        }
    }

    /// Panics if the response does not conform to the contract.
    pub(crate) fn hold(&self, request: &Request, reply: &Reply) {
        let path = request.path.split('?').next().unwrap_or_default();
        let route = routes().find(|(_, route)| route.method == request.method && route.matches(path));
        let Some((function, route)) = route else { return };
        let said = format!("{}: {} {}", function.name, reply.status, reply.text);
        // Responses of API Gateway itself have no dialect and no request id.
        let Some(request_id) = reply.header("x-request-id") else { return };
        exchanges::record(function.name, request, reply);
        if route.dialect == Dialect::Directory {
            assert!(reply.header("x-fapi-interaction-id").is_some(), "{said}");
        }
        self.is_documented(route, reply, &said);
        let schema = match (reply.status < 400, route.dialect) {
            (true, _) => {
                assert_eq!(reply.status, route.status, "{said}");
                route.response
            }
            (false, Dialect::Integration) => Some("IntegrationError"),
            (false, Dialect::IdentitySource) => {
                assert_eq!(reply.body["request_id"], request_id, "{said}");
                Some("IdentitySourceError")
            }
            (false, Dialect::Directory) if matches!(reply.status, 401 | 403 | 429 | 500..) => None,
            (false, Dialect::Directory) => Some("DirectoryError"),
        };
        match schema {
            // A document, a stylesheet or a script.
            None if !route.produces.contains(&trustplane_runtime::JSON) => {}
            None => assert_eq!(reply.text, "", "{said}"),
            Some(schema) => {
                let validator = self.schemas.get(schema).unwrap_or_else(|| panic!("no schema {schema}"));
                let json = reply.header("content-type").is_some_and(|text| text.starts_with("application/json"));
                let text = Value::String(reply.text.clone());
                let body = if json { &reply.body } else { &text };
                let faults: Vec<String> = validator.iter_errors(body).map(|fault| fault.to_string()).collect();
                assert!(faults.is_empty(), "{said}\n{}", faults.join("\n"));
            }
        }
    }
}
