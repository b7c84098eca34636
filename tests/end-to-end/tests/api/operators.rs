//! Tests of the functions that operators invoke.

use serde_json::{Value, json};
use trustplane_domain::ids::TenantId;
use trustplane_end_to_end::{Customer, Request, world};
use trustplane_runtime::{Dialect, routes};

use crate::table::{audit_records, break_tenant, own_world, table};

#[tokio::test]
async fn a_tenant_and_its_first_token() {
    let world = world();
    let made = world.invoke("create-tenant", &json!({"name": "Example"})).await.unwrap();
    assert_eq!(made["name"], "Example");
    let tenant = made["tenant_id"].as_str().unwrap();
    let wanted = json!({"tenant_id": tenant, "name": "first", "roles": ["admin", "approver"]});
    let key = world.invoke("create-credential", &wanted).await.unwrap();
    assert_eq!((&key["roles"], &key["kind"]), (&json!(["admin", "approver"]), &json!("bearer")));
    assert_eq!(key["created_by"], "operator");
    let (token, id) = (key["token"].as_str().unwrap(), key["id"].as_str().unwrap());
    assert!(token.starts_with(&format!("tpk_{id}_")), "{token}");
}

#[tokio::test]
async fn a_tenant_is_created_once_per_id() {
    let world = world();
    let id = "5d1f0e57-0c60-4f4e-9d3c-6a0d5b1f6c11";
    let wanted = json!({"tenant_id": id, "name": "Example"});
    // At the same time: a lost race is one more repetition.
    let (first, again) = tokio::join!(world.invoke("create-tenant", &wanted), world.invoke("create-tenant", &wanted));
    let first = first.unwrap();
    assert_eq!((&first["tenant_id"], &first["name"]), (&json!(id), &json!("Example")));
    assert_eq!(again.unwrap(), first);
    assert_eq!(world.invoke("create-tenant", &wanted).await.unwrap(), first);
    let records = audit_records(&table(world), TenantId::parse(id).unwrap(), "create-tenant").await;
    assert_eq!(records.len(), 1, "{records:?}");

    let renamed = json!({"tenant_id": id, "name": "Another"});
    let error = world.invoke("create-tenant", &renamed).await.unwrap_err();
    assert_eq!(error["errorType"], "conflict");
    let error = world.invoke("create-tenant", &json!({"tenant_id": "x", "name": ""})).await.unwrap_err();
    for field in ["tenant_id", "name"] {
        assert!(error["errorMessage"].as_str().unwrap().contains(field), "{error}");
    }
    // Without an id, each call is another tenant.
    let (one, other) = (world.tenant("Example").await.0, world.tenant("Example").await.0);
    assert!(one != other && one != id);
}

#[tokio::test]
async fn what_is_wrong_is_said_all_at_once() {
    let world = world();
    let error = world.invoke("create-tenant", &json!({"name": "a\u{0}b"})).await.unwrap_err();
    assert_eq!(error["errorType"], "invalid_request");
    let error = world.invoke("create-tenant", &json!([1])).await.unwrap_err();
    assert_eq!(error["errorType"], "invalid_json");
    let wrong = json!({"tenant_id": "x", "roles": ["root"], "expires_at": "1999-01-01T00:00:00Z", "kind": "password"});
    let error = world.invoke("create-credential", &wrong).await.unwrap_err();
    let message = error["errorMessage"].as_str().unwrap();
    for field in ["tenant_id", "name", "roles", "expires_at", "kind"] {
        assert!(message.contains(field), "{message}");
    }
}

/// Tests that a wrong request of an operator is logged once, with the words of the response, and as no error of the service.
#[tokio::test]
async fn a_wrong_request_is_logged_once_in_plain_words() {
    let world = world();
    for (function, payload, outcome) in [
        ("create-tenant", json!({"tenant_id": "not-a-uuid", "name": "", "colour": "red"}), "invalid_request"),
        ("describe-tenant", json!([1]), "invalid_json"),
        ("describe-tenant", json!({"tenant_id": "2489e9ad-2ee2-4e00-8ec9-32d5f69181c0"}), "not_found"),
    ] {
        let reply = world.stack().invoke(function, &payload).await.unwrap();
        let error: Value = serde_json::from_slice(&reply.payload).unwrap();
        let line = world.line(&reply.request_id).await;
        assert_eq!((&line["outcome"], &line["level"]), (&json!(outcome), &json!("INFO")), "{line}");
        assert_eq!(line["fault"], error["errorMessage"], "{line}");
        // The text is nowhere else, and nothing of the code's structures is.
        let text = error["errorMessage"].as_str().unwrap();
        let lines =
            world.stack().logs().into_iter().map(|line| line.text).filter(|line| line.contains(&reply.request_id));
        assert_eq!(lines.filter(|line| line.contains(text)).count(), 1, "{function}");
    }
    let logs = world.stack().logs();
    assert!(!logs.iter().any(|line| line.text.contains("Diagnostic") || line.text.contains("error_type")));
}

#[tokio::test]
async fn a_credential_of_no_tenant_is_not_made() {
    let wanted = json!({"tenant_id": "2489e9ad-2ee2-4e00-8ec9-32d5f69181c0", "name": "x", "roles": ["admin"]});
    let error = world().invoke("create-credential", &wanted).await.unwrap_err();
    assert_eq!(error["errorType"], "not_found");
}

#[tokio::test]
async fn an_expired_token_lets_nobody_in() {
    let world = world();
    let (tenant, _) = world.tenant("expiring").await;
    let soon = json!({"tenant_id": tenant, "name": "brief", "roles": ["viewer"], "expires_at": in_a_moment()});
    let key = world.invoke("create-credential", &soon).await.unwrap();
    let request = || {
        trustplane_end_to_end::Request::new("GET", "/v1/integrations/aws-identity-center/config")
            .bearer(key["token"].as_str().unwrap())
            .header("x-tenant-id", &tenant)
    };
    let mut last = world.send(request()).await;
    for _ in 0..100 {
        if last.status == 401 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        last = world.send(request()).await;
    }
    let _ = last.refused(401, "unauthenticated");
}

/// Returns the time in two seconds, from Unix `date`, which every test machine has.
fn in_a_moment() -> String {
    let output =
        std::process::Command::new("date").args(["-u", "-d", "2 seconds", "+%Y-%m-%dT%H:%M:%SZ"]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Builds a request for a GET route of this dialect that has no parameters.
fn look(customer: &Customer, dialect: Dialect) -> Request {
    let of = |route: &&trustplane_runtime::Route| {
        route.dialect == dialect && route.method == "GET" && route.action.is_some() && !route.path.contains('{')
    };
    let path = routes().map(|(_, route)| route).find(of).unwrap().path;
    customer.request_as(&customer.viewer, "GET", path)
}

#[tokio::test]
async fn a_suspended_tenant_is_refused_in_each_dialect_until_it_is_resumed() {
    let world = world();
    let customer = world.customer().await;
    let change = |function: &'static str, reason: &str| {
        let payload = json!({"tenant_id": customer.tenant, "reason": reason});
        async move { world.invoke(function, &payload).await.unwrap() }
    };
    let suspended = change("suspend-tenant", "unpaid").await;
    assert_eq!((&suspended["status"], &suspended["reason"]), (&json!("suspended"), &json!("unpaid")));
    assert_eq!(change("suspend-tenant", "unpaid").await, suspended);
    let refused = customer.send(look(&customer, Dialect::Integration)).await;
    let _ = refused.refused(403, "tenant_suspended");
    let refused = customer.send(look(&customer, Dialect::IdentitySource)).await.expect(403);
    assert!(refused.body["error_msg"].as_str().unwrap().contains("suspended"), "{}", refused.text);
    let refused = customer.send(look(&customer, Dialect::Directory)).await.expect(403);
    assert_eq!(refused.text, "");
    // A client without a credential of the tenant does not learn that it is suspended.
    let stranger = look(&customer, Dialect::Integration).without("authorization").bearer("nonsense");
    let _ = customer.send(stranger).await.refused(401, "unauthenticated");
    let made = customer.post("/v1/api-keys", &json!({"name": "x", "roles": ["viewer"]})).await;
    let _ = made.refused(403, "tenant_suspended");

    let resumed = change("resume-tenant", "paid").await;
    assert_eq!((&resumed["status"], &resumed["reason"]), (&json!("active"), &Value::Null));
    for dialect in [Dialect::Integration, Dialect::Directory] {
        let _ = customer.send(look(&customer, dialect)).await.expect(200);
    }
    let tenant = trustplane_domain::ids::TenantId::parse(&customer.tenant).unwrap();
    let table = table(world);
    let told = audit_records(&table, tenant, "suspend-tenant").await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!((&told[0]["after"]["status"], &told[0]["after"]["reason"]), (&json!("suspended"), &json!("unpaid")));
    let told = audit_records(&table, tenant, "resume-tenant").await;
    assert_eq!((&told[0]["before"]["reason"], &told[0]["after"]["reason"]), (&json!("unpaid"), &json!("paid")));
    assert_eq!(told[0]["actor"]["type"], "operator");
}

#[tokio::test]
async fn a_tenant_is_described_with_what_it_has() {
    let world = world();
    let customer = world.customer().await;
    let key = customer.post("/v1/api-keys", &json!({"name": "x", "roles": ["admin"]})).await.expect(201);
    let path = format!("/v1/api-keys/{}", key.body["id"].as_str().unwrap());
    let organisation = json!({"OrganisationId": "acme", "OrganisationName": "Acme"});
    let _ = customer.post("/organisations", &organisation).await.expect(201);
    let describe = async || world.invoke("describe-tenant", &json!({"tenant_id": customer.tenant})).await.unwrap();
    let described = describe().await;
    assert_eq!((&described["name"], &described["status"]), (&json!("test"), &json!("active")));
    assert_eq!(described["counts"], json!({"api_keys": 5, "admins": 2, "organisations": 1}));
    let _ = customer.delete(&path).await.expect(204);
    assert_eq!(describe().await["counts"], json!({"api_keys": 4, "admins": 1, "organisations": 1}));
    let outcome = world.stack().invoke("describe-tenant", &json!({"tenant_id": customer.tenant})).await.unwrap();
    let cost = world.cost(&outcome.request_id).await;
    assert_eq!((cost.dynamodb_calls, cost.dynamodb_round_trips), (2, 1));
    let nobody = json!({"tenant_id": "2489e9ad-2ee2-4e00-8ec9-32d5f69181c0", "reason": "x"});
    for function in ["describe-tenant", "suspend-tenant", "resume-tenant"] {
        let mut nobody = nobody.clone();
        if function == "describe-tenant" {
            nobody.as_object_mut().unwrap().remove("reason");
        }
        assert_eq!(world.invoke(function, &nobody).await.unwrap_err()["errorType"], "not_found", "{function}");
        let error = world.invoke(function, &json!({"tenant_id": "x", "reason": "a\nb"})).await.unwrap_err();
        assert_eq!(error["errorType"], "invalid_request", "{function}");
    }
}

#[tokio::test]
async fn a_tenant_that_cannot_be_read_is_an_error_with_its_cause_in_the_log() {
    let world = world();
    let (tenant, _) = world.tenant("Example").await;
    break_tenant(world, &tenant).await;
    for function in ["describe-tenant", "suspend-tenant", "resume-tenant", "reset-policies", "verify-audit"] {
        let payload = match function {
            "suspend-tenant" | "resume-tenant" => json!({"tenant_id": tenant, "reason": "x"}),
            _ => json!({"tenant_id": tenant}),
        };
        let outcome = world.stack().invoke(function, &payload).await.unwrap();
        let line = world.line(&outcome.request_id).await;
        assert_eq!((&line["outcome"], &line["level"]), (&json!("internal"), &json!("ERROR")), "{function}: {line}");
        let cause = line["cause"].as_str().unwrap_or_else(|| panic!("{function}: {line}"));
        assert!(cause.contains("bogus"), "{function}: {cause}");
    }
}

#[tokio::test]
async fn tenants_are_listed_a_page_at_a_time_the_oldest_first() {
    let world = own_world(trustplane_local::Options::default());
    let mut made = Vec::new();
    for number in 0..5 {
        made.push(world.tenant(&format!("tenant {number}")).await.0);
    }
    let suspended = json!({"tenant_id": made[1], "reason": "unpaid"});
    let _ = world.invoke("suspend-tenant", &suspended).await.unwrap();
    let (mut listed, mut cursor) = (Vec::new(), Value::Null);
    for rows in [2, 2, 1] {
        let payload = json!({"limit": 2, "cursor": cursor});
        let outcome = world.stack().invoke("list-tenants", &payload).await.unwrap();
        let page: Value = serde_json::from_slice(&outcome.payload).unwrap();
        assert_eq!((page["data"].as_array().unwrap().len(), page["has_more"] == true), (rows, rows == 2), "{page}");
        // One call for the list and one for its tenants: no scan, whatever else is in the table.
        assert_eq!(world.cost(&outcome.request_id).await.dynamodb_calls, 2);
        // The process of the first page serves the others too.
        assert_eq!(world.line(&outcome.request_id).await["cold_start"], cursor.is_null());
        listed.extend(page["data"].as_array().unwrap().clone());
        cursor = page["next_cursor"].clone();
    }
    let ids: Vec<&str> = listed.iter().map(|tenant| tenant["tenant_id"].as_str().unwrap()).collect();
    assert_eq!(ids, made);
    assert_eq!((&listed[1]["status"], &listed[1]["reason"]), (&json!("suspended"), &json!("unpaid")));
    for wrong in [json!({"limit": 0}), json!({"limit": 101}), json!({"cursor": "x"}), json!({"limit": "2"})] {
        let error = world.invoke("list-tenants", &wrong).await.unwrap_err();
        assert_eq!(error["errorType"], "invalid_request", "{wrong}");
    }
}
