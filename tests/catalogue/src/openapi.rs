//! `openapi.json`: OpenAPI 3.1 of every endpoint. Paths, methods and responses come from the table of functions,
//! errors from its dialects, and the bodies' schemas from [`schemas`],
//! most of which are derived from the types that are parsed and serialized. The end-to-end tests validate every response
//! with them.

#![allow(clippy::indexing_slicing, reason = "a field of a JSON object that was just made")]

use serde_json::{Map, Value, json};
use trustplane_functions::{Dialect, Route, routes};

use crate::parameters::parameters;
use crate::schemas::{self, SchemaError};

/// Renders the document.
pub(crate) fn openapi() -> Result<String, SchemaError> {
    let schemas = schemas::all()?;
    schemas::check_routes(routes(), &schemas)?;
    let mut paths = Map::new();
    for (function, route) in routes() {
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.method.to_ascii_lowercase()] = operation(function.name, function.summary, route);
    }
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
    schemas::check_references(&document)?;
    Ok(format!("{document:#}\n"))
}

fn operation(name: &str, summary: &str, route: &Route) -> Value {
    let mut good = json!({"description": "done"});
    if let Some(schema) = route.response {
        for media_type in route.produces {
            good["content"][media_type] = body(schema);
        }
    }
    let error = match route.dialect {
        Dialect::Integration => "IntegrationError",
        Dialect::IdentitySource => "IdentitySourceError",
        Dialect::Directory => "DirectoryError",
    };
    let mut responses = json!({route.status.to_string(): good});
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
    json!({media_type: body(schema)})
}

fn body(schema: &str) -> Value {
    json!({"schema": {"$ref": format!("#/components/schemas/{schema}")}})
}
