//! Tests of the reason of a denial: encrypted for the client, decoded by the operator.

use serde_json::json;
use trustplane_end_to_end::{Request, world};

use super::{ASSOCIATIONS, IDP, certificate, connected, new_idp};

#[tokio::test]
async fn a_denial_is_sealed_and_an_operator_opens_it() {
    let customer = connected("healthy").await;
    let request = customer.request_as(&customer.viewer, "POST", IDP).json(&new_idp(&certificate(-1, 1)));
    let refused = customer.send(request).await.refused(403, "IIC.1000");
    let message = refused.body["encoded_authorization_message"].as_str().unwrap();
    assert!(!message.contains(refused.request_id()) && !message.contains("create-external-idp"), "{message}");
    assert_eq!(customer.cost(&refused).await.aws_calls, 1);
    let opened = world().invoke("decode-authorization-message", &json!({"encoded_message": message})).await.unwrap();
    assert_eq!(opened["decision"], "DENY");
    assert_eq!(opened["determining_policies"], json!([]));
    assert_eq!(opened["request"]["id"], refused.request_id());
    assert_eq!(opened["request"]["action"], "create-external-idp");
    assert_eq!(opened["request"]["principal"], &customer.viewer[4..42]);
    assert_eq!(opened["request"]["resource"]["type"], "identity-provider");
    // The role may read.
    let reply = customer.send(customer.request_as(&customer.viewer, "GET", ASSOCIATIONS)).await.expect(200);
    assert!(reply.header("warning").is_none());
}

#[tokio::test]
async fn what_no_policy_denied_is_sealed_too() {
    async fn opened(message: &serde_json::Value) -> serde_json::Value {
        world().invoke("decode-authorization-message", &json!({"encoded_message": message})).await.unwrap()
    }
    // AWS denies a call of the role.
    let customer = connected("no-trust").await;
    let refused = customer.get(ASSOCIATIONS).await.refused(403, "IIC.1215");
    let denied = opened(&refused.body["encoded_authorization_message"]).await;
    assert_eq!((&denied["decision"], &denied["cause"]), (&json!("DENY"), &json!("aws")));
    assert!(
        denied["reason"].as_str().unwrap().starts_with("STS does not let the platform assume the role."),
        "{denied}"
    );
    assert_eq!(denied["request"]["action"], "list-identity-store-associations");
    assert_eq!(denied["request"]["id"], refused.request_id());
    // The tenant is another tenant, or suspended.
    let stranger = world().customer().await;
    let request = Request::new("GET", ASSOCIATIONS).bearer(&customer.admin).header("x-tenant-id", &stranger.tenant);
    let refused = customer.send(request).await.refused(403, "IIC.1001");
    assert_eq!(opened(&refused.body["encoded_authorization_message"]).await["cause"], "tenant");
    let suspend = json!({"tenant_id": customer.tenant, "reason": "a test"});
    let _ = world().invoke("suspend-tenant", &suspend).await.unwrap();
    let refused = customer.get(ASSOCIATIONS).await.refused(403, "IIC.1001");
    assert_eq!(opened(&refused.body["encoded_authorization_message"]).await["reason"], "the tenant is suspended");
}

#[tokio::test]
async fn what_was_not_sealed_is_not_opened() {
    for text in ["", "AAAA", "not base64!", "JKJaXmPLvHcESHA="] {
        let error =
            world().invoke("decode-authorization-message", &json!({"encoded_message": text})).await.unwrap_err();
        assert_eq!(error["errorType"], "invalid_request", "{text}");
    }
    let error = world().invoke("decode-authorization-message", &json!({})).await.unwrap_err();
    assert_eq!(error["errorType"], "invalid_request");
}
