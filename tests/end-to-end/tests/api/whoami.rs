//! Tests of `/v1/whoami`.

use serde_json::json;
use trustplane_end_to_end::{Request, world};

const PATH: &str = "/v1/whoami";

#[tokio::test]
async fn every_credential_sees_itself() {
    let customer = world().customer().await;
    let of = async |token: &str| customer.send(customer.request_as(token, "GET", PATH)).await.expect(200);
    for (token, role) in [
        (&customer.viewer, "viewer"),
        (&customer.editor, "editor"),
        (&customer.approver, "approver"),
        (&customer.admin, "admin"),
    ] {
        let reply = of(token).await;
        let expected = json!({
            "id": &token[4..42], "name": role, "kind": "bearer", "roles": [role], "sections": [], "expires_at": null,
            "tenant_id": customer.tenant,
        });
        assert_eq!(reply.body, expected);
        let cost = customer.cost(&reply).await;
        assert_eq!((cost.dynamodb_calls, cost.dynamodb_round_trips, cost.aws_calls), (1, 1, 0));
    }
    // The tenant header is checked as everywhere.
    let other = world().customer().await;
    let plain = customer.request_as(&customer.viewer, "GET", PATH).without("x-tenant-id");
    let plain = customer.send(plain).await;
    assert_eq!(plain.status, 400, "{}", plain.text);
    let foreign = customer.request_as(&customer.viewer, "GET", PATH).without("x-tenant-id");
    let foreign = customer.send(foreign.header("x-tenant-id", &other.tenant)).await;
    assert_eq!(foreign.status, 403, "{}", foreign.text);
    let _ = customer.send(Request::new("GET", PATH)).await.refused(401, "unauthenticated");
    let strict = customer.get(&format!("{PATH}?verbose=1")).await.refused(400, "invalid_request");
    assert!(strict.body["details"]["verbose"].is_string(), "{}", strict.text);
}

#[tokio::test]
async fn a_denial_names_the_action_and_the_role_that_would_do() {
    let customer = world().customer().await;
    let config = "/v1/integrations/aws-identity-center/config";
    let policies = "/v1/policies";
    for (token, method, path, action, role) in [
        (&customer.viewer, "DELETE", config, "delete-identity-center-config", "editor"),
        (&customer.approver, "DELETE", config, "delete-identity-center-config", "editor"),
        (&customer.editor, "GET", policies, "list-policies", "admin"),
    ] {
        let denied = customer.send(customer.request_as(token, method, path)).await.refused(403, "forbidden");
        let message = format!("policies do not allow `{action}`: the role `{role}` would");
        assert_eq!(denied.body["message"], message);
    }
    // A policy that forbids it is no matter of roles.
    let text = "forbid (principal, action == Trustplane::Action::\"get-whoami\", resource);";
    let _ = customer.put("/v1/policies/hidden", &json!({"text": text, "enabled": true})).await.expect(200);
    let denied = customer.get(PATH).await.refused(403, "forbidden");
    assert_eq!(denied.body["message"], "policies do not allow `get-whoami`");
}
