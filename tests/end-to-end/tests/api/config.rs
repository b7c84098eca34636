//! Tests of `/v1/integrations/aws-identity-center/config`.

use serde_json::{Value, json};
use trustplane_end_to_end::world;

use futures_util::future::join_all;

const PATH: &str = "/v1/integrations/aws-identity-center/config";

fn example() -> Value {
    json!({
        "sso_instance_arn": "arn:aws:sso:::instance/ssoins-0123456789abcdef0",
        "role_arn": "arn:aws:iam::123456789012:role/JitsudoIdentityCenterRole",
        "region": "us-east-1",
    })
}

#[tokio::test]
async fn the_documented_example_is_saved_and_shown() {
    let customer = world().customer().await;
    let nothing = customer.get(PATH).await.expect(200);
    assert_eq!(nothing.body, json!({"sso_instance_arn": null, "role_arn": null, "region": null, "configured": false}));
    let saved = customer.put(PATH, &example()).await.expect(200);
    let mut expected = example();
    expected["configured"] = json!(true);
    assert_eq!(saved.body, expected);
    assert_eq!(saved.header("etag"), Some("\"1\""));
    assert_eq!(saved.header("content-type"), Some("application/json"));
    let shown = customer.get(PATH).await.expect(200);
    assert_eq!((shown.body.clone(), shown.header("etag")), (expected, Some("\"1\"")));
}

#[tokio::test]
async fn one_round_trip_to_read_and_two_to_write() {
    let customer = world().customer().await;
    let saved = customer.put(PATH, &example()).await.expect(200);
    let cost = customer.cost(&saved).await;
    assert_eq!((cost.dynamodb_calls, cost.dynamodb_round_trips, cost.aws_calls), (2, 2, 0));
    let shown = customer.get(PATH).await.expect(200);
    let cost = customer.cost(&shown).await;
    assert_eq!((cost.dynamodb_calls, cost.dynamodb_round_trips, cost.aws_calls), (1, 1, 0));
    // Three items of less than 4 KB, strongly consistent.
    assert_eq!(cost.capacity, 3.0);
}

#[tokio::test]
async fn either_header_lets_a_credential_in() {
    let customer = world().customer().await;
    let request = customer.request("GET", PATH).without("authorization").header("x-api-key", &customer.viewer);
    let _ = customer.send(request).await.expect(200);
    let two = customer.request("GET", PATH).header("x-api-key", &customer.viewer);
    let _ = customer.send(two).await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn an_empty_string_is_stored_as_absent() {
    let customer = world().customer().await;
    let body = json!({"sso_instance_arn": "", "role_arn": "", "region": ""});
    let saved = customer.put(PATH, &body).await.expect(200);
    assert_eq!(saved.body, json!({"sso_instance_arn": null, "role_arn": null, "region": null, "configured": false}));
    let mut without_region = example();
    without_region["region"] = json!("");
    let saved = customer.put(PATH, &without_region).await.expect(200);
    assert_eq!((&saved.body["region"], &saved.body["configured"]), (&Value::Null, &json!(true)));
}

#[tokio::test]
async fn every_wrong_field_is_named_at_once_and_nothing_is_written() {
    let customer = world().customer().await;
    let _ = customer.put(PATH, &example()).await.expect(200);
    let wrong = json!({"sso_instance_arn": "x", "role_arn": 7, "unknown": true});
    let refused = customer.put(PATH, &wrong).await.refused(400, "invalid_request");
    let fields: Vec<&String> = refused.body["details"].as_object().unwrap().keys().collect();
    assert_eq!(fields, ["region", "role_arn", "sso_instance_arn"]);
    let own_account = json!({
        "sso_instance_arn": "arn:aws:sso:::instance/ssoins-0123456789abcdef0",
        "role_arn": "arn:aws:iam::000000000000:role/Own",
        "region": "us-east-1",
    });
    let refused = customer.put(PATH, &own_account).await.refused(400, "invalid_request");
    assert!(refused.body["details"]["role_arn"].is_string());
    let shown = customer.get(PATH).await.expect(200);
    assert_eq!(shown.header("etag"), Some("\"1\""));
}

#[tokio::test]
async fn unknown_fields_are_ignored() {
    let customer = world().customer().await;
    let mut newer = example();
    newer["new_field"] = json!({"a": [1]});
    let saved = customer.put(PATH, &newer).await.expect(200);
    assert!(saved.body.get("new_field").is_none());
}

#[tokio::test]
async fn if_match_names_the_version_that_may_be_replaced() {
    let customer = world().customer().await;
    let put = |tag: &str, region: &str| {
        let mut body = example();
        body["region"] = json!(region);
        customer.send(customer.request("PUT", PATH).json(&body).header("if-match", tag))
    };
    let _ = put("\"0\"", "us-east-1").await.expect(200);
    let _ = put("\"0\"", "us-east-2").await.refused(412, "precondition_failed");
    let second = put("\"7\", \"1\"", "us-east-2").await.expect(200);
    assert_eq!(second.header("etag"), Some("\"2\""));
    let third = put("*", "us-west-2").await.expect(200);
    assert_eq!(third.header("etag"), Some("\"3\""));
}

#[tokio::test]
async fn the_same_configuration_again_is_no_new_version() {
    let customer = world().customer().await;
    let first = customer.put(PATH, &example()).await.expect(200);
    let again = customer.put(PATH, &example()).await.expect(200);
    assert_eq!((&again.body, again.header("etag")), (&first.body, Some("\"1\"")));
    let cost = customer.cost(&again).await;
    assert_eq!((cost.dynamodb_calls, cost.dynamodb_round_trips), (1, 1));
    let records = customer.get("/v1/audit-log?action=put-identity-center-config").await.expect(200);
    assert_eq!(records.body["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn writers_at_the_same_time_all_count_and_none_is_lost() {
    let customer = world().customer().await;
    let bodies = ["us-east-1", "us-east-2", "us-west-2"].map(|region| {
        let mut body = example();
        body["region"] = json!(region);
        body
    });
    let writes = bodies.iter().map(|body| customer.put(PATH, body));
    let replies = join_all(writes).await;
    let saved = replies.iter().filter(|reply| reply.status == 200).count();
    for reply in &replies {
        assert!(matches!(reply.status, 200 | 409), "{}", reply.text);
    }
    let shown = customer.get(PATH).await.expect(200);
    assert_eq!(shown.header("etag"), Some(format!("\"{saved}\"").as_str()));
}

#[tokio::test]
async fn of_writers_that_name_the_same_version_one_wins() {
    let customer = world().customer().await;
    let writes =
        (0..4).map(|_| customer.send(customer.request("PUT", PATH).json(&example()).header("if-match", "\"0\"")));
    let statuses: Vec<u16> = join_all(writes).await.iter().map(|reply| reply.status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| matches!(status, 200 | 412)), "{statuses:?}");
}
