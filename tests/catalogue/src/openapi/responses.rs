//! Responses of operations: the success with its headers, and the errors of the dialect by status.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use trustplane_functions::{Dialect, Function, JSON, Permission, Route};
use trustplane_policy::Group;
use trustplane_runtime::{ErrorExample, error_examples};

/// The dialects, each with the name of its components and the schema of its errors.
const DIALECTS: [(Dialect, &str, &str); 3] = [
    (Dialect::Integration, "Integration", "IntegrationError"),
    (Dialect::IdentitySource, "IdentitySource", "IdentitySourceError"),
    (Dialect::Directory, "Directory", "DirectoryError"),
];

/// The headers of responses: the name, the component, and the description.
const HEADERS: [(&str, &str, &str); 9] = [
    ("x-request-id", "RequestId", "Id of the request, by which an operator finds it in the log."),
    ("x-fapi-interaction-id", "InteractionId", "Id of the interaction: the request's, or a new one."),
    ("etag", "ETag", "Version of the resource, for `If-Match`."),
    ("idempotency-replayed", "IdempotencyReplayed", "`true` if the response is the stored one of an earlier request."),
    ("retry-after", "RetryAfter", "Seconds until the next attempt."),
    ("allow", "Allow", "The methods that the path has."),
    ("www-authenticate", "WwwAuthenticate", "The authentication scheme."),
    ("warning", "Warning", "`299 - \"text\"`: something that was left out, or is not as it should be. At most eight."),
    ("age", "Age", "Seconds since the facts were read from AWS, where they are remembered ones."),
];

/// The headers that every response has by itself, and no description needs.
const UNNAMED: [&str; 2] = ["cache-control", "content-type"];

/// The component of a dialect's response with this status.
fn component(dialect: Dialect, status: u16) -> String {
    let name = DIALECTS.iter().find(|(other, ..)| *other == dialect).map_or("", |(_, name, _)| name);
    format!("{name}{status}")
}

/// The header components.
pub(super) fn headers() -> Map<String, Value> {
    let schema = |name: &str| match name {
        "retry-after" | "age" => json!({"type": "integer", "minimum": 0}),
        "idempotency-replayed" => json!({"type": "string", "const": "true"}),
        _ => json!({"type": "string"}),
    };
    let header = |(name, component, text): (&str, &str, &str)| {
        (component.to_owned(), json!({"description": text, "schema": schema(name)}))
    };
    HEADERS.into_iter().map(header).collect()
}

/// The error responses of all dialects, by name of component.
pub(super) fn components() -> Map<String, Value> {
    let mut components = Map::new();
    for (dialect, _, schema) in DIALECTS {
        let mut by_status: BTreeMap<u16, Vec<ErrorExample>> = BTreeMap::new();
        for example in error_examples(dialect) {
            by_status.entry(example.status).or_default().push(example);
        }
        for (status, examples) in by_status {
            components.insert(component(dialect, status), error(status, schema, &examples));
        }
    }
    components.insert("Gateway429".to_owned(), gateway());
    components
}

/// The response of API Gateway to a request over the throttle of the deployment. It has no dialect. Its body is not part of
/// the document, because every operation would have an error of two types.
fn gateway() -> Value {
    let text = "Too many requests, over the throttle of the deployment. API Gateway responds by itself, with the body \
                `{\"message\": \"Too Many Requests\"}`.";
    json!({"description": text})
}

/// Adds the error codes to a dialect's schema, so that generated clients have them as an enumeration.
pub(super) fn enumerate_codes(schemas: &mut Map<String, Value>) {
    for (dialect, field, schema) in [
        (Dialect::Integration, "code", "IntegrationError"),
        (Dialect::IdentitySource, "error_code", "IdentitySourceError"),
    ] {
        let mut codes: BTreeMap<String, BTreeSet<(u16, &str, &str)>> = BTreeMap::new();
        for example in error_examples(dialect) {
            let body: Value = serde_json::from_str(&example.body).unwrap_or_default();
            if let Some(code) = body.get(field).and_then(Value::as_str) {
                codes.entry(code.to_owned()).or_default().insert((example.status, example.title, example.remedy));
            }
        }
        let lines = codes.iter().map(|(code, kinds)| {
            let kinds = kinds.iter().map(|(status, title, remedy)| format!("{status}, {title}: {remedy}."));
            format!("- `{code}`: {}", kinds.collect::<Vec<_>>().join(" "))
        });
        let text = format!("Stable code: status, fault and remedy.\n\n{}", lines.collect::<Vec<_>>().join("\n"));
        let place = schemas.get_mut(schema).and_then(|schema| schema.pointer_mut(&format!("/properties/{field}")));
        if let Some(place) = place {
            *place = json!({"type": "string", "enum": codes.keys().collect::<Vec<_>>(), "description": text});
        }
    }
}

fn error(status: u16, schema: &str, examples: &[ErrorExample]) -> Value {
    let kinds: Vec<&str> = examples.iter().map(|example| example.title).collect();
    let mut response = json!({"description": format!("{}: {}.", reason(status), kinds.join(", "))});
    let names: BTreeSet<&str> =
        examples.iter().flat_map(|example| example.headers.iter().map(String::as_str)).collect();
    put(&mut response, "headers", references(names.into_iter().filter(|name| !UNNAMED.contains(name))));
    let bodies: Map<String, Value> = examples
        .iter()
        .filter_map(|example| {
            let body: Value = serde_json::from_str(&example.body).ok()?;
            Some((example.title.replace(' ', "-"), json!({"summary": example.title, "value": body})))
        })
        .collect();
    if !bodies.is_empty() {
        let content = json!({"schema": {"$ref": format!("#/components/schemas/{schema}")}, "examples": bodies});
        put(&mut response, "content", json!({"application/json": content}));
    }
    response
}

/// The responses of an operation by status. `example` is the body of a success.
pub(super) fn responses(function: &Function, route: &Route, example: Option<&Value>) -> Value {
    let mut responses = Map::from_iter([(route.status.to_string(), success(function, route, example))]);
    let gateway = json!({"$ref": "#/components/responses/Gateway429"});
    responses.insert("429".to_owned(), gateway);
    if function.name == "create-setup-session" {
        for status in [400, 403, 404, 410, 413, 415, 500, 503] {
            let reference = format!("#/components/responses/{}", component(route.dialect, status));
            responses.insert(status.to_string(), json!({"$ref": reference}));
        }
    }
    if function.family == "setup-page" {
        responses.insert("304".to_owned(), json!({"description": "The client has the current file"}));
        if route.path.contains('{') {
            responses.insert("404".to_owned(), json!({"description": "No such file"}));
        }
    }
    if route.action.is_some() {
        for status in errors(function, route) {
            let reference = format!("#/components/responses/{}", component(route.dialect, status));
            responses.insert(status.to_string(), json!({"$ref": reference}));
        }
    }
    Value::Object(responses)
}

fn success(function: &Function, route: &Route, example: Option<&Value>) -> Value {
    let mut response = json!({"description": reason(route.status)});
    let mut names = vec!["x-request-id"];
    if route.dialect == Dialect::Directory {
        names.push("x-fapi-interaction-id");
    }
    names.extend(success_headers(function, route));
    put(&mut response, "headers", references(names.into_iter()));
    if let Some(schema) = route.response {
        let content = route.produces.iter().map(|media_type| {
            let mut body = json!({"schema": {"$ref": format!("#/components/schemas/{schema}")}});
            if let Some(example) = example {
                put(&mut body, "example", example.clone());
            }
            ((*media_type).to_owned(), body)
        });
        put(&mut response, "content", Value::Object(content.collect()));
    } else if !route.produces.contains(&JSON) {
        // A text without a schema: a document, a stylesheet, a script.
        let content = route.produces.iter().map(|name| ((*name).to_owned(), json!({"schema": {"type": "string"}})));
        put(&mut response, "content", Value::Object(content.collect()));
    }
    response
}

/// The headers of a success beside those of every response.
fn success_headers(function: &Function, route: &Route) -> Vec<&'static str> {
    let mut names = Vec::new();
    if has_etag(function, route) || function.family == "setup-page" {
        names.push("etag");
    }
    if route.action.is_some() && route.method == "POST" {
        names.push("idempotency-replayed");
    }
    if function.name == "test-identity-center-connection" {
        names.push("retry-after");
    }
    let may_warn = route.method == "GET" || function.name == "put-sso-configuration";
    if route.dialect == Dialect::Directory && may_warn {
        names.push("warning");
    }
    if route.dialect == Dialect::IdentitySource {
        names.push("warning");
        if function.name == "list-instances" || function.name == "list-identity-store-associations" {
            names.push("age");
        }
    }
    names
}

/// Returns true if the response is about one resource, or a part of one, that `If-Match` can protect.
fn has_etag(function: &Function, route: &Route) -> bool {
    let of_part = ["delete-external-idp-certificate", "delete-saml-certificate"];
    let is_list = route.queries.iter().any(|name| ["limit", "page"].contains(name));
    let is_resource = route.method != "DELETE" && !is_list && !NO_ETAG.contains(&function.name);
    route.action.is_some() && (is_resource || of_part.contains(&function.name))
}

/// Operations whose response is about no stored resource, or about several.
const NO_ETAG: &[&str] = &[
    "create-bootstrap-template",
    "create-temporary-api-key",
    "evaluate-policies",
    "explain-external-idp-response",
    "get-authorisation-server-test",
    "get-external-idp-test",
    "get-identity-center-test",
    "get-openid-provider-public-key",
    "get-sp-config",
    "get-sso-configuration-reference",
    "get-sso-route",
    "list-event-types",
    "list-identity-store-associations",
    "list-policies",
    "list-sso-configuration-domains",
    "list-webhooks",
    "preview-external-idp",
    "replay-webhook",
    "request-aws-sync",
    "retry-webhook-delivery",
    "test-authorisation-server",
    "test-external-idp",
    "test-identity-center-connection",
    "test-webhook",
];

/// Operations without an id in their path that can miss a resource all the same.
const NOT_FOUND: &[&str] = &["evaluate-policies", "get-identity-center-test"];

/// The errors that an operation can have.
fn errors(function: &Function, route: &Route) -> BTreeSet<u16> {
    let mut statuses = BTreeSet::from([400, 401, 403, 500, 503]);
    let mut when = |condition: bool, added: &[u16]| {
        if condition {
            statuses.extend(added);
        }
    };
    let is_read = is_read(route);
    let calls_out = function.permissions.contains(&Permission::AssumeRole);
    let can_miss = route.path.contains('{') || NOT_FOUND.contains(&function.name);
    when(can_miss || route.dialect == Dialect::IdentitySource, &[404]);
    when(route.dialect == Dialect::Directory, &[406]);
    when(!is_read, &[409]);
    when(has_if_match(route), &[412]);
    when(route.request.is_some(), &[413, 415]);
    when(route.method == "POST", &[422]);
    when(calls_out || function.name == "test-webhook", &[429]);
    when(calls_out && route.dialect != Dialect::IdentitySource, &[502]);
    statuses
}

fn is_read(route: &Route) -> bool {
    route.action.is_some_and(|action| action.group == Group::Read)
}

/// Returns true if the operation changes a resource that exists, so that `If-Match` can protect it.
pub(super) fn has_if_match(route: &Route) -> bool {
    match route.method {
        "PUT" | "DELETE" => true,
        "POST" => !is_read(route) && (route.status == 200 || route.path.contains('{')),
        _ => false,
    }
}

fn references<'a>(names: impl Iterator<Item = &'a str>) -> Value {
    let reference = |name: &str| {
        let (_, component, _) = HEADERS.iter().find(|(other, ..)| *other == name)?;
        Some((title_case(name), json!({"$ref": format!("#/components/headers/{component}")})))
    };
    names.filter_map(reference).collect()
}

/// The name of a header as documents write it: `ETag`, `Retry-After`, `x-fapi-interaction-id`.
fn title_case(name: &str) -> String {
    match name {
        "etag" => "ETag".to_owned(),
        "www-authenticate" => "WWW-Authenticate".to_owned(),
        _ if name.starts_with("x-fapi") => name.to_owned(),
        _ => {
            let words = name.split('-').map(|word| {
                let (first, rest) = word.split_at_checked(1).unwrap_or((word, ""));
                format!("{}{rest}", first.to_uppercase())
            });
            words.collect::<Vec<_>>().join("-")
        }
    }
}

fn put(object: &mut Value, name: &str, value: Value) {
    if let Value::Object(fields) = object {
        fields.insert(name.to_owned(), value);
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "Success",
        201 => "Created",
        202 => "Accepted",
        204 => "Success, without a body",
        400 => "Bad request",
        401 => "Not authenticated",
        403 => "Not allowed",
        404 => "Not found",
        405 => "Method not allowed",
        406 => "Not acceptable",
        409 => "Conflict",
        410 => "Gone",
        412 => "Precondition failed",
        413 => "Body too large",
        415 => "Unsupported media type",
        422 => "Idempotency key reused",
        429 => "Too many requests",
        500 => "Fault of the service",
        502 => "AWS not reached",
        503 => "Unavailable",
        _ => "Other",
    }
}
