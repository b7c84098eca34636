//! Query parameters and headers of requests, for the API document.

use serde_json::{Value, json};
use trustplane_functions::{Dialect, Route};

/// All parameters of a route.
pub(crate) fn parameters(name: &str, route: &Route) -> Vec<Value> {
    let in_path = route.path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
    let mut parameters: Vec<Value> = in_path.map(|name| parameter(name, "path", true, string())).collect();
    parameters.extend(queries(name, route));
    if route.action.is_some() {
        parameters.extend(headers(route));
    }
    parameters
}

fn queries(name: &str, route: &Route) -> Vec<Value> {
    route.queries.iter().map(|query| parameter(query, "query", *query == "email", schema(name, query))).collect()
}

fn schema(name: &str, query: &str) -> Value {
    match (name, query) {
        ("list-instances", "limit") => whole(1, 100),
        (_, "limit") => whole(1, 250),
        (_, "page") => json!({"type": "integer", "minimum": 0, "default": 0}),
        (_, "size") => json!({"type": "integer", "minimum": 1, "maximum": 100, "default": 20}),
        (_, "sort") => json!({"type": "string", "pattern": "^[A-Za-z]+,(asc|desc)$"}),
        (_, "outcome") => json!({"enum": ["allowed", "denied"]}),
        (_, "from" | "to") => json!({"type": "string", "format": "date-time"}),
        _ => string(),
    }
}

fn headers(route: &Route) -> Vec<Value> {
    let optional = |name: &str, schema: Value| parameter(name, "header", false, schema);
    let uuid = || json!({"type": "string", "format": "uuid"});
    let mut headers = vec![parameter("X-Tenant-ID", "header", route.dialect == Dialect::Integration, uuid())];
    match route.method {
        "POST" => {
            headers.push(optional("Idempotency-Key", json!({"type": "string", "minLength": 1, "maxLength": 255})))
        }
        "PUT" | "DELETE" => headers.push(optional("If-Match", string())),
        _ => {}
    }
    if route.dialect == Dialect::Directory {
        headers.push(optional("x-fapi-interaction-id", uuid()));
        let names = ["x-fapi-auth-date", "x-fapi-customer-ip-address", "x-customer-user-agent"];
        headers.extend(names.map(|name| optional(name, string())));
    }
    headers
}

fn parameter(name: &str, place: &str, required: bool, schema: Value) -> Value {
    json!({"name": name, "in": place, "required": required, "schema": schema})
}

fn string() -> Value {
    json!({"type": "string"})
}

fn whole(least: u32, most: u32) -> Value {
    json!({"type": "integer", "minimum": least, "maximum": most})
}
