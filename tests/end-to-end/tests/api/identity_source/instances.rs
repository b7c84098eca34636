//! Tests of `/v1/instances` and the resources of an instance.

use serde_json::{Value, json};
use trustplane_end_to_end::{Customer, world};
use trustplane_local::http::{Method, send};

use super::{ASSOCIATIONS, CONFIG, IDP, INSTANCE, STORE, asked, connected, go_through, scenario};

fn default_association() -> Value {
    json!({"identity_store_associations": [{
        "identity_store_id": STORE,
        "identity_store_type": "UserPool",
        "authentication_type": "DEFAULT",
        "provisioning_type": ["DEFAULT"],
        "status": "ENABLED",
    }]})
}

#[tokio::test]
async fn the_identity_source_is_what_aws_says_and_is_remembered() {
    let customer = connected("healthy").await;
    let first = customer.get(ASSOCIATIONS).await.expect(200);
    assert_eq!(first.body, default_association());
    assert_eq!((first.header("age"), first.header("warning")), (None, None));
    let cost = customer.cost(&first).await;
    // Credential, tenant and connection; then, because the store is new, its provider; then the write of the result.
    // The role is tried without the ExternalId and with another one, concurrently with the real one: that is a budget of its
    // own.
    assert_eq!((cost.dynamodb_calls, cost.dynamodb_round_trips, cost.aws_calls), (5, 5, 4));
    assert_eq!(asked(&customer), ["AssumeRole", "DescribeInstance"]);

    let second = customer.get(ASSOCIATIONS).await.expect(200);
    assert_eq!(second.body, first.body);
    let cost = customer.cost(&second).await;
    assert_eq!((cost.dynamodb_calls, cost.dynamodb_round_trips, cost.aws_calls), (1, 1, 0));
    assert_eq!(asked(&customer).len(), 2);
}

#[tokio::test]
async fn instances_are_listed_by_page() {
    let customer = connected("healthy").await;
    let listed = customer.get("/v1/instances").await.expect(200);
    let page = json!({"next_marker": null, "current_count": 1});
    assert_eq!(listed.body["page_info"], page);
    let instance = &listed.body["instances"][0];
    assert_eq!((&instance["identity_store_id"], &instance["instance_id"]), (&json!(STORE), &json!(INSTANCE)));
    assert_eq!(instance["instance_urn"], format!("arn:aws:sso:::instance/{INSTANCE}"));
    let _ = customer.get("/v1/instances?limit=1&marker=").await.expect(200);
    let after = customer.get(&format!("/v1/instances?marker={INSTANCE}")).await.expect(200);
    assert_eq!(after.body, json!({"instances": [], "page_info": {"next_marker": null, "current_count": 0}}));
    for wrong in ["limit=0", "limit=101", "limit=x", "limit=", "marker=a%20b", "limit=0&marker=%23"] {
        let refused = customer.get(&format!("/v1/instances?{wrong}")).await.refused(400, "IIC.400");
        let name = wrong.split('=').next().unwrap();
        assert!(refused.body["error_msg"].as_str().unwrap().contains(name), "{}", refused.text);
    }
}

#[tokio::test]
async fn without_a_connection_or_with_another_instance_there_is_none() {
    let customer = world().customer().await;
    for path in [ASSOCIATIONS, "/v1/instances"] {
        let _ = customer.get(path).await.refused(404, "IIC.404");
    }
    let _ = customer.get(IDP).await.refused(404, "IIC.404");
    let customer = connected("healthy").await;
    let other = "/v1/instances/ssoins-7223fe9db2c6a018/identity-store-associations";
    let _ = customer.get(other).await.refused(404, "IIC.404");
    assert!(asked(&customer).is_empty());
    let _ = customer.get("/v1/instances/a%20b/identity-store-associations").await.refused(400, "IIC.400");
    let _ = customer.get("/v1/identity-stores/d-9067f2a3c1/external-idp").await.refused(404, "IIC.404");
    let _ = customer.get("/v1/identity-stores/d%23/external-idp").await.refused(400, "IIC.400");
}

#[tokio::test]
async fn a_member_of_another_tenant_sees_nothing_of_this_one() {
    let customer = connected("healthy").await;
    let _ = customer.get(ASSOCIATIONS).await.expect(200);
    let stranger = world().customer().await;
    let _ = stranger.get(ASSOCIATIONS).await.refused(404, "IIC.404");
    // The role does not trust the stranger's ExternalId.
    go_through(&stranger, &scenario("healthy")).await;
    let _ = stranger.get(ASSOCIATIONS).await.refused(403, "IIC.1215");
    assert_eq!(asked(&stranger), ["AssumeRole"]);
}

#[tokio::test]
async fn what_aws_denies_is_403() {
    for name in ["no-trust", "missing-sso-DescribeInstance", "network-restricted", "kms-denied"] {
        let customer = connected(name).await;
        let refused = customer.get(ASSOCIATIONS).await.refused(403, "IIC.1215");
        assert!(refused.body["encoded_authorization_message"].is_string(), "{name}");
        let _ = customer.get("/v1/instances").await.refused(403, "IIC.1215");
        let _ = customer.get(IDP).await.refused(403, "IIC.1215");
    }
}

/// Tests the texts: each says what the connection test says of the same refusal, and blames nobody else.
#[tokio::test]
async fn a_refusal_is_told_in_the_words_of_the_connection_test() {
    for (scenario, region, status, code, text) in [
        ("no-trust", "us-east-1", 403, "IIC.1215", "STS does not let the platform assume the role."),
        ("missing-sso-DescribeInstance", "us-east-1", 403, "IIC.1215", "`sso:DescribeInstance`"),
        ("region-denied-scp", "us-east-1", 403, "IIC.1215", "service control policy"),
        ("kms-disabled", "us-east-1", 403, "IIC.1215", "The KMS key that encrypts the instance is disabled."),
        ("region-not-enabled", "af-south-1", 403, "IIC.1215", "the account has not enabled the region"),
        ("region-not-enabled", "us-east-1", 404, "IIC.404", "`af-south-1`"),
        ("wrong-region", "us-east-1", 404, "IIC.404", "`eu-west-1`"),
        ("instance-deleted", "us-east-1", 404, "IIC.404", "no such instance in the saved region"),
        ("proxy", "us-east-1", 503, "IIC.503", "The service is busy"),
        ("clock-skewed", "us-east-1", 503, "IIC.503", "The service is busy"),
        ("sts-clock-skewed", "us-east-1", 503, "IIC.503", "The service is busy"),
    ] {
        let customer = connected(scenario).await;
        let settings = json!({
            "sso_instance_arn": format!("arn:aws:sso:::instance/{INSTANCE}"),
            "role_arn": self::scenario(scenario),
            "region": region,
        });
        let _ = customer.put(CONFIG, &settings).await.expect(200);
        let refused = customer.get(ASSOCIATIONS).await.refused(status, code);
        let message = refused.body["error_msg"].as_str().unwrap();
        assert!(message.contains(text), "{scenario} {region}: {message}");
        assert!(!message.contains("Only the organization"), "{scenario}: {message}");
        if status != 503 {
            assert!(message.contains("POST /v1/integrations/aws-identity-center/test"), "{scenario}: {message}");
        }
    }
}

/// Tests the budget of a role that is not proven: each request tries it without the ExternalId too. A minute may end between
/// two requests, so twice as many are sent at most.
#[tokio::test]
async fn a_role_that_is_not_proven_is_not_tried_again_and_again() {
    let customer = connected("no-trust").await;
    for sent in 1..=22 {
        let reply = customer.get(ASSOCIATIONS).await;
        if reply.status == 429 {
            assert!(sent > 10, "{sent}");
            let refused = reply.refused(429, "APIGW.0308");
            let seconds: u32 = refused.header("retry-after").unwrap().parse().unwrap();
            assert!((1..=60).contains(&seconds), "{seconds}");
            let _ = customer.get(IDP).await;
            // What is remembered is served, without a call to AWS.
            let healthy = connected("healthy").await;
            let _ = healthy.get(ASSOCIATIONS).await.expect(200);
            return served_when_spent(&healthy).await;
        }
        let _ = reply.refused(403, "IIC.1215");
    }
    panic!("the budget is never spent");
}

/// A role that is proven has 60 requests per minute.
async fn served_when_spent(customer: &Customer) {
    for _ in 1..=122 {
        remember(customer, &Seen { role: scenario("healthy"), minutes_ago: 10 }).await;
        let reply = customer.get(ASSOCIATIONS).await.expect(200);
        if customer.cost(&reply).await.aws_calls == 0 {
            assert!(reply.header("warning").unwrap().starts_with("111 "), "{reply:?}");
            return;
        }
    }
    panic!("the budget is never spent");
}

#[tokio::test]
async fn an_instance_that_is_gone_is_404_and_forgotten() {
    let customer = connected("instance-deleted").await;
    let _ = customer.get(ASSOCIATIONS).await.refused(404, "IIC.404");
    assert_eq!(asked(&customer), ["AssumeRole", "DescribeInstance", "ListInstances", "ListInstances"]);
    let _ = customer.get(IDP).await.refused(404, "IIC.404");
    let customer = connected("wrong-region").await;
    let _ = customer.get(ASSOCIATIONS).await.refused(404, "IIC.404");
}

#[tokio::test]
async fn an_instance_that_is_not_active_is_not_enabled() {
    for name in ["instance-deleting", "instance-creating", "instance-create-failed"] {
        let customer = connected(name).await;
        let shown = customer.get(ASSOCIATIONS).await.expect(200);
        assert_eq!(shown.body["identity_store_associations"][0]["status"], "DISABLED", "{name}");
    }
}

#[tokio::test]
async fn aws_away_and_nothing_remembered_is_503() {
    for name in ["throttled", "unreachable", "internal-failure", "sts-throttled", "sts-unreachable"] {
        let customer = connected(name).await;
        for path in [ASSOCIATIONS, IDP] {
            let refused = customer.get(path).await.refused(503, "IIC.503");
            assert_eq!(refused.header("retry-after"), Some("5"), "{name} {path}");
            assert!(refused.text.contains("AWS"), "{}", refused.text);
        }
    }
}

#[tokio::test]
async fn aws_that_throttles_twice_or_is_slow_is_waited_for() {
    for name in ["throttled-twice", "sts-throttled-twice", "slow"] {
        let customer = connected(name).await;
        assert_eq!(customer.get(ASSOCIATIONS).await.expect(200).body, default_association(), "{name}");
    }
}

#[tokio::test]
async fn aws_too_slow_and_nothing_remembered_is_503_before_the_gateway_gives_up() {
    let customer = connected("slow-20").await;
    let _ = customer.get(ASSOCIATIONS).await.refused(503, "IIC.503");
}

#[tokio::test]
async fn what_was_seen_is_served_while_aws_is_away_and_says_so() {
    let customer = connected("healthy").await;
    let _ = customer.get(ASSOCIATIONS).await.expect(200);
    for name in ["throttled", "unreachable", "sts-internal-failure"] {
        let seen = Seen { role: scenario(name), minutes_ago: 10 };
        remember(&customer, &seen).await;
        for path in [ASSOCIATIONS, "/v1/instances"] {
            let reply = customer.get(path).await.expect(200);
            let age: u64 = reply.header("age").unwrap().parse().unwrap();
            assert!((600..900).contains(&age), "{age}");
            assert!(reply.header("warning").unwrap().starts_with("111 "), "{reply:?}");
        }
        // Age only matters for instances.
        let reply = customer.get(IDP).await.expect(200);
        assert_eq!((reply.header("age"), customer.cost(&reply).await.aws_calls), (None, 0));
    }
    // A resource that AWS denies is not served from the stored facts.
    remember(&customer, &Seen { role: scenario("no-trust"), minutes_ago: 10 }).await;
    let _ = customer.get(ASSOCIATIONS).await.refused(403, "IIC.1215");
    // A deleted resource is not served either.
    remember(&customer, &Seen { role: scenario("instance-deleted"), minutes_ago: 10 }).await;
    let _ = customer.get(ASSOCIATIONS).await.refused(404, "IIC.404");
    let _ = customer.get(IDP).await.refused(404, "IIC.404");
}

#[tokio::test]
async fn what_is_older_than_five_minutes_is_asked_again_with_two_writes() {
    let customer = connected("healthy").await;
    let _ = customer.get(ASSOCIATIONS).await.expect(200);
    remember(&customer, &Seen { role: scenario("healthy"), minutes_ago: 6 }).await;
    let reply = customer.get(ASSOCIATIONS).await.expect(200);
    let cost = customer.cost(&reply).await;
    // The read; the budget; what AWS said.
    assert_eq!((cost.dynamodb_calls, cost.dynamodb_round_trips), (3, 3));
    assert!((1..=2).contains(&cost.aws_calls), "{cost:?}");
    let again = customer.get(ASSOCIATIONS).await.expect(200);
    assert_eq!(customer.cost(&again).await.aws_calls, 0);
    remember(&customer, &Seen { role: scenario("healthy"), minutes_ago: 4 }).await;
    let fresh = customer.get(ASSOCIATIONS).await.expect(200);
    assert_eq!(customer.cost(&fresh).await.aws_calls, 0);
}

#[tokio::test]
async fn another_connection_starts_with_nothing_remembered() {
    let customer = connected("healthy").await;
    let _ = customer.get(ASSOCIATIONS).await.expect(200);
    go_through(&customer, &scenario("throttled")).await;
    let _ = customer.get(ASSOCIATIONS).await.refused(503, "IIC.503");
    go_through(&customer, &scenario("throttled")).await;
    let shown = customer.get(CONFIG).await.expect(200);
    // The same configuration again is no new version.
    assert_eq!(shown.header("etag"), Some("\"2\""));
}

/// Facts to store in a connection.
struct Seen {
    /// The role that the connection uses from now on.
    role: String,
    /// Age of the last read from AWS.
    minutes_ago: i64,
}

/// Sets the time of the last read from AWS back, as if minutes had passed, and switches the connection to another role.
async fn remember(customer: &Customer, seen: &Seen) {
    let at = (time::OffsetDateTime::now_utc() - time::Duration::minutes(seen.minutes_ago)).replace_nanosecond(0);
    let at = at.unwrap().format(&time::format_description::well_known::Rfc3339).unwrap();
    let stack = world().stack();
    let update = json!({
        "TableName": stack.table(),
        "Key": {"pk": {"S": format!("TENANT#{}", customer.tenant)}, "sk": {"S": "CONNECTION"}},
        "UpdateExpression": "SET #instance.seen_at = :at, settings.role_arn = :role",
        "ExpressionAttributeNames": {"#instance": "instance"},
        "ExpressionAttributeValues": {":at": {"S": at}, ":role": {"S": seen.role}},
    });
    let headers = [
        ("content-type", "application/x-amz-json-1.0"),
        ("x-amz-target", "DynamoDB_20120810.UpdateItem"),
        ("x-amz-date", "20260101T000000Z"),
        (
            "authorization",
            "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host;x-amz-date, Signature=0",
        ),
    ];
    let endpoint = format!("{}/", stack.dynamodb_endpoint().trim_end_matches('/'));
    let reply = send(Method::POST, &endpoint, &headers, update.to_string()).await.unwrap();
    assert!(reply.status.is_success(), "{}", reply.text());
}
