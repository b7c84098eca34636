//! Tests of `/v1/audit-log`: records of allowed and denied requests.

use serde_json::{Value, json};
use trustplane_end_to_end::{Customer, Request, world};

use futures_util::future::join_all;

const PATH: &str = "/v1/audit-log";
const CONFIG: &str = "/v1/integrations/aws-identity-center/config";

fn config(region: &str) -> Value {
    json!({"sso_instance_arn": "", "role_arn": "", "region": region})
}

async fn list(customer: &Customer, query: &str) -> Vec<Value> {
    let reply = customer.get(&format!("{PATH}?{query}")).await.expect(200);
    reply.body["data"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_change_is_told_with_who_what_and_whence() {
    let customer = world().customer().await;
    let _ = customer.put(CONFIG, &config("eu-west-1")).await.expect(200);
    let request = customer.request("PUT", CONFIG).json(&config("us-east-1")).header("user-agent", "test/1");
    let changed = customer.send(request).await.expect(200);
    let records = list(&customer, "action=put-identity-center-config").await;
    assert_eq!(records.len(), 2);
    let record = &records[0];
    let id = &customer.admin[4..42];
    assert_eq!(record["actor"], json!({"id": id, "name": "admin", "type": "credential", "roles": ["admin"]}));
    assert_eq!((&record["actor_id"], &record["actor_type"]), (&json!(id), &json!("credential")));
    assert_eq!(record["resource"], json!({"type": "integration", "id": "aws-identity-center"}));
    assert_eq!((&record["resource_type"], &record["outcome"]), (&json!("integration"), &json!("allowed")));
    assert_eq!((&record["before"]["region"], &record["after"]["region"]), (&json!("eu-west-1"), &json!("us-east-1")));
    assert_eq!(record["determining_policies"], json!(["built-in.admin"]));
    assert_eq!((&record["request_id"], &record["user_agent"]), (&json!(changed.request_id()), &json!("test/1")));
    assert_eq!((&record["source_ip"], &record["interaction_id"]), (&json!("127.0.0.1"), &Value::Null));
    assert_eq!(record["created_at"], record["occurred_at"]);
    assert!(records[1]["occurred_at"].as_str() <= record["occurred_at"].as_str());
    // Contains no secret of the keys that were created for this tenant.
    let all = Value::from(list(&customer, "").await).to_string();
    assert!(!all.contains("token") && !all.contains(&customer.admin[43..]), "{all}");
    // Another tenant's log contains none of it.
    assert_eq!(list(&world().customer().await, "action=put-identity-center-config").await, [] as [Value; 0]);
}

#[tokio::test]
async fn pages_and_filters_and_what_they_cost() {
    let customer = world().customer().await;
    for region in ["eu-west-1", "eu-west-2", "eu-west-3"] {
        let _ = customer.put(CONFIG, &config(region)).await.expect(200);
    }
    // Waits until all records are sealed, so that none changes between two requests.
    world().stack().settle_streams().await;
    let whole = customer.get(PATH).await.expect(200);
    let cost = customer.cost(&whole).await;
    assert_eq!((cost.dynamodb_calls, cost.dynamodb_round_trips, cost.aws_calls), (2, 1, 0));
    let all = whole.body["data"].as_array().unwrap();
    // The tenant, its four keys, and three changes.
    assert_eq!((all.len(), &whole.body["has_more"], &whole.body["next_cursor"]), (8, &json!(false), &Value::Null));
    let ids: Vec<&str> = all.iter().map(|record| record["id"].as_str().unwrap()).collect();
    assert!(ids.is_sorted_by(|a, b| a > b), "{ids:?}");

    let mut paged = Vec::new();
    let mut cursor = String::new();
    for page in 1.. {
        let reply = customer.get(&format!("{PATH}?limit=3&cursor={cursor}")).await.expect(200);
        paged.extend(reply.body["data"].as_array().unwrap().clone());
        assert_eq!(reply.body["has_more"], json!(page < 3));
        match reply.body["next_cursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(&paged, all);

    // Returns one of three, although it examines all.
    let filtered = customer.get(&format!("{PATH}?resource_type=integration&limit=1")).await.expect(200);
    assert_eq!((&filtered.body["data"][0], &filtered.body["has_more"]), (&all[0], &json!(true)));
    let cursor = filtered.body["next_cursor"].as_str().unwrap();
    let rest = list(&customer, &format!("resource_type=integration&cursor={cursor}")).await;
    assert_eq!(rest, all[1..3]);
    let cost = customer.cost(&filtered).await;
    assert_eq!((cost.dynamodb_calls, cost.dynamodb_round_trips), (2, 1));

    let id = &customer.viewer[4..42];
    for (query, wanted) in [
        (format!("actor_id={}", &customer.admin[4..42]), 3),
        ("actor_id=operator".to_owned(), 5),
        (format!("resource_id={id}"), 1),
        (format!("resource_id={id}&resource_type=api-key&action=create-credential"), 1),
        (format!("resource_id={id}&actor_id=nobody"), 0),
    ] {
        assert_eq!(list(&customer, &query).await.len(), wanted, "{query}");
    }
    // `from` and `to` are times of records, both included.
    let at = |place: usize| all[place]["occurred_at"].as_str().unwrap();
    let between = all.iter().filter(|record| {
        let time = record["occurred_at"].as_str().unwrap();
        at(4) <= time && time <= at(1)
    });
    assert_eq!(list(&customer, &format!("from={}&to={}", at(4), at(1))).await.len(), between.count());
    assert_eq!(list(&customer, "to=2020-01-01T00:00:00Z").await, [] as [Value; 0]);
}

#[tokio::test]
async fn a_question_that_is_wrong_is_told_all_of_it() {
    let customer = world().customer().await;
    let path = format!("{PATH}?from=soon&to=7&limit=251&cursor=x&resource_type=thing");
    let refused = customer.get(&path).await.refused(400, "invalid_request");
    let fields: Vec<&String> = refused.body["details"].as_object().unwrap().keys().collect();
    assert_eq!(fields, ["cursor", "from", "limit", "resource_type", "to"]);
    for (query, field, said) in [
        ("action=put-polcy", "action", "`put-policy`"),
        ("outcome=refused", "outcome", "`denied`"),
        ("actoin=x", "actoin", "`action`"),
        ("actor_id=", "actor_id", "empty"),
        ("resource_type=apikey", "resource_type", "`api-key`"),
        ("action=put-policy&action=delete-policy", "action", "once"),
    ] {
        let refused = customer.get(&format!("{PATH}?{query}")).await.refused(400, "invalid_request");
        let message = refused.body["details"][field].as_str().unwrap_or_else(|| panic!("{query}: {}", refused.text));
        assert!(message.contains(said), "{query}: {message}");
    }
    let path = format!("{PATH}?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z");
    let refused = customer.get(&path).await.refused(400, "invalid_request");
    assert!(refused.body["details"]["from"].is_string());
    let first = customer.get(&format!("{PATH}?limit=1")).await.expect(200);
    let cursor = first.body["next_cursor"].as_str().unwrap();
    let path = format!("{PATH}?cursor={cursor}&to=2020-01-01T00:00:00Z");
    let refused = customer.get(&path).await.refused(400, "invalid_request");
    assert!(refused.body["details"]["cursor"].is_string());
}

#[tokio::test]
async fn a_denied_attempt_is_recorded_and_costs_one_call_more() {
    let customer = world().customer().await;
    let request = || customer.request_as(&customer.viewer, "PUT", CONFIG).json(&config("eu-west-1"));
    let refused = customer.send(request()).await.refused(403, "forbidden");
    let cost = customer.cost(&refused).await;
    assert_eq!((cost.dynamodb_calls, cost.dynamodb_round_trips, cost.aws_calls), (2, 2, 0));
    let records = list(&customer, "action=put-identity-center-config").await;
    assert_eq!(records.len(), 1);
    // The record may be sealed between the two requests.
    assert_eq!(list(&customer, "outcome=denied").await[0]["id"], records[0]["id"]);
    assert!(list(&customer, "outcome=allowed").await.iter().all(|record| record["outcome"] == "allowed"));
    let record = &records[0];
    assert_eq!((&record["outcome"], &record["actor"]["name"]), (&json!("denied"), &json!("viewer")));
    assert_eq!((&record["before"], &record["after"]), (&Value::Null, &Value::Null));
    assert_eq!(record["resource"], json!({"type": "integration", "id": "aws-identity-center"}));
    assert_eq!(record["request_id"], refused.request_id());
    assert_eq!(record["determining_policies"], json!([]));
    // A client without a credential leaves no record in a tenant's log.
    let stranger = Request::new("PUT", CONFIG).bearer("nonsense").header("x-tenant-id", &customer.tenant);
    let _ = customer.send(stranger).await.refused(401, "unauthenticated");
    assert_eq!(list(&customer, "action=put-identity-center-config").await.len(), 1);
    // The event on the bus shows the denial too.
    world().stack().settle_streams().await;
    let events = world().stack().events();
    let event = events.iter().find(|event| event["detail"]["id"] == record["id"]).unwrap();
    assert_eq!((&event["detail-type"], &event["detail"]["outcome"]), (&json!("access-denied"), &json!("denied")));
}

#[tokio::test]
async fn however_many_attempts_are_denied_few_are_recorded_and_all_are_answered() {
    let customer = world().customer().await;
    let request = || customer.send(customer.request_as(&customer.viewer, "PUT", CONFIG).json(&config("eu-west-1")));
    let bound = usize::try_from(trustplane_store::DENIALS).unwrap();
    for _ in 0..2 * bound + 5 {
        let _ = request().await.refused(403, "forbidden");
    }
    for reply in join_all((0..4).map(|_| request())).await {
        let _ = reply.refused(403, "forbidden");
    }
    let recorded = list(&customer, "action=put-identity-center-config&limit=250").await.len();
    // A new minute may have begun meanwhile.
    assert!((bound..=2 * bound).contains(&recorded), "{recorded}");
}
