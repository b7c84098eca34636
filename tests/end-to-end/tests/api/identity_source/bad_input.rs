//! Tests with bad input about an identity source: every request gets a response in its dialect, and nothing changes.

use serde_json::{Value, json};
use trustplane_end_to_end::{Reply, Request, world};

use super::{ASSOCIATIONS, IDP, certificate, connected, import, new_idp, with_provider};

/// Checks a refusal as Huawei Cloud's clients read it: the request's id in header and body, and a message. Returns the
/// message.
fn told(reply: Reply, status: u16, code: &str) -> String {
    let reply = reply.refused(status, code);
    assert_eq!(reply.body["request_id"], reply.request_id());
    let message = reply.body["error_msg"].as_str().unwrap().to_owned();
    assert!(!message.is_empty(), "{}", reply.text);
    message
}

#[tokio::test]
async fn bodies_that_are_no_object_of_json() {
    let (customer, path, _) = with_provider().await;
    let certificates = format!("{path}/certificate");
    let deep = format!("{{\"idp_saml_config\":{}{}}}", "[".repeat(20_000), "]".repeat(20_000));
    let bad: [&[u8]; 12] = [
        b"",
        b"\n",
        b"{",
        b"null",
        b"[]",
        b"\"text\"",
        b"{}{}",
        b"{\"entity_id\": \"a\", \"entity_id\": \"b\", \"login_url\": \"https://a.example\"}",
        b"{\"x509_certificate_in_pem\": \"\xff\xfe\", \"certificate_use\": \"SIGNING\"}",
        b"\xef\xbb\xbf{}",
        b"{\"entity_id\": \"\\ud800\"}",
        deep.as_bytes(),
    ];
    let before = customer.get(IDP).await.expect(200).body;
    for (method, path) in [("POST", IDP), ("PUT", &path), ("POST", &certificates)] {
        for body in bad {
            let message = told(customer.send(customer.request(method, path).raw(body.to_vec())).await, 400, "IIC.400");
            assert!(message.starts_with("Bad Request: "), "{message}");
        }
        let typed = customer.request(method, path).json(&json!({})).without("content-type");
        let _ = told(customer.send(typed.header("content-type", "text/xml")).await, 415, "IIC.415");
        let huge = format!("{{\"entity_id\":\"{}\"}}", "x".repeat(1024 * 1024)).into_bytes();
        let _ = told(customer.send(customer.request(method, path).raw(huge)).await, 413, "IIC.413");
        // Refusals of API Gateway itself have no dialect.
        let more = vec![b' '; 11 * 1024 * 1024];
        assert_eq!(customer.send(customer.request(method, path).raw(more)).await.status, 413);
    }
    assert_eq!(customer.get(IDP).await.expect(200).body, before);
}

#[tokio::test]
async fn every_field_of_another_type_is_named_and_all_at_once() {
    let (customer, path, _) = with_provider().await;
    let certificates = format!("{path}/certificate");
    let fresh = connected("healthy").await;
    let others = [json!(7), json!(1.5), json!(true), json!([]), json!(["x"]), json!({"x": 1}), Value::Null, json!("")];
    for other in &others {
        let body = json!({"entity_id": other, "login_url": other});
        let message = told(customer.put(&path, &body).await, 400, "IIC.400");
        assert!(message.contains("entity_id") && message.contains("login_url"), "{other}: {message}");
        let body = json!({"x509_certificate_in_pem": other, "certificate_use": other});
        let message = told(customer.post(&certificates, &body).await, 400, "IIC.400");
        assert!(message.contains("x509_certificate_in_pem") && message.contains("certificate_use"), "{message}");
        let body = json!({"idp_saml_config": {"entity_id": other, "login_url": other}, "idp_certificate": other});
        let message = told(fresh.post(IDP, &body).await, 400, "IIC.400");
        for field in ["idp_saml_config.entity_id", "idp_saml_config.login_url", "idp_certificate"] {
            assert!(message.contains(field), "{other}: {message}");
        }
        if !matches!(other, Value::Null | Value::String(_)) {
            let message = told(fresh.post(IDP, &json!({"idp_saml_metadata": other})).await, 400, "IIC.400");
            assert!(message.contains("idp_saml_metadata"), "{other}: {message}");
        }
    }
    assert_eq!(fresh.get(IDP).await.expect(200).body, json!({"associations": []}));
}

#[tokio::test]
async fn text_that_no_field_should_hold() {
    let (customer, path, _) = with_provider().await;
    let long = format!("https://a.example/{}", "x".repeat(5_000));
    for (entity_id, login_url) in [
        ("", "https://a.example"),
        ("urn:a", "javascript:alert(1)"),
        ("urn:a", "https://"),
        ("urn:a", "https://a b.example/"),
        ("urn:a\u{0}b", "https://a.example"),
        ("urn:a\u{202e}b", "https://a.example/\r\nx: y"),
        (&long, "https://a.example"),
        ("urn:a", &long),
    ] {
        let message =
            told(customer.put(&path, &json!({"entity_id": entity_id, "login_url": login_url})).await, 400, "IIC.400");
        assert!(message.len() < 1_000 && !message.contains(['\0', '\r', '\u{202e}']), "{message:?}");
    }
    // Unusual but valid input is stored unchanged.
    let odd = json!({"entity_id": "urn:\u{e9}:\u{6771}\u{4eac}", "login_url": "https://a.example/?a=%2F&b=\"c\""});
    let reply = customer.put(&path, &odd).await;
    if reply.status == 200 {
        let shown = customer.get(IDP).await.expect(200).body;
        assert_eq!(shown["associations"][0]["idp_saml_config"]["entity_id"], odd["entity_id"]);
        assert_eq!(shown["associations"][0]["idp_saml_config"]["login_url"], odd["login_url"]);
    } else {
        let _ = told(reply, 400, "IIC.400");
    }
}

#[tokio::test]
async fn paths_and_ids_that_lead_nowhere() {
    let (customer, path, certificate_id) = with_provider().await;
    for odd in ["%23", "a%20b", "%00", "%2F", "%2e%2e", "a;b", "*", "%F0%9F%98%80", &"x".repeat(129)] {
        for path in [
            format!("/v1/identity-stores/{odd}/external-idp"),
            format!("/v1/identity-stores/{odd}/sp-config"),
            format!("/v1/identity-stores/{odd}/saml-certificates"),
            format!("/v1/instances/{odd}/identity-store-associations"),
            format!("{IDP}/{odd}/certificate"),
        ] {
            let reply = customer.get(&path).await;
            assert!(reply.status == 400 || reply.status == 404, "{path}: {} {}", reply.status, reply.text);
            let code = reply.body["error_code"].as_str().unwrap_or_default().to_owned();
            // A decoded slash makes it another path; two dots are an ordinary id.
            assert!(matches!(&*code, "IIC.400" | "IIC.404" | "APIGW.0101"), "{path}: {}", reply.text);
            let _ = told(reply.clone(), reply.status, &code);
        }
    }
    // API Gateway refuses a path that is no UTF-8 before a function sees it.
    let undecodable = customer.get("/v1/identity-stores/%ff/external-idp").await.expect(400);
    assert_eq!(undecodable.body, json!({"message": "Bad Request"}));
    for (method, path) in [
        ("GET", "/v1/identity-stores".to_owned()),
        ("GET", "/v1/identity-stores/d-1234567890".to_owned()),
        ("GET", format!("{path}/certificates")),
        ("GET", path.clone()),
        ("PATCH", path.clone()),
        ("PUT", format!("{path}/certificate/{certificate_id}")),
        ("GET", format!("{ASSOCIATIONS}/more")),
        ("DELETE", ASSOCIATIONS.to_owned()),
    ] {
        let _ = told(customer.send(customer.request(method, &path)).await, 404, "APIGW.0101");
    }
}

#[tokio::test]
async fn every_reply_names_its_request() {
    let (customer, path, certificate_id) = with_provider().await;
    let replies = [
        customer.get(IDP).await.expect(200),
        customer.post(&format!("{path}/certificate"), &import(&certificate(-1, 9))).await.expect(200),
        customer.post(&format!("{path}/enable"), &Value::Null).await.expect(200),
        customer.delete(&format!("{path}/certificate/{certificate_id}")).await.expect(200),
        customer.post(IDP, &new_idp(&certificate(-1, 9))).await.expect(409),
        customer.send(customer.request_as(&customer.viewer, "DELETE", &path)).await.expect(403),
        world().send(Request::new("GET", IDP)).await.expect(401),
        customer.get("/v1/instances/none/identity-store-associations").await.expect(404),
        customer.get("/v1/instances/none").await.expect(404),
    ];
    let mut ids: Vec<String> = replies.iter().map(|reply| reply.request_id().to_owned()).collect();
    for reply in &replies {
        assert!(reply.status < 400 || reply.body["request_id"] == reply.request_id(), "{}", reply.text);
        assert_eq!(reply.body["encoded_authorization_message"].is_string(), reply.status == 403, "{}", reply.text);
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), replies.len());
}
