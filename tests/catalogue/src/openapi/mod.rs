//! `openapi.json`: OpenAPI 3.1 of every endpoint. Paths, methods and titles come from the table of functions, schemas from
//! the types that are parsed and serialized, errors from the dialects, descriptions from `prose.md`, and examples from
//! requests of the end-to-end tests. These tests also validate every response against the document.

#![allow(clippy::indexing_slicing, reason = "a field of a JSON object that was just made")]

mod examples;
mod parameters;
mod prose;
mod responses;

use serde_json::{Map, Value, json};
use trustplane_functions::{Function, Route, routes};

use self::examples::Examples;
use self::prose::{Prose, ProseError};
use crate::schemas::{self, SchemaError};

/// Introduction of the document.
const INTRODUCTION: &str = include_str!("introduction.md");

/// An error in the sources of the document.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DocumentError {
    /// An error in the schemas.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// An error in the descriptions.
    #[error(transparent)]
    Prose(#[from] ProseError),
    /// An error in the examples.
    #[error("`openapi/examples.json` cannot be read: {0}")]
    Examples(#[from] serde_json::Error),
}

/// Renders the document.
pub(crate) fn openapi() -> Result<String, DocumentError> {
    let mut schemas = schemas::all()?;
    schemas::check_routes(routes(), &schemas)?;
    responses::enumerate_codes(&mut schemas);
    close_strict_requests(&mut schemas);
    let (prose, examples) = (Prose::read()?, Examples::read()?);
    let mut paths = Map::new();
    for (function, route) in routes() {
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.method.to_ascii_lowercase()] = operation(function, route, &prose, &examples, &schemas)?;
    }
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Trustplane",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "A multi-tenant control plane for single sign-on configuration",
            "description": prose::joined(INTRODUCTION),
            "contact": {"name": "The operator of the deployment"},
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{
            "url": "{base}",
            "description": "A deployment: the output `ApiUrl` of its stack. `cargo local` listens on the default.",
            "variables": {"base": {"default": "http://localhost:3000", "description": "URL of the API"}},
        }],
        "security": [{"bearer": []}, {"apiKey": []}, {"signature": []}],
        "tags": prose.tags(),
        "paths": paths,
        "components": {
            "schemas": schemas,
            "parameters": parameters::components(),
            "headers": responses::headers(),
            "responses": responses::components(),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "A token of the tenant."},
                "apiKey": {
                    "type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The same token.",
                },
                "signature": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": "SDK-HMAC-SHA256 with an access key pair, see the introduction.",
                },
            },
        },
    });
    remove_unused(&mut document);
    schemas::check_references(&document)?;
    Ok(format!("{document:#}\n"))
}

/// Excludes undeclared fields from the bodies of strict operations, which refuse them.
fn close_strict_requests(schemas: &mut Map<String, Value>) {
    for (_, route) in routes().filter(|(_, route)| route.is_strict()) {
        if let Some(Value::Object(schema)) = route.request.and_then(|name| schemas.get_mut(name)) {
            schema.insert("additionalProperties".to_owned(), false.into());
        }
    }
}

/// Removes the responses that no operation has: those to unknown paths and methods.
fn remove_unused(document: &mut Value) {
    let text = document["paths"].to_string();
    if let Some(responses) = document["components"]["responses"].as_object_mut() {
        responses.retain(|name, _| text.contains(&format!("\"#/components/responses/{name}\"")));
    }
}

fn operation(
    function: &Function,
    route: &Route,
    prose: &Prose,
    examples: &Examples,
    schemas: &Map<String, Value>,
) -> Result<Value, DocumentError> {
    let (tag, text) = prose.operation(function.name)?;
    let example = examples.of(function.name);
    let mut operation = json!({
        "operationId": function.name,
        "summary": function.summary,
        "description": text,
        "tags": [tag],
        "parameters": parameters::parameters(function.name, route),
        "responses": responses::responses(function, route, example.and_then(|example| example.response.as_ref())),
    });
    if route.action.is_none() {
        operation["security"] = json!([]);
    }
    if let Some(schema) = route.request {
        let mut body = json!({"schema": {"$ref": format!("#/components/schemas/{schema}")}});
        if let Some(request) = example.and_then(|example| example.request.as_ref()) {
            body["example"] = request.clone();
        }
        let text = schemas.get(schema).and_then(|schema| schema["description"].as_str());
        let content = json!({"application/json": body});
        operation["requestBody"] = json!({"required": true, "description": text, "content": content});
    }
    Ok(operation)
}
