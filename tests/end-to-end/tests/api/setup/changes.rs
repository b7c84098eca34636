//! Tests of `allow_changes` and `enable`: a session does not change what worked before it began.

use serde_json::json;
use trustplane_end_to_end::{Customer, Reply};

use super::{link, open, session};
use crate::identity_center::{CONFIG, TEST, config, connected, post};
use crate::identity_source::{IDP, certificate, import, new_idp, with_provider};

const BOTH: &[&str] = &["aws-identity-center", "identity-provider"];

async fn send(customer: &Customer, token: &str, method: &str, path: &str, body: serde_json::Value) -> Reply {
    customer.send(customer.request_as(token, method, path).json(&body)).await
}

#[tokio::test]
async fn a_connection_that_passed_a_test_before_the_session_stays() {
    let (customer, role) = connected().await;
    let link = link(&customer, BOTH, json!({"max_sessions": 2})).await;
    let first = open(&link, 'a').await;
    // The session itself tests the connection, and may still change it.
    assert_eq!(send(&customer, &first, "POST", TEST, json!({})).await.expect(200).body["success"], true);
    let other = config("arn:aws:iam::123456789012:role/Other");
    let _ = send(&customer, &first, "PUT", CONFIG, other.clone()).await.expect(200);
    let _ = send(&customer, &first, "PUT", CONFIG, config(&role)).await.expect(200);
    assert_eq!(send(&customer, &first, "POST", TEST, json!({})).await.expect(200).body["success"], true);
    // A later one may not; saving the same again changes nothing.
    let second = open(&link, 'b').await;
    let refused = send(&customer, &second, "PUT", CONFIG, other.clone()).await.refused(403, "forbidden");
    assert!(refused.body["notices"][0].as_str().unwrap().contains("allow_changes"), "{}", refused.text);
    let _ = send(&customer, &second, "PUT", CONFIG, config(&role)).await.expect(200);
    let _ = send(&customer, &second, "POST", TEST, json!({})).await.expect(200);
    let _ = send(&customer, &second, "PUT", CONFIG, other.clone()).await.refused(403, "forbidden");
    let third = session(&customer, &["aws-identity-center"], json!({"allow_changes": true})).await;
    let _ = send(&customer, &third, "PUT", CONFIG, other).await.expect(200);
}

#[tokio::test]
async fn a_provider_that_was_enabled_before_the_session_stays() {
    let (customer, provider, certificate_id) = with_provider().await;
    let before = session(&customer, BOTH, json!({"max_sessions": 2})).await;
    let settings = json!({"entity_id": "urn:example:idp", "login_url": "https://login.example.com/"});
    let certificates = format!("{provider}/certificate");
    // It is not enabled yet.
    let _ = send(&customer, &before, "PUT", &provider, settings.clone()).await.expect(200);
    let _ = post(&customer, &format!("{provider}/enable")).await.expect(200);
    let _ = send(&customer, &before, "POST", &certificates, import(&certificate(-1, 30))).await.expect(200);
    let after = session(&customer, BOTH, json!({})).await;
    let mut other = settings.clone();
    other["login_url"] = json!("https://other.example.com/");
    for (method, path, body) in [
        ("PUT", provider.clone(), other.clone()),
        ("POST", certificates.clone(), import(&certificate(-1, 20))),
        ("DELETE", format!("{certificates}/{certificate_id}"), json!({})),
        ("POST", format!("{provider}/refresh"), json!({})),
    ] {
        let refused = send(&customer, &after, method, &path, body).await.refused(403, "IIC.1000");
        assert!(refused.text.contains("allow_changes"), "{method} {path}: {}", refused.text);
    }
    let listed = customer.send(customer.request_as(&after, "GET", &certificates)).await.expect(200);
    assert_eq!(listed.body["idp_certificates"].as_array().unwrap().len(), 2);
    // A renewal of certificates.
    let renewal = session(&customer, BOTH, json!({"allow_changes": true})).await;
    let _ = send(&customer, &renewal, "POST", &certificates, import(&certificate(-1, 20))).await.expect(200);
    let _ = send(&customer, &renewal, "PUT", &provider, other).await.expect(200);
    for path in ["disable", ""] {
        let (method, path) =
            if path.is_empty() { ("DELETE", provider.clone()) } else { ("POST", format!("{provider}/{path}")) };
        let _ = customer.send(customer.request_as(&renewal, method, &path)).await.refused(403, "IIC.1000");
    }
}

#[tokio::test]
async fn the_platform_enables_where_the_link_says_so() {
    let customer = crate::identity_source::connected("healthy").await;
    let token = session(&customer, BOTH, json!({"enable": "platform"})).await;
    let made = send(&customer, &token, "POST", IDP, new_idp(&certificate(-1, 100))).await.expect(201);
    let enable = format!("{IDP}/{}/enable", made.body["idp_id"].as_str().unwrap());
    let refused = customer.send(customer.request_as(&token, "POST", &enable)).await.refused(403, "IIC.1000");
    assert!(refused.text.contains("The platform enables"), "{}", refused.text);
    let _ = post(&customer, &enable).await.expect(200);
}
