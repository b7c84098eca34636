//! The functions that operators invoke.

use serde_json::json;
use trustplane_end_to_end::world;

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

/// Two seconds from now, by the format of Unix `date`, which every test machine has.
fn in_a_moment() -> String {
    let output =
        std::process::Command::new("date").args(["-u", "-d", "2 seconds", "+%Y-%m-%dT%H:%M:%SZ"]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
