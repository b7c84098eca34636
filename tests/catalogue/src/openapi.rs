//! `openapi.json`: OpenAPI 3.1 of every endpoint. Paths, methods and good replies come from the table of functions,
//! errors from its dialects, and the bodies' schemas from `schemas/`, which the end-to-end tests hold every reply
//! against.

#![allow(clippy::indexing_slicing, reason = "a field of a JSON object that was just made")]

use serde_json::{Map, Value, json};
use trustplane_runtime::{Dialect, Route, routes};

use crate::parameters::parameters;

/// A file a dialect or family, and one of what they share.
const SCHEMAS: &[&str] = &[
    include_str!("schemas/shared.json"),
    include_str!("schemas/integration.json"),
    include_str!("schemas/platform.json"),
    include_str!("schemas/policies.json"),
    include_str!("schemas/audit.json"),
    include_str!("schemas/identity_source.json"),
    include_str!("schemas/directory.json"),
];

/// The document.
pub(crate) fn openapi() -> String {
    let mut paths = Map::new();
    for (function, route) in routes() {
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.method.to_ascii_lowercase()] = operation(function.name, function.summary, route);
    }
    let schemas: Map<String, Value> =
        SCHEMAS.iter().flat_map(|file| serde_json::from_str::<Map<_, _>>(file).unwrap_or_default()).collect();
    let document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Trustplane",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "A multi-tenant control plane for single sign-on configuration, in the dialects of three APIs.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "http://localhost:3000", "description": "cargo local"}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
                "signature": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": "SDK-HMAC-SHA256 with an access key pair, over X-Sdk-Date and what else is listed in \
                                    SignedHeaders; a temporary key sends its X-Security-Token too.",
                },
            },
        },
    });
    serde_json::to_string_pretty(&document).unwrap_or_default() + "\n"
}

fn operation(name: &str, summary: &str, route: &Route) -> Value {
    let (status, schema) = route.reply;
    let mut good = json!({"description": "done"});
    if let Some(schema) = schema {
        good["content"] = content(route.produces, schema);
    }
    let error = match route.dialect {
        Dialect::Integration => "IntegrationError",
        Dialect::IdentitySource => "IdentitySourceError",
        Dialect::Directory => "DirectoryError",
    };
    let mut responses = json!({status.to_string(): good});
    if route.action.is_some() {
        responses["default"] = json!({"description": "not done", "content": content("application/json", error)});
        if route.dialect == Dialect::Directory {
            for (status, description) in [("401", "not authenticated"), ("403", "not allowed")] {
                responses[status] = json!({"description": description});
            }
        }
    }
    let mut operation = json!({
        "operationId": name,
        "summary": summary,
        "parameters": parameters(name, route),
        "responses": responses,
        "security": if route.action.is_some() { json!([{"bearer": []}, {"apiKey": []}, {"signature": []}]) } else { json!([]) },
    });
    if let Some(schema) = route.request {
        operation["requestBody"] = json!({"required": true, "content": content("application/json", schema)});
    }
    operation
}

fn content(media_type: &str, schema: &str) -> Value {
    json!({media_type: {"schema": {"$ref": format!("#/components/schemas/{schema}")}}})
}
