//! Query parameters and headers of requests.

use serde_json::{Map, Value, json};
use trustplane_functions::{Dialect, Route};

use super::responses::has_if_match;

/// Lower-case or upper-case UUID. A `format` would make generated clients parse it, and send a header that is no text.
const UUID: &str = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$";

/// HTTP date; the weekday has to be that of the date.
const AUTH_DATE: &str = "^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \\d{2} (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \\d{4} \
                         \\d{2}:\\d{2}:\\d{2} (GMT|UTC)$";

/// All parameters of an operation.
pub(super) fn parameters(name: &str, route: &Route) -> Vec<Value> {
    let in_path = route.path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
    let mut parameters: Vec<Value> = in_path.map(in_path_parameter).collect();
    parameters.extend(route.queries.iter().map(|query| in_query(name, query)));
    if route.action.is_some() {
        parameters.extend(
            headers(name, route).into_iter().map(|name| json!({"$ref": format!("#/components/parameters/{name}")})),
        );
    }
    parameters
}

/// The headers that operations share, by name of component.
pub(super) fn components() -> Map<String, Value> {
    let uuid = || json!({"type": "string", "pattern": UUID});
    let header = |name: &str, required: bool, text: &str, schema: Value| json!({"name": name, "in": "header", "required": required, "description": text, "schema": schema});
    let tenant = "The tenant's id. It must be the credential's.";
    let components = [
        ("TenantId", header("X-Tenant-ID", true, tenant, uuid())),
        ("OptionalTenantId", header("X-Tenant-ID", false, tenant, uuid())),
        (
            "IdempotencyKey",
            header(
                "Idempotency-Key",
                false,
                "Makes the request safe to repeat: for 24 hours, the same request with the same key gets the stored \
                 response. 1 to 255 visible characters.",
                json!({"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"}),
            ),
        ),
        (
            "IfMatch",
            header(
                "If-Match",
                false,
                "The `ETag` of the version that the change is based on. If another version is current: 412.",
                json!({"type": "string", "examples": ["\"3\""]}),
            ),
        ),
        (
            "IfNoneMatch",
            header(
                "If-None-Match",
                false,
                "`*` creates the resource, and replaces none: if it exists, 412.",
                json!({"type": "string", "examples": ["*"]}),
            ),
        ),
        (
            "InteractionId",
            header(
                "x-fapi-interaction-id",
                false,
                "Id of the interaction, a UUID, which the response repeats. Without a valid one the service makes one.",
                json!({"type": "string"}),
            ),
        ),
        (
            "AuthDate",
            header(
                "x-fapi-auth-date",
                false,
                "Time at which the user last signed in to the client, as an HTTP date.",
                json!({"type": "string", "pattern": AUTH_DATE, "examples": ["Tue, 11 Sep 2012 19:43:31 GMT"]}),
            ),
        ),
        (
            "CustomerIpAddress",
            header(
                "x-fapi-customer-ip-address",
                false,
                "The user's IPv4 or IPv6 address.",
                json!({"type": "string", "pattern": "^[0-9a-fA-F:.]+$", "examples": ["2001:db8::1893:25c8:1946"]}),
            ),
        ),
        ("CustomerUserAgent", header("x-customer-user-agent", false, "The user's agent.", json!({"type": "string"}))),
    ];
    components.into_iter().map(|(name, component)| (name.to_owned(), component)).collect()
}

/// The names of the components that an operation refers to.
fn headers(operation: &str, route: &Route) -> Vec<&'static str> {
    let mut names = vec![if route.dialect == Dialect::Integration { "TenantId" } else { "OptionalTenantId" }];
    if route.method == "POST" {
        names.push("IdempotencyKey");
    }
    if has_if_match(route) {
        names.push("IfMatch");
    }
    if operation == "put-policy" {
        names.push("IfNoneMatch");
    }
    if route.dialect == Dialect::Directory {
        names.extend(["InteractionId", "AuthDate", "CustomerIpAddress", "CustomerUserAgent"]);
    }
    names
}

fn in_path_parameter(name: &str) -> Value {
    let uuid = || json!({"type": "string", "pattern": UUID});
    let (text, schema) = match name {
        "OrganisationId" => (
            "Id of the organisation.",
            json!({"type": "string", "minLength": 1, "maxLength": 40, "pattern": "^[^<>]*$"}),
        ),
        "AuthorisationServerId" => ("Id of the authorisation server.", uuid()),
        "ssoConfigurationId" => ("Id of the SSO configuration.", uuid()),
        "versionId" => ("Id of the version.", uuid()),
        "domain" => ("The domain name.", json!({"type": "string", "examples": ["acme.example"]})),
        "instance_id" => ("Id of the instance.", id("ssoins-0123456789abcdef0")),
        "identity_store_id" => ("Id of the identity store.", id("d-0123456789")),
        "idp_id" => ("Id of the external identity provider.", id("39ddc1c5-fc87-4eca-b511-d8f2bf41e990")),
        "certificate_id" => ("Id of the certificate.", id("8e94cb31-2346-49db-8fbd-97f7d2e111ae")),
        "n" => ("Number of the saved version.", json!({"type": "string", "pattern": "^[1-9][0-9]*$"})),
        _ => ("Id of the resource.", json!({"type": "string"})),
    };
    json!({"name": name, "in": "path", "required": true, "description": text, "schema": schema})
}

/// The schema of an id of the identity source API.
fn id(example: &str) -> Value {
    json!({"type": "string", "pattern": "^[A-Za-z0-9._~-]+$", "examples": [example]})
}

fn in_query(operation: &str, name: &str) -> Value {
    let (text, schema) = match (operation, name) {
        ("list-instances", "limit") => ("Largest number of rows.", whole(1, 100, Some(100))),
        (_, "limit") => ("Largest number of rows.", whole(1, 250, Some(50))),
        (_, "cursor") => ("The `next_cursor` of the page before.", string()),
        (_, "marker") => ("The `next_marker` of the page before.", string()),
        (_, "page") => ("Number of the page, from 0.", json!({"type": "integer", "minimum": 0, "default": 0})),
        (_, "size") => ("Rows per page.", whole(1, 100, Some(20))),
        (_, "sort") => ("Field and direction: `field,asc` or `field,desc`.", sort(operation)),
        (_, "email") => {
            ("The e-mail address.", json!({"type": "string", "format": "email", "examples": ["ada@acme.example"]}))
        }
        (_, "outcome") => ("Outcome of the request.", json!({"type": "string", "enum": ["allowed", "denied"]})),
        (_, "from") => ("First time, inclusive.", json!({"type": "string", "format": "date-time"})),
        (_, "to") => ("Last time, inclusive.", json!({"type": "string", "format": "date-time"})),
        (_, "actor_id") => ("Id of the principal.", string()),
        (_, "action") => ("Name of the action, such as `put-policy`.", string()),
        (_, "resource_type") => ("Type of the resource, such as `policy`.", string()),
        (_, "resource_id") => ("Id of the resource, as the API shows it.", string()),
        (_, "account_id") => ("Only this account.", json!({"type": "string", "pattern": "^[0-9]{12}$"})),
        (_, "permission_set_arn") => ("Only this permission set.", string()),
        (_, "hideInactive") => ("`true` leaves out all that are not `Active`.", json!({"type": "boolean"})),
        (_, "filterBy") => {
            ("A text that the id or the name contains, in any case.", json!({"type": "string", "maxLength": 255}))
        }
        (_, "containsOpenIdDiscoveryDocument") => (
            "`true` for servers with an `OpenIDDiscoveryDocument`, `false` for those without.",
            json!({"type": "boolean"}),
        ),
        ("list-sso-configuration-versions", "status") => (
            "Only versions with this status.",
            json!({"type": "string", "enum": ["Active", "Assignable", "Pending", "Rejected", "Inactive"]}),
        ),
        (_, "status") => ("Only rows with this status.", string()),
        _ => ("Filters the list.", string()),
    };
    json!({"name": name, "in": "query", "required": name == "email", "description": text, "schema": schema})
}

/// The schema of `sort`: the fields that the list can be sorted by.
fn sort(operation: &str) -> Value {
    let fields = match operation {
        "list-organisations" => "OrganisationName|OrganisationId|Status|CreatedAt|UpdatedAt",
        "list-authorisation-servers" => "CustomerFriendlyName|AuthorisationServerId|Status|CreatedAt|UpdatedAt",
        "list-sso-configurations" => "DisplayName|ID|Status|CreatedAt|UpdatedAt",
        "list-sso-configuration-versions" => "Version|Status|ClientID|ID|CreatedAt|UpdatedAt",
        "list-sso-configuration-domains" => "Domain|Status|ExpiresAt",
        "list-sso-configuration-references" => "DisplayName|ID|OrganisationID|ServerID",
        _ => "[A-Za-z]+",
    };
    json!({"type": "string", "pattern": format!("^({fields}),(asc|desc)$")})
}

fn string() -> Value {
    json!({"type": "string"})
}

fn whole(least: u32, most: u32, default: Option<u32>) -> Value {
    json!({"type": "integer", "minimum": least, "maximum": most, "default": default})
}
