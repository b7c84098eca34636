//! Sealing without rewriting records: its cost, the hash before a record, retention, and `reseal`.

use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::future::join_all;
use serde_json::{Value, json};
use trustplane_domain::Timestamp;
use trustplane_domain::audit_chain::{ChainHead, ChainSeal, Entry, GENESIS, ids_at};
use trustplane_domain::ids::TenantId;
use trustplane_domain::timestamp::DAY;
use trustplane_end_to_end::{Customer, World};
use trustplane_local::Options;
use trustplane_store::{AuditItem, Stored, Writes};

use crate::audit_chain::{Item, Log, brought, forged, text};
use crate::table::{grant, hand, own_world, part, read, table};

/// A world in which only the test seals records.
fn unsealed_world() -> &'static World {
    Box::leak(Box::new(World::start(Options::default())))
}

async fn seal(log: &Log, items: &[Item], places: &[usize]) {
    let answer = log.world.invoke("publish-audit", &brought(items, places)).await.unwrap();
    assert_eq!(answer, json!({"batchItemFailures": []}));
}

/// A customer with `count` records, and its log.
async fn customer_with(world: &'static World, count: usize) -> (Customer, Log) {
    let customer = world.customer().await;
    let log = Log { world, tenant: customer.tenant.clone(), hand: hand(world) };
    while log.items("AUDIT").await.len() < count {
        let _ = world.token(&log.tenant, &["viewer"]).await;
    }
    (customer, log)
}

/// Returns the records as the API lists them, in pages of this size, oldest first.
async fn listed(customer: &Customer, limit: usize, query: &str) -> Vec<Value> {
    let mut all = Vec::new();
    let mut cursor = String::new();
    for pages in 0.. {
        assert!(pages < 200, "the audit log has no end");
        let page = customer.get(&format!("/v1/audit-log?limit={limit}&cursor={cursor}{query}")).await.expect(200).body;
        all.extend(page["data"].as_array().unwrap().clone());
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = next.to_owned();
    }
    all.reverse();
    all
}

/// The hash before each record, by the seals alone.
async fn expected(log: &Log) -> std::collections::HashMap<String, String> {
    let part = part(TenantId::parse(&log.tenant).unwrap());
    let seals = table(log.world).load(part.audit_seals()).await.unwrap().rows;
    let mut before = GENESIS.to_owned();
    let mut all = std::collections::HashMap::new();
    for Stored { value: seal, .. } in seals {
        for entry in seal.records {
            assert!(all.insert(entry.id, std::mem::replace(&mut before, entry.hash)).is_none(), "sealed twice");
        }
    }
    all
}

async fn assert_previous_hashes(customer: &Customer, log: &Log) {
    let expected = expected(log).await;
    for (limit, query) in [(1, ""), (3, ""), (250, ""), (2, "&resource_type=api-key")] {
        let records = listed(customer, limit, query).await;
        let count = if query.is_empty() { expected.len() } else { records.len() };
        assert_eq!(records.len(), count);
        for record in records {
            let id = record["id"].as_str().unwrap();
            assert_eq!(record["previous_hash"], expected[id].as_str(), "{id} in pages of {limit}");
        }
    }
}

fn linked(items: &[Item]) -> usize {
    items.iter().filter(|item| item.contains_key("previous_hash")).count()
}

#[tokio::test]
async fn the_hash_before_a_record_is_in_its_seal_and_late_records_carry_it() {
    let world = unsealed_world();
    let (customer, log) = customer_with(world, 30).await;
    let items = log.items("AUDIT").await;
    // One by one, some out of order, the second very late and an early one twice.
    let mut order: Vec<usize> = (0..30).filter(|place| *place != 1).collect();
    order.swap(10, 13);
    order.push(1);
    for place in order.into_iter().chain([2, 1]) {
        seal(&log, &items, &[place]).await;
    }
    let verified = log.verified().await;
    assert_eq!((&verified["records"], &verified["intact"]), (&json!(30), &json!(true)), "{verified}");
    // Those of the first seal, and the late one.
    assert_eq!(linked(&log.items("AUDIT").await), 2);
    let head = part(TenantId::parse(&log.tenant).unwrap()).audit_chain();
    assert_eq!(read::<ChainHead>(&table(world), &head).await.value.records, 30);
    assert_previous_hashes(&customer, &log).await;
    // Records that are not sealed yet have none.
    let _ = world.token(&log.tenant, &["viewer"]).await;
    assert_eq!(listed(&customer, 1, "").await.last().unwrap()["previous_hash"], Value::Null);
}

#[tokio::test]
async fn records_that_were_sealed_in_the_old_way_stay_as_they_are() {
    let world = unsealed_world();
    let (customer, log) = customer_with(world, 16).await;
    let items = log.items("AUDIT").await;
    let tenant = TenantId::parse(&log.tenant).unwrap();
    let (table, part) = (table(world), part(tenant));
    // Two seals without positions, and the hash before a record on each of the records.
    let mut head = ChainHead::default();
    for places in [0..3, 3..5] {
        let entry = |item: &Item| Entry { id: text(item, "sk"), hash: text(item, "hash") };
        let mut seal = ChainSeal {
            number: head.seals + 1,
            previous: head.seal.clone(),
            records: items[places.clone()].iter().map(entry).collect(),
            sealed_at: Timestamp::now(),
            position: None,
            kept_until: None,
            is_resealing: false,
            hash: String::new(),
        };
        seal.hash = seal.computed_hash();
        let mut writes = Writes::new().create(&part.audit_seal(&seal), &seal);
        for (entry, previous) in seal.links(&head.record) {
            writes = writes.link(&read::<AuditItem>(&table, &part.audit_record(&entry.id)).await, previous);
        }
        let next = ChainHead {
            seals: seal.number,
            records: head.records + u64::try_from(places.len()).unwrap(),
            seal: seal.hash.clone(),
            record: seal.records.last().unwrap().hash.clone(),
            newest: Vec::new(),
        };
        let writes = if head.seals == 0 {
            writes.create(&part.audit_chain(), &next)
        } else {
            writes.replace(&read(&table, &part.audit_chain()).await, &next)
        };
        let _ = table.note(&grant(tenant, Timestamp::now()), writes).await.unwrap();
        head = next;
    }
    let old = log.items("AUDIT").await;
    assert_eq!(log.verified().await["intact"], true);
    assert_eq!(linked(&old), 5);
    // The chain goes on. Old records that are delivered again are not sealed twice.
    seal(&log, &items, &[5, 3, 6]).await;
    for place in 7..16 {
        seal(&log, &items, &[place, 0]).await;
    }
    let verified = log.verified().await;
    assert_eq!((&verified["records"], &verified["intact"]), (&json!(16), &json!(true)), "{verified}");
    assert_eq!(expected(&log).await.len(), 16);
    assert_eq!(log.items("AUDIT").await[..5], old[..5]);
    assert_previous_hashes(&customer, &log).await;
    // Tampering with an old record is found as before.
    let mut unlinked = old[4].clone();
    unlinked.remove("previous_hash");
    log.put(unlinked).await;
    assert_eq!(log.broken().await.1, "its `previous_hash` was changed");
}

/// Write units of a change and of its seal, where each change is sealed alone.
#[tokio::test]
async fn a_change_with_its_seal_costs_at_most_ten_write_units() {
    let world = unsealed_world();
    let customer = world.customer().await;
    let log = Log { world, tenant: customer.tenant.clone(), hand: hand(world) };
    let mut sealed = log.items("AUDIT").await.len();
    let items = log.items("AUDIT").await;
    seal(&log, &items, &(0..sealed).collect::<Vec<_>>()).await;
    let organisation = |name: &str| json!({"OrganisationId": "acme", "OrganisationName": name, "Status": "Active"});
    let config = |region: &str| json!({"sso_instance_arn": "", "role_arn": "", "region": region});
    let changes = [
        ("POST", "/organisations", organisation("Acme")),
        ("PUT", "/organisations/acme", organisation("Acme Ltd")),
        ("PUT", "/organisations/acme", organisation("Acme Limited")),
        ("POST", "/v1/api-keys", json!({"name": "deploy", "roles": ["viewer"]})),
        (
            "PUT",
            "/v1/policies/none",
            json!({"text": "forbid (principal, action, resource) when { false };", "enabled": true}),
        ),
        ("PUT", "/v1/integrations/aws-identity-center/config", config("eu-west-1")),
        ("PUT", "/v1/integrations/aws-identity-center/config", config("eu-west-2")),
    ];
    let mut costs = Vec::new();
    for (method, path, body) in changes {
        let reply = customer.send(customer.request(method, path).json(&body)).await;
        assert!(reply.status < 300, "{}", reply.text);
        let change = customer.cost(&reply).await.write_capacity;
        let items = log.items("AUDIT").await;
        assert_eq!(items.len(), sealed + 1);
        seal(&log, &items, &[sealed]).await;
        sealed += 1;
        let is_sealing = |line: &Value| line["function"] == "publish-audit" && line["message"] == "request";
        let lines = || world.stack().logs().into_iter().filter_map(|line| serde_json::from_str(&line.text).ok());
        // One invocation sealed the first records, and one each of the changes.
        let count = costs.len() + 2;
        trustplane_local::wait::until("the line of publish-audit", || lines().filter(is_sealing).count() == count)
            .await;
        let line = lines().rfind(is_sealing).unwrap();
        assert_eq!(
            (&line["dynamodb_calls"], &line["dynamodb_round_trips"]),
            (&json!(3), &json!(2)),
            "the head and the last seals, then the seal: {line}"
        );
        costs.push((format!("{method} {path}"), change, line["dynamodb_write_capacity"].as_f64().unwrap()));
    }
    for (what, change, seal) in costs {
        assert!(change > 0.0 && seal > 0.0 && change + seal <= 10.0, "{what}: {change} and {seal}");
    }
    assert_eq!(log.verified().await["intact"], true);
}

#[tokio::test]
async fn a_hundred_records_of_two_tenants_are_one_invocation_and_few_seals() {
    let world = unsealed_world();
    let logs = [customer_with(world, 60).await.1, customer_with(world, 60).await.1];
    let [first, second] = join_all(logs.iter().map(|log| log.items("AUDIT"))).await.try_into().unwrap();
    let items: Vec<Item> = first[..50].iter().zip(&second[..50]).flat_map(|(a, b)| [a.clone(), b.clone()]).collect();
    seal(&logs[0], &items, &(0..100).collect::<Vec<_>>()).await;
    for (log, items) in logs.iter().zip([first, second]) {
        let seals = table(world).load(part(TenantId::parse(&log.tenant).unwrap()).audit_seals()).await.unwrap().rows;
        // In the order of the stream.
        let ids: Vec<&str> = seals[0].value.records.iter().map(|entry| entry.id.as_str()).collect();
        assert_eq!((seals.len(), ids.len(), ids.is_sorted()), (1, 50, true));
        let hash = text(&items[0], "hash");
        assert_eq!(seals[0].value.records[0].hash, hash);
        let verified = log.verified().await;
        assert_eq!((&verified["records"], &verified["intact"]), (&json!(60), &json!(true)));
    }
}

#[tokio::test]
async fn records_expire_and_seals_do_not() {
    let world = unsealed_world();
    let (customer, log) = customer_with(world, 6).await;
    let mut items = log.items("AUDIT").await;
    for item in &items {
        let ttl: i64 = item["ttl"].as_n().unwrap().parse().unwrap();
        let left = Timestamp::from_millis(ttl * 1_000).millis_since(Timestamp::now());
        assert!((400 * DAY - 300_000..=400 * DAY + 1_000).contains(&left), "{left}");
    }
    // The first two were written with a shorter retention, which is over.
    let over = Timestamp::now().plus_millis(-10_000).as_seconds_rounded_up();
    for item in &mut items[..2] {
        item.insert("ttl".to_owned(), AttributeValue::N(over.to_string()));
        log.put(item.clone()).await;
    }
    seal(&log, &items, &[0, 1]).await;
    seal(&log, &items, &[2, 3, 4, 5]).await;
    for item in log.items("SEALS").await {
        assert!(!item.contains_key("ttl"), "{item:?}");
    }
    // They are not shown, although the table has not deleted them.
    assert_eq!((listed(&customer, 50, "").await.len(), &log.verified().await["intact"]), (4, &json!(true)));
    assert_eq!(listed(&customer, 1, "").await.len(), 4);
    // Nor are they missed once it has. A record that is not due is.
    log.remove(&items[0]).await;
    let verified = log.verified().await;
    assert_eq!((&verified["records"], &verified["intact"]), (&json!(5), &json!(true)));
    log.remove(&items[3]).await;
    assert_eq!(log.broken().await.0, text(&items[3], "sk"));
}

#[tokio::test]
async fn what_the_stream_lost_is_sealed_by_an_operator() {
    let world = unsealed_world();
    let (customer, log) = customer_with(world, 20).await;
    let items = log.items("AUDIT").await;
    for place in 0..20 {
        seal(&log, &items, &[place]).await;
    }
    let earlier = Timestamp::now().plus_millis(-2 * 3_600_000);
    let mut lost = forged(&items[3], |record| {
        record.id = ids_at(earlier).0;
        record.occurred_at = earlier;
    });
    lost.remove("previous_hash");
    log.put(lost.clone()).await;
    let reason = "it was added when the log was already past its time";
    assert_eq!(log.broken().await, (json!(text(&lost, "sk")), reason.to_owned()));
    let question = json!({"tenant_id": log.tenant});
    // Records that are about to be sealed are left alone.
    let _ = world.token(&log.tenant, &["viewer"]).await;
    let none = json!({"tenant_id": log.tenant, "to": earlier.plus_millis(-1).to_string()});
    assert_eq!(world.invoke("reseal", &none).await.unwrap(), json!({"records": 0, "seals": 0}));
    assert_eq!(world.invoke("reseal", &question).await.unwrap(), json!({"records": 1, "seals": 1}));
    assert_eq!(world.invoke("reseal", &question).await.unwrap(), json!({"records": 0, "seals": 0}));
    let verified = log.verified().await;
    assert_eq!(
        (&verified["records"], &verified["intact"], &verified["resealed"]),
        (&json!(22), &json!(true), &json!(1)),
        "{verified}"
    );
    let expected = expected(&log).await;
    let records = listed(&customer, 5, "").await;
    assert_eq!(records[0]["previous_hash"], expected[&text(&lost, "sk")].as_str());
    for (wrong, code) in [
        (json!({"tenant_id": "x", "from": "soon"}), "invalid_request"),
        (
            json!({"tenant_id": log.tenant, "from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"}),
            "invalid_request",
        ),
        (json!({"tenant_id": "2489e9ad-2ee2-4e00-8ec9-32d5f69181c0"}), "not_found"),
    ] {
        assert_eq!(world.invoke("reseal", &wrong).await.unwrap_err()["errorType"], code);
    }
}

/// The stream and `publish-audit` together, with requests that run concurrently.
#[tokio::test]
async fn what_is_written_concurrently_is_sealed_once_and_found() {
    let world = own_world(Options::default());
    let (customer, log) = customer_with(world, 5).await;
    for _ in 0..4 {
        let _ = join_all((0..5).map(|_| world.token(&log.tenant, &["viewer"]))).await;
    }
    world.stack().settle_streams().await;
    let verified = log.verified().await;
    assert_eq!(verified["intact"], true, "{verified}");
    assert_eq!(expected(&log).await.len(), log.items("AUDIT").await.len());
    assert_previous_hashes(&customer, &log).await;
}
