//! Tests of `publish-audit`: the records of the audit log reach the bus.

use serde_json::{Map, Value, json};
use trustplane_domain::audit::AuditRecord;
use trustplane_domain::ids::TenantId;
use trustplane_end_to_end::{World, world};
use trustplane_local::Options;
use trustplane_local::http::{self, Method};
use trustplane_local::wait::until;

use crate::table::{audit_records, own_world, table};

const PATH: &str = "/v1/integrations/aws-identity-center/config";

/// Returns the events of a tenant, in the format that a rule's target gets.
fn events(world: &World, tenant: &str) -> Vec<Value> {
    world.stack().events().into_iter().filter(|event| event["detail"]["tenant_id"] == tenant).collect()
}

#[tokio::test]
async fn a_change_reaches_the_bus_once_as_it_stands_in_the_audit_log() {
    let world = world();
    let customer = world.customer().await;
    let body = json!({
        "sso_instance_arn": "arn:aws:sso:::instance/ssoins-0123456789abcdef0",
        "role_arn": "arn:aws:iam::123456789012:role/Example",
        "region": "us-east-1",
    });
    let _ = customer.put(PATH, &body).await.expect(200);
    world.stack().settle_streams().await;
    let table = table(world);
    let records = audit_records(&table, TenantId::parse(&customer.tenant).unwrap(), "put-identity-center-config").await;
    let events = events(world, &customer.tenant);
    let found: Vec<&Value> = events.iter().filter(|event| event["detail"]["id"] == records[0]["id"]).collect();
    assert_eq!((records.len(), found.len()), (1, 1));
    let event = found[0];
    assert_eq!((&event["source"], &event["detail-type"]), (&json!("trustplane"), &json!("integration.saved")));
    let mut detail: Map<String, Value> = event["detail"].as_object().unwrap().clone();
    assert_eq!(detail.remove("schema_version"), Some(json!(1)));
    assert_eq!(json!(detail), records[0]);
    assert_eq!(detail["action"], "put-identity-center-config");
    // EventBridge has whole seconds.
    assert_eq!(event["time"].as_str().unwrap()[..19], records[0]["occurred_at"].as_str().unwrap()[..19]);

    let hash = detail.remove("hash").unwrap();
    let record: AuditRecord = serde_json::from_value(json!(detail)).unwrap();
    assert_eq!(AuditRecord::hash(&record.canonical()), hash.as_str().unwrap());
    assert_eq!(detail["after"]["role_arn"], body["role_arn"]);
}

#[tokio::test]
async fn what_the_bus_refuses_is_sent_again_and_nothing_twice() {
    let world = own_world(Options::default());
    // A part of a call, a whole call, and more than the function's own attempts.
    for refused in [1, 2, 8] {
        world.stack().refuse_events(refused);
        let mut tenants = Vec::new();
        for _ in 0..2 {
            tenants.push(world.tenant("refused").await.0);
        }
        world.stack().settle_streams().await;
        for tenant in tenants {
            assert_eq!(events(world, &tenant).len(), 1, "{refused}");
        }
    }
    assert_eq!(world.stack().dead_letters(), [] as [Value; 0]);
}

/// Builds the item of an audit record, in DynamoDB's format.
fn item(tenant: &str, id: &str, hash: Option<&str>) -> Value {
    let record: AuditRecord = serde_json::from_value(json!({
        "id": id,
        "tenant_id": tenant,
        "occurred_at": "2026-01-02T03:04:05.678Z",
        "actor": {"id": "operator", "name": "operator", "type": "operator", "roles": []},
        "action": "create-tenant",
        "resource_type": "tenant",
        "resource_id": tenant,
        "outcome": "allowed",
        "before": null,
        "after": {"name": "Example", "status": "active"},
        "determining_policies": [],
        "source_ip": null,
        "user_agent": null,
        "request_id": "r",
        "interaction_id": null,
    }))
    .unwrap();
    let text = record.canonical();
    let hash = hash.map_or_else(|| AuditRecord::hash(&text), str::to_owned);
    json!({
        "pk": {"S": format!("TENANT#{tenant}#AUDIT")},
        "sk": {"S": id},
        "entity": {"S": "audit-record"},
        "record": {"S": text},
        "hash": {"S": hash},
        "item_version": {"N": "1"},
    })
}

/// Writes the items of audit records, as a function does.
async fn write(world: &World, items: &[Value]) {
    let puts: Vec<Value> =
        items.iter().map(|item| json!({"Put": {"TableName": world.stack().table(), "Item": item}})).collect();
    let headers = [
        ("content-type", "application/x-amz-json-1.0"),
        ("x-amz-target", "DynamoDB_20120810.TransactWriteItems"),
        ("x-amz-date", "20260101T000000Z"),
        (
            "authorization",
            "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0",
        ),
    ];
    let url = format!("{}/", world.stack().dynamodb_endpoint());
    let written = http::send(Method::POST, &url, &headers, json!({"TransactItems": puts}).to_string()).await.unwrap();
    assert!(written.status.is_success(), "{}", written.text());
}

/// Returns the ids of a tenant's records on the bus, sorted.
fn published(world: &World, tenant: &str) -> Vec<String> {
    let events = events(world, tenant);
    let mut ids: Vec<_> = events.iter().map(|event| event["detail"]["id"].as_str().unwrap().to_owned()).collect();
    ids.sort_unstable();
    ids
}

const TENANT: &str = "2489e9ad-2ee2-4e00-8ec9-32d5f69181c0";

/// Builds nine records, of which the third and the sixth do not match their hashes. Returns them and the ids of the
/// others.
fn with_two_bad() -> (Vec<Value>, Vec<String>) {
    let ids: Vec<String> = (0..9).map(|n| format!("01KDYAA6ME000000000000000{n}")).collect();
    let bad = |n: usize| n == 2 || n == 5;
    let items = ids.iter().enumerate().map(|(n, id)| item(TENANT, id, bad(n).then_some("of another text"))).collect();
    (items, ids.into_iter().enumerate().filter(|(n, _)| !bad(*n)).map(|(_, id)| id).collect())
}

#[tokio::test]
async fn a_record_whose_hash_does_not_fit_is_put_away_alone_and_holds_up_nobody() {
    let world = own_world(Options::default());
    let (items, good) = with_two_bad();
    write(world, &items).await;
    world.stack().settle_streams().await;
    assert_eq!(published(world, TENANT), good);
    let letters = world.stack().dead_letters();
    assert_eq!(letters.len(), 2, "{letters:?}");
    for (letter, place) in letters.iter().zip([2, 5]) {
        assert_eq!(letter["queue"], "trustplane-AuditDeadLetters");
        let body = &letter["body"];
        assert_eq!(
            (&body["function"], &body["reason"]),
            (&json!("publish-audit"), &json!("its hash is not that of its text"))
        );
        assert_eq!(body["Records"][0]["dynamodb"]["Keys"]["sk"], items[place]["sk"]);
    }
    // A dead letter is an event to invoke the function with again. This one is still wrong.
    let again = world.invoke("publish-audit", &letters[0]["body"]).await.unwrap();
    assert_eq!(again, json!({"batchItemFailures": []}));
    assert_eq!(world.stack().dead_letters()[2]["body"], letters[0]["body"]);
    // After the repair it is right.
    let mut mended = letters[0]["body"].clone();
    mended["Records"][0]["dynamodb"]["NewImage"] = item(TENANT, items[2]["sk"]["S"].as_str().unwrap(), None);
    let _ = world.invoke("publish-audit", &mended).await.unwrap();
    assert_eq!(published(world, TENANT).len(), good.len() + 1);
}

#[tokio::test]
async fn while_the_bus_is_away_no_record_is_given_up_and_none_is_put_away_twice() {
    let world = own_world(Options::default());
    world.stack().refuse_events(usize::MAX);
    let (items, good) = with_two_bad();
    write(world, &items).await;
    let tries = || world.stack().logs().iter().filter(|line| line.text.contains("audit records not published")).count();
    until("four attempts to publish", || tries() >= 4).await;
    assert_eq!(published(world, TENANT), [] as [&str; 0]);
    assert_eq!(world.stack().dead_letters(), [] as [Value; 0]);
    world.stack().refuse_events(0);
    world.stack().settle_streams().await;
    assert_eq!(published(world, TENANT), good);
    assert_eq!(world.stack().dead_letters().len(), 2);
}

#[tokio::test]
async fn an_event_that_the_bus_rejects_for_good_holds_up_nobody() {
    let world = own_world(Options::default());
    let ids: Vec<String> = (0..9).map(|n| format!("01KDYAA6ME000000000000000{n}")).collect();
    let items: Vec<Value> = ids.iter().map(|id| item(TENANT, id, None)).collect();
    world.stack().reject_events(Some(&ids[4]));
    write(world, &items).await;
    world.stack().settle_streams().await;
    let others: Vec<String> = ids.iter().enumerate().filter(|(n, _)| *n != 4).map(|(_, id)| id.clone()).collect();
    assert_eq!(published(world, TENANT), others);
    let letters = world.stack().dead_letters();
    assert_eq!(letters.len(), 1, "{letters:?}");
    let body = &letters[0]["body"];
    assert_eq!(body["reason"], "the event bus rejects it: MalformedDetail: Detail is malformed.");
    assert_eq!(body["Records"][0]["dynamodb"]["Keys"]["sk"]["S"], ids[4].as_str());
    // It is sealed all the same, and published once the bus takes it.
    let part = crate::table::part(TenantId::parse(TENANT).unwrap());
    let head = crate::table::read(&table(world), &part.audit_chain()).await;
    assert_eq!(head.value.records, 9);
    world.stack().reject_events(None);
    assert_eq!(world.invoke("publish-audit", body).await.unwrap(), json!({"batchItemFailures": []}));
    assert_eq!(published(world, TENANT), ids);
    assert_eq!(crate::table::read(&table(world), &part.audit_chain()).await.value.records, 9);
}

#[test]
fn lambda_brings_records_again_for_as_long_as_the_stream_has_them() {
    let template =
        trustplane_local::template::Template::read(&trustplane_local::binaries::workspace().join("template.yaml"))
            .unwrap();
    let source = template.streams.iter().find(|source| source.function == "publish-audit").unwrap();
    assert!(
        source.retries.is_none() && source.reports_item_failures && source.from_start && source.on_failure.is_some()
    );
    // Operators must learn their position before the stream drops them, after a day.
    let hours = source.max_age.unwrap().as_secs() / 3_600;
    assert!((20..24).contains(&hours), "{hours}");
}
