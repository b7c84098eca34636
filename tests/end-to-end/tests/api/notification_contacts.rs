//! Tests of `/v1/notification-contacts`, and of the contacts in notices.

use serde_json::{Value, json};
use trustplane_domain::ids::TenantId;
use trustplane_domain::timestamp::DAY;
use trustplane_domain::{Timestamp, event};
use trustplane_end_to_end::{Customer, World, world};
use trustplane_local::Options;

use crate::table::{audit_records, own_world, part, table};

const PATH: &str = "/v1/notification-contacts";
const PUT: &str = "put-notification-contacts";

fn contacts(addresses: &[&str]) -> Value {
    json!({"contacts": addresses})
}

async fn records(customer: &Customer, world: &World) -> Vec<Value> {
    audit_records(&table(world), TenantId::parse(&customer.tenant).unwrap(), PUT).await
}

#[tokio::test]
async fn contacts_are_saved_replaced_and_removed() {
    let customer = world().customer().await;
    let none = customer.get(PATH).await.expect(200);
    assert_eq!((&none.body, none.header("etag")), (&json!({"contacts": [], "updated_at": null}), Some("\"0\"")));
    // Nothing changes, so nothing is written.
    let same = customer.put(PATH, &contacts(&[])).await.expect(200);
    assert_eq!((&same.body, same.header("etag")), (&none.body, Some("\"0\"")));

    let two = ["identity-team@acme.example", "J\u{fc}rgen@b\u{fc}cher.example"];
    let saved = customer.put(PATH, &contacts(&[two[0], two[1], two[0]])).await.expect(200);
    assert_eq!((&saved.body["contacts"], saved.header("etag")), (&json!(two), Some("\"1\"")));
    assert!(Timestamp::parse(saved.body["updated_at"].as_str().unwrap()).is_some());
    let shown = customer.get(PATH).await.expect(200);
    assert_eq!((&shown.body, shown.header("etag")), (&saved.body, Some("\"1\"")));

    let put = |version: &str, addresses: &[&str]| {
        customer.send(customer.request("PUT", PATH).header("if-match", version).json(&contacts(addresses)))
    };
    let _ = put("\"0\"", &["a@acme.example"]).await.refused(412, "precondition_failed");
    let same = put("\"1\"", &two).await.expect(200);
    assert_eq!((&same.body, same.header("etag")), (&saved.body, Some("\"1\"")));
    assert_eq!(put("\"1\"", &[]).await.expect(200).header("etag"), Some("\"2\""));
    let gone = customer.get(PATH).await.expect(200);
    assert_eq!((&gone.body["contacts"], gone.header("etag")), (&json!([]), Some("\"2\"")));

    let records = records(&customer, world()).await;
    let counts: Vec<[&Value; 2]> = records.iter().map(|record| [&record["before"], &record["after"]]).collect();
    let count = |count: u64| json!({"count": count});
    assert_eq!(counts, [[&Value::Null, &count(2)], [&count(2), &count(0)]]);
    let resource = (&records[0]["resource_type"], &records[0]["resource_id"]);
    assert_eq!(resource, (&json!("notification-contacts"), &json!("notification-contacts")));
}

#[tokio::test]
async fn faults_are_reported_together() {
    let customer = world().customer().await;
    let refused = async |body: Value, fields: &[&str]| {
        let reply = customer.put(PATH, &body).await.refused(400, "invalid_request");
        let found: Vec<&str> = reply.body["details"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(found, fields, "{}", reply.text);
    };
    refused(json!({}), &["contacts"]).await;
    refused(json!({"contacts": null}), &["contacts"]).await;
    refused(json!({"contacts": "a@acme.example"}), &["contacts"]).await;
    refused(json!({"contacts": [7]}), &["contacts"]).await;
    refused(contacts(&["ops", "a@acme.example", "b@localhost"]), &["contacts[0]", "contacts[2]"]).await;
    refused(json!({"contacts": ["ops"], "contact": 1}), &["contact", "contacts[0]"]).await;
    let many: Vec<String> = (0..11).map(|number| format!("a{number}@acme.example")).collect();
    refused(json!({"contacts": many}), &["contacts"]).await;
    let _ = customer.put(PATH, &json!({"contacts": many[..10]})).await.expect(200);
}

#[tokio::test]
async fn admins_write_and_every_role_reads() {
    let customer = world().customer().await;
    let put = |token: &str| {
        let request = customer.request_as(token, "PUT", PATH).json(&contacts(&["a@acme.example"]));
        customer.send(request)
    };
    for token in [&customer.viewer, &customer.editor, &customer.approver] {
        let _ = put(token).await.refused(403, "forbidden");
        let shown = customer.send(customer.request_as(token, "GET", PATH)).await.expect(200);
        assert_eq!(shown.body["contacts"], json!([]));
    }
    let _ = put(&customer.admin).await.expect(200);
    for token in [&customer.viewer, &customer.editor, &customer.approver, &customer.admin] {
        let shown = customer.send(customer.request_as(token, "GET", PATH)).await.expect(200);
        assert_eq!(shown.body["contacts"], json!(["a@acme.example"]));
    }
    // Another tenant has its own.
    let other = world().customer().await;
    assert_eq!(other.get(PATH).await.expect(200).body["contacts"], json!([]));
    let stranger = other.request_as(&other.admin, "GET", PATH).without("x-tenant-id");
    let _ = other.send(stranger.header("x-tenant-id", &customer.tenant)).await.refused(403, "tenant_mismatch");
}

/// A tenant with a key that expires in a month.
async fn tenant_with_a_key(world: &'static World) -> Customer {
    let customer = world.customer().await;
    let key = json!({"name": "deploy", "roles": ["viewer"], "expires_at": Timestamp::now().plus_millis(40 * DAY)});
    let _ = customer.post("/v1/api-keys", &key).await.expect(201);
    customer
}

#[tokio::test]
async fn notices_carry_the_contacts_and_nothing_else_does() {
    const ADDRESS: &str = "identity-team@acme.example";
    let world = own_world(Options::default());
    let customer = tenant_with_a_key(world).await;
    let other = tenant_with_a_key(world).await;
    let _ = customer.put(PATH, &contacts(&[ADDRESS])).await.expect(200);
    let at = Timestamp::now().plus_millis(11 * DAY);
    let swept = world.invoke("notify-expiring-keys", &json!({"time": at})).await.unwrap();
    assert_eq!(swept["keys"]["notices"], 2);
    world.stack().settle_streams().await;

    let carried = |tenant: &str| -> Vec<(Value, Option<Value>)> {
        let events = world.stack().events().into_iter().filter(|event| event["detail"]["tenant_id"] == tenant);
        events.map(|event| (event["detail-type"].clone(), event["detail"].get(event::CONTACTS).cloned())).collect()
    };
    let notice = |tenant: &str| -> Vec<Option<Value>> {
        carried(tenant)
            .into_iter()
            .filter(|(name, _)| name == "api-key.expiring")
            .map(|(_, contacts)| contacts)
            .collect()
    };
    assert_eq!(notice(&customer.tenant), [Some(json!([ADDRESS]))]);
    assert_eq!(notice(&other.tenant), [Some(json!([]))]);
    let others: Vec<_> = carried(&customer.tenant).into_iter().filter(|(name, _)| name != "api-key.expiring").collect();
    assert!(others.len() > 3 && others.iter().all(|(_, contacts)| contacts.is_none()), "{others:?}");

    // The address is in no audit record and in no line of a log.
    let tenant = TenantId::parse(&customer.tenant).unwrap();
    let kept = table(world).load(part(tenant).audit_records()).await.unwrap().rows;
    assert!(kept.iter().all(|row| !row.value.record.contains(ADDRESS)));
    assert!(world.stack().logs().iter().all(|line| !line.text.contains(ADDRESS)));
}
