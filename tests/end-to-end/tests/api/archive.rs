//! Tests of the archive of seals: a log that somebody with access to the table shortens or rewrites, seals and head included.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use trustplane_domain::Timestamp;
use trustplane_domain::ids::TenantId;
use trustplane_domain::timestamp::DAY;
use trustplane_end_to_end::{Customer, World};
use trustplane_local::Options;
use trustplane_local::http::{Method, send};

use crate::table::{hand, own_world};

type Item = HashMap<String, AttributeValue>;

/// Runs the schedule in the hour in which this tenant is verified, so many days from now.
async fn nightly(world: &World, tenant: &str, days: i64) -> Value {
    let hour = TenantId::parse(tenant).unwrap().as_bytes()[15] % 24;
    let day = Timestamp::now().plus_millis(days * DAY).to_string();
    let time = format!("{}T{hour:02}:00:00Z", day.split('T').next().unwrap());
    world.invoke("verify-audit-logs", &json!({"source": "aws.events", "time": time, "detail": {}})).await.unwrap()
}

async fn verify(world: &World, tenant: &str) -> Value {
    world.invoke("verify-audit", &json!({"tenant_id": tenant})).await.unwrap()
}

/// Makes a change, and waits until it is sealed.
async fn change(world: &World, customer: &Customer, id: &str) {
    let body = json!({"OrganisationId": id, "OrganisationName": id});
    let _ = customer.post("/organisations", &body).await.expect(201);
    world.stack().settle_streams().await;
}

/// Returns the bodies of the tenant's objects in the archive, oldest first.
fn archived(world: &World, tenant: &str) -> Vec<Value> {
    let versions = world.stack().archived().into_iter();
    let bodies = versions.map(|version| serde_json::from_str::<Value>(version["body"].as_str().unwrap()).unwrap());
    bodies.filter(|body| body["tenant_id"] == tenant).collect()
}

/// The tenant's audit records, seals and head, as the table has them.
async fn log(world: &World, tenant: &str) -> Vec<Item> {
    let mut log = Vec::new();
    for part in ["AUDIT", "SEALS"] {
        let query = hand(world).query().table_name(world.stack().table()).key_condition_expression("pk = :pk");
        let pk = AttributeValue::S(format!("TENANT#{tenant}#{part}"));
        log.extend(query.expression_attribute_values(":pk", pk).send().await.unwrap().items.unwrap());
    }
    log
}

fn key(item: &Item) -> Item {
    ["pk", "sk"].map(|name| (name.to_owned(), item[name].clone())).into()
}

/// Puts the log back to an earlier state, as a restored backup or an intruder would: nothing inside it shows that.
async fn put_back(world: &World, tenant: &str, earlier: &[Item]) {
    for item in log(world, tenant).await {
        let delete = hand(world).delete_item().table_name(world.stack().table());
        let _ = delete.set_key(Some(key(&item))).send().await.unwrap();
    }
    for item in earlier {
        let put = hand(world).put_item().table_name(world.stack().table());
        let _ = put.set_item(Some(item.clone())).send().await.unwrap();
    }
}

#[tokio::test]
async fn a_log_that_was_shortened_or_rewritten_is_found_by_the_archive() {
    let world = own_world(Options::default());
    let customer = world.customer().await;
    let tenant = customer.tenant.as_str();
    world.stack().settle_streams().await;
    let earlier = log(world, tenant).await;
    change(world, &customer, "one").await;
    let verified = verify(world, tenant).await;
    assert_eq!((&verified["intact"], &verified["archived"]), (&json!(true), &Value::Null));

    let intact = json!({"verified": 1, "broken": 0, "left": 0});
    assert_eq!(nightly(world, tenant, 0).await, intact);
    let first = archived(world, tenant);
    let seal = first[0]["seal"].as_u64().unwrap();
    assert_eq!((first.len(), verify(world, tenant).await["archived"].as_u64()), (1, Some(seal)));
    // Nothing is added while nothing changes, until the lock has to be renewed.
    assert_eq!((nightly(world, tenant, 0).await, archived(world, tenant).len()), (intact.clone(), 1));
    assert_eq!((nightly(world, tenant, 40).await, archived(world, tenant).len()), (intact.clone(), 2));
    change(world, &customer, "two").await;
    assert_eq!(nightly(world, tenant, 0).await, intact);
    let last = archived(world, tenant).pop().unwrap();
    assert_eq!(last["seal"].as_u64(), Some(seal + 1));
    assert_ne!(last["hash"], first[0]["hash"]);

    put_back(world, tenant, &earlier).await;
    let found = verify(world, tenant).await;
    let reason = &found["first_broken"]["reason"];
    assert_eq!(
        (&found["intact"], reason.as_str().unwrap().contains("the archive has a later seal")),
        (&json!(false), true)
    );
    assert_eq!(nightly(world, tenant, 0).await, json!({"verified": 1, "broken": 1, "left": 0}));

    // The log goes on and reaches the same number with other records.
    for id in ["three", "four", "five"] {
        change(world, &customer, id).await;
    }
    let found = verify(world, tenant).await;
    assert_eq!(found["first_broken"]["seal"].as_u64(), Some(seal + 1), "{found}");
    assert_eq!(found["first_broken"]["reason"], "it is not the seal of this number that the archive has");
    assert_eq!(nightly(world, tenant, 0).await["broken"], 1);
    assert_eq!(archived(world, tenant).len(), 3, "a broken log is not archived");

    // Who may delete objects can hide one, and not remove it.
    let newest = world.stack().archived().pop().unwrap()["key"].as_str().unwrap().to_owned();
    let authorization = "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/s3/aws4_request";
    for (query, status) in [("?versionId=1", 403), ("", 204)] {
        let url = format!("{}/archive/{newest}{query}", world.stack().endpoint());
        let reply = send(Method::DELETE, &url, &[("authorization", authorization)], Vec::new()).await.unwrap();
        assert_eq!(reply.status.as_u16(), status, "{query}");
    }
    assert_eq!(verify(world, tenant).await["first_broken"]["seal"].as_u64(), Some(seal + 1));
}

#[tokio::test]
async fn an_archive_that_is_away_is_an_error_and_not_an_empty_one() {
    let environment = [("AWS_ENDPOINT_URL_S3".to_owned(), "http://127.0.0.1:1".to_owned())].into();
    let world = own_world(Options { environment, ..Options::default() });
    let (tenant, _) = world.tenant("Example").await;
    world.stack().settle_streams().await;
    let error = world.invoke("verify-audit", &json!({"tenant_id": tenant})).await.unwrap_err();
    assert!(error["errorMessage"].as_str().unwrap().contains("the archive of seals"), "{error}");
    let hour = TenantId::parse(&tenant).unwrap().as_bytes()[15] % 24;
    let event = json!({"source": "aws.events", "time": format!("2026-01-02T{hour:02}:00:00Z"), "detail": {}});
    let error = world.invoke("verify-audit-logs", &event).await.unwrap_err();
    assert!(error["errorMessage"].as_str().unwrap().contains("1 audit logs cannot be verified"), "{error}");
}
