//! Tests every route without a token, with an invalid one, with another tenant's, and with too small a role. The table
//! of functions drives the test, so a new endpoint is covered.

use trustplane_end_to_end::{Customer, Reply, Request, world};
use trustplane_policy::Group;
use trustplane_runtime::{Dialect, Route, routes};

/// Returns the route's path, with each parameter replaced by a value that is well-formed in its dialect.
fn path(route: &Route) -> String {
    let segments = route.path.split('/').map(|segment| match segment {
        "{instance_id}" => "ssoins-0123456789abcdef0",
        "{identity_store_id}" => "d-1234567890",
        "{OrganisationId}" => "org-1",
        "{domain}" => "example.com",
        "{n}" => "1",
        uuid if uuid.starts_with('{') => "3fa85f64-5717-4562-b3fc-2c963f66afa6",
        fixed => fixed,
    });
    segments.collect::<Vec<_>>().join("/")
}

fn request(route: &Route) -> Request {
    Request::new(route.method, &path(route))
}

pub fn code(reply: &Reply) -> String {
    ["code", "error_code"].iter().find_map(|field| reply.body[*field].as_str()).unwrap_or_default().to_owned()
}

pub fn expected(dialect: Dialect, integration: &str, identity_source: &str) -> String {
    match dialect {
        Dialect::Integration => integration.to_owned(),
        Dialect::IdentitySource => identity_source.to_owned(),
        Dialect::Directory => String::new(),
    }
}

#[tokio::test]
async fn without_a_token_or_with_a_bad_one_nobody_comes_in() {
    let world = world();
    let customer = world.customer().await;
    let mut forged = customer.admin.clone();
    forged.replace_range(50..51, if &forged[50..51] == "a" { "b" } else { "a" });
    let of_nobody = {
        // A well-formed token whose credential is not in the table.
        let id = &customer.admin[4..42];
        customer.viewer.replace(&customer.viewer[4..42], id)
    };
    for (function, route) in routes().filter(|(_, route)| route.action.is_some()) {
        let name = function.name;
        let tenant = |request: Request| request.header("x-tenant-id", &customer.tenant);
        let tries = [
            tenant(request(route)),
            tenant(request(route)).bearer("nonsense"),
            tenant(request(route)).bearer(&forged),
            tenant(request(route)).bearer(&of_nobody),
            tenant(request(route)).header("authorization", "Basic dXNlcjpwYXNz"),
            tenant(request(route)).header("x-api-key", "two words"),
        ];
        for one in tries {
            let reply = world.send(one).await;
            assert_eq!(reply.status, 401, "{name}: {}", reply.text);
            assert_eq!(code(&reply), expected(route.dialect, "unauthenticated", "APIGW.0301"), "{name}");
        }
    }
}

#[tokio::test]
async fn another_tenants_header_is_refused() {
    let world = world();
    let (one, other) = (world.customer().await, world.customer().await);
    for (function, route) in routes().filter(|(_, route)| route.action.is_some()) {
        let name = function.name;
        let reply = world.send(request(route).bearer(&one.admin).header("x-tenant-id", &other.tenant)).await;
        assert_eq!(reply.status, 403, "{name}: {}", reply.text);
        assert_eq!(code(&reply), expected(route.dialect, "tenant_mismatch", "IIC.1001"), "{name}");
        if route.dialect == Dialect::Integration {
            for wrong in [None, Some("not-a-uuid")] {
                let mut request = request(route).bearer(&one.admin);
                if let Some(wrong) = wrong {
                    request = request.header("x-tenant-id", wrong);
                }
                let _ = world.send(request).await.refused(400, "invalid_tenant_id");
            }
            let upper = request(route).bearer(&one.viewer).header("x-tenant-id", &one.tenant.to_uppercase());
            assert_ne!(code(&world.send(upper).await), "tenant_mismatch", "{name}");
        }
    }
}

#[tokio::test]
async fn too_small_a_role_is_refused() {
    let world = world();
    let customer = world.customer().await;
    for (function, route) in routes() {
        let Some(action) = route.action else { continue };
        let too_small: &[&String] = match action.group {
            Group::Read => &[],
            Group::Write => &[&customer.viewer, &customer.approver],
            Group::Approve => &[&customer.viewer, &customer.editor],
            Group::Administer => &[&customer.viewer, &customer.approver, &customer.editor],
        };
        for token in too_small {
            let reply = send_valid(&customer, function.name, route, token).await;
            assert_eq!(reply.status, 403, "{}: {}", function.name, reply.text);
            assert_eq!(code(&reply), expected(route.dialect, "forbidden", "IIC.1000"), "{}", function.name);
        }
    }
}

/// Sends a request that is valid except for its credential. The body is that of the function's first event.
pub async fn send_valid(customer: &Customer, function: &str, route: &Route, token: &str) -> Reply {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events").join(function);
    let mut payloads: Vec<_> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{function}: {error}"))
        .map(|file| file.unwrap().path())
        .collect();
    payloads.sort();
    let event: serde_json::Value = serde_json::from_slice(&std::fs::read(&payloads[0]).unwrap()).unwrap();
    let mut request = request(route).bearer(token).header("x-tenant-id", &customer.tenant);
    if let Some(body) = event["body"].as_str() {
        request = request.raw(body.as_bytes().to_vec());
    }
    customer.send(request).await
}

#[tokio::test]
async fn unknown_paths_and_methods_are_answered_in_the_dialect_of_their_prefix() {
    let world = world();
    let send = |method: &'static str, path: &'static str| world.send(Request::new(method, path));
    let _ = send("GET", "/nothing").await.refused(404, "not_found");
    for (method, path, allow) in [
        ("DELETE", "/healthz", "GET"),
        ("PATCH", "/v1/integrations/aws-identity-center/config", "DELETE, GET, PUT"),
        ("OPTIONS", "/v1/api-keys/x", "DELETE, GET, PUT"),
        ("PATCH", "/organisations/acme", "GET, PUT"),
        ("OPTIONS", "/organisations", "GET, POST"),
    ] {
        let reply = send(method, path).await.expect(405);
        assert_eq!(reply.header("allow"), Some(allow), "{method} {path}");
    }
    let _ = send("GET", "/v1/instances/x/y/z").await.refused(404, "APIGW.0101");
    let _ = send("PATCH", "/v1/identity-stores/x").await.refused(404, "APIGW.0101");
    let _ = send("GET", "/v1/instancesandmore").await.refused(404, "not_found");
    let reply = send("GET", "/organisations/a/b").await.expect(404);
    assert!(reply.body["errors"][0].is_string() && reply.header("x-fapi-interaction-id").is_some());
    let _ = send("GET", "/references/nothing").await.expect(404);
}
