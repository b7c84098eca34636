//! Tests with bad input: every request gets a response, and the function keeps running.

use trustplane_end_to_end::{Request, world};

const PATH: &str = "/v1/integrations/aws-identity-center/config";

#[tokio::test]
async fn bodies_that_are_no_json() {
    let customer = world().customer().await;
    let bad: [&[u8]; 9] = [
        b"",
        b"{",
        b"null",
        b"[]",
        b"{\"region\": \"a\", \"region\": \"b\"}",
        b"{\"region\": \"\xff\xfe\"}",
        b"\xef\xbb\xbf{}",
        b"{\"region\": NaN}",
        b"{\"region\": \"a\nb\"}",
    ];
    for body in bad {
        let request = customer.request("PUT", PATH).raw(body.to_vec());
        let _ = customer.send(request).await.refused(400, "invalid_json");
    }
    let deep = format!("{{\"region\":{}{}}}", "[".repeat(20_000), "]".repeat(20_000));
    let _ = customer.send(customer.request("PUT", PATH).raw(deep.into_bytes())).await.refused(400, "invalid_json");
    let shown = customer.get(PATH).await.expect(200);
    assert_eq!(shown.header("etag"), Some("\"0\""));
}

#[tokio::test]
async fn bodies_that_are_too_large() {
    let customer = world().customer().await;
    let padded = |size: usize| {
        let body = format!("{{\"region\":\"{}\"}}", "x".repeat(size));
        customer.request("PUT", PATH).raw(body.into_bytes())
    };
    let _ = customer.send(padded(64 * 1024)).await.refused(413, "too_large");
    let _ = customer.send(padded(60 * 1024)).await.refused(400, "invalid_request");
    // Refusals of API Gateway itself have no dialect.
    assert_eq!(customer.send(padded(10 * 1024 * 1024)).await.status, 413);
    let _ = customer.get(PATH).await.expect(200);
}

#[tokio::test]
async fn other_media_types() {
    let customer = world().customer().await;
    let typed = |kind: &str| {
        customer.request("PUT", PATH).json(&serde_json::json!({})).without("content-type").header("content-type", kind)
    };
    for wrong in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "nonsense"] {
        let _ = customer.send(typed(wrong)).await.refused(415, "unsupported_media_type");
    }
    for right in ["application/json", "Application/JSON; charset=utf-8", "application/vnd.x+json", ""] {
        let _ = customer.send(typed(right)).await.refused(400, "invalid_request");
    }
}

#[tokio::test]
async fn control_characters_in_values() {
    let customer = world().customer().await;
    let body = serde_json::json!({"sso_instance_arn": "\u{0}", "role_arn": "a\u{1b}[31m", "region": "us-east-1\r\n"});
    let refused = customer.put(PATH, &body).await.refused(400, "invalid_request");
    assert_eq!(refused.body["details"].as_object().unwrap().len(), 3);
    assert!(!refused.text.contains("\\u001b"), "{}", refused.text);
}

#[tokio::test]
async fn odd_query_strings() {
    let customer = world().customer().await;
    for query in ["?", "?a", "?a=1&a=2", "?%zz", "?%00", "?a=%ff%fe", "?x=%3Cscript%3E", "?a[]=1&&&=&=;"] {
        let reply = customer.send(customer.request("GET", &format!("{PATH}{query}"))).await;
        assert_eq!(reply.status, 200, "{query}: {}", reply.text);
    }
}

#[tokio::test]
async fn a_function_that_is_given_nonsense_answers_and_lives_on() {
    let world = world();
    for event in [
        serde_json::json!({}),
        serde_json::json!({"rawPath": "/a?b", "rawQueryString": "a b<c>", "headers": {"Authorization": "Bearer \u{e9}"}}),
        serde_json::json!({"body": "***", "isBase64Encoded": true}),
    ] {
        let reply = world.invoke("put-identity-center-config", &event).await.unwrap();
        assert_eq!(reply["statusCode"], 401, "{event}");
    }
    let health = world.send(Request::new("GET", "/healthz")).await.expect(200);
    assert_eq!(health.body["status"], "ok");
}
