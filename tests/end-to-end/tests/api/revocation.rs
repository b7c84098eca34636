//! Tests that every process refuses an ended credential: none of them caches it.

use serde_json::json;
use trustplane_end_to_end::{Customer, Reply, world};

use futures_util::future::join_all;

const CONFIG: &str = "/v1/integrations/aws-identity-center/config";
const FUNCTION: &str = "put-identity-center-config";
/// Number of concurrent requests, and so of warm processes.
const AT_ONCE: usize = 16;

/// Sends as many concurrent requests as there should be processes.
async fn save(customer: &Customer, token: &str) -> Vec<Reply> {
    // Empty strings are equivalent to no saved connection, and concurrent identical writes do not conflict.
    let body = json!({"sso_instance_arn": "", "role_arn": "", "region": ""});
    let request = || customer.request_as(token, "PUT", CONFIG).json(&body);
    join_all((0..AT_ONCE).map(|_| customer.send(request()))).await
}

/// Creates a key with these roles that many processes have accepted. Returns it and its path.
async fn known_to_many(customer: &Customer, body: &serde_json::Value) -> (String, String) {
    let made = customer.post("/v1/api-keys", body).await.expect(201);
    let token = made.body["token"].as_str().unwrap().to_owned();
    for _ in 0..20 {
        let replies = save(customer, &token).await;
        assert!(replies.iter().all(|reply| matches!(reply.status, 200 | 409)), "{replies:?}");
        if world().stack().processes(FUNCTION).len() >= AT_ONCE / 2 {
            break;
        }
    }
    assert!(world().stack().processes(FUNCTION).len() >= AT_ONCE / 2);
    (token, format!("/v1/api-keys/{}", made.body["id"].as_str().unwrap()))
}

#[tokio::test]
async fn a_revoked_key_is_refused_by_every_warm_process() {
    let customer = world().customer().await;
    let (token, path) = known_to_many(&customer, &json!({"name": "x", "roles": ["editor"]})).await;
    // Requests continue during the revocation. Those that started before it may still be served.
    let (_, revoked) = tokio::join!(save(&customer, &token), customer.delete(&path));
    let _ = revoked.expect(204);
    for _ in 0..3 {
        for reply in save(&customer, &token).await {
            let _ = reply.refused(401, "unauthenticated");
        }
    }
}

#[tokio::test]
async fn a_key_with_a_smaller_role_has_it_in_every_warm_process() {
    let customer = world().customer().await;
    let (token, path) = known_to_many(&customer, &json!({"name": "x", "roles": ["editor"]})).await;
    let _ = customer.put(&path, &json!({"name": "x", "roles": ["viewer"]})).await.expect(200);
    for reply in save(&customer, &token).await {
        let _ = reply.refused(403, "forbidden");
    }
}

#[tokio::test]
async fn an_expired_key_is_refused_by_every_warm_process() {
    let customer = world().customer().await;
    let (token, path) = known_to_many(&customer, &json!({"name": "x", "roles": ["editor"]})).await;
    let end = trustplane_domain::Timestamp::now().plus_millis(1_500);
    let _ = customer.put(&path, &json!({"name": "x", "roles": ["editor"], "expires_at": end})).await.expect(200);
    while trustplane_domain::Timestamp::now() < end {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    for reply in save(&customer, &token).await {
        let _ = reply.refused(401, "unauthenticated");
    }
}

#[tokio::test]
async fn a_suspended_tenant_is_refused_by_every_warm_process() {
    let customer = world().customer().await;
    let (token, _) = known_to_many(&customer, &json!({"name": "x", "roles": ["editor"]})).await;
    let payload = json!({"tenant_id": customer.tenant, "reason": "unpaid"});
    let _ = world().invoke("suspend-tenant", &payload).await.unwrap();
    for reply in save(&customer, &token).await {
        let _ = reply.refused(403, "tenant_suspended");
    }
}
