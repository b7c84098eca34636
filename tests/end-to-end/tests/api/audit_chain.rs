//! Seals of the audit log, and `verify-audit`: tampering is detected.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use trustplane_domain::Timestamp;
use trustplane_domain::audit::AuditRecord;
use trustplane_domain::audit_chain::{ChainHead, GENESIS, ids_at};
use trustplane_domain::ids::TenantId;
use trustplane_end_to_end::{World, world};
use trustplane_local::Options;

use crate::table::{hand, own_world, part, read, table};
use futures_util::future::join_all;

pub type Item = HashMap<String, AttributeValue>;

/// A tenant with four records, and direct access to its log in the table.
pub struct Log {
    pub world: &'static World,
    pub tenant: String,
    pub hand: aws_sdk_dynamodb::Client,
}

impl Log {
    pub async fn new(world: &'static World) -> Self {
        let (tenant, _) = world.tenant("sealed").await;
        for role in ["viewer", "editor", "approver"] {
            let _ = world.token(&tenant, &[role]).await;
        }
        Self { world, tenant, hand: hand(world) }
    }

    /// Creates a log and waits until it is sealed.
    async fn sealed() -> Self {
        let log = Self::new(world()).await;
        log.world.stack().settle_streams().await;
        log
    }

    pub async fn verified(&self) -> Value {
        self.world.invoke("verify-audit", &json!({"tenant_id": self.tenant})).await.unwrap()
    }

    /// Returns the detected defect: the record's id or null, and the reason.
    pub async fn broken(&self) -> (Value, String) {
        let found = self.verified().await;
        assert_eq!(found["intact"], false, "{found}");
        (found["first_broken"]["id"].clone(), found["first_broken"]["reason"].as_str().unwrap().to_owned())
    }

    /// Returns the items of a partition of this tenant: `AUDIT` or `SEALS`.
    pub async fn items(&self, partition: &str) -> Vec<Item> {
        let pk = AttributeValue::S(format!("TENANT#{}#{partition}", self.tenant));
        let found = self.hand.query().table_name(self.world.stack().table());
        let found = found.key_condition_expression("pk = :pk").expression_attribute_values(":pk", pk);
        found.consistent_read(true).send().await.unwrap().items.unwrap()
    }

    pub async fn put(&self, item: Item) {
        let _ = self.hand.put_item().table_name(self.world.stack().table()).set_item(Some(item)).send().await.unwrap();
    }

    pub async fn remove(&self, item: &Item) {
        let key = ["pk", "sk"].map(|name| (name.to_owned(), item[name].clone()));
        let gone = self.hand.delete_item().table_name(self.world.stack().table()).set_key(Some(key.into()));
        let _ = gone.send().await.unwrap();
    }
}

/// Builds the stream event for the items at these places.
pub fn brought(items: &[Item], places: &[usize]) -> Value {
    let records = places.iter().map(|place| {
        let item = &items[*place];
        let mut image: Value = ["pk", "sk", "entity", "record", "hash"]
            .map(|name| (name.to_owned(), json!({"S": text(item, name)})))
            .into_iter()
            .collect::<serde_json::Map<_, _>>()
            .into();
        if let Some(ttl) = item.get("ttl") {
            image["ttl"] = json!({"N": ttl.as_n().unwrap()});
        }
        json!({"eventName": "INSERT", "dynamodb": {"SequenceNumber": place.to_string(), "NewImage": image}})
    });
    json!({"Records": records.collect::<Vec<_>>()})
}

pub fn text(item: &Item, name: &str) -> String {
    item[name].as_s().unwrap().clone()
}

/// Forges an item: changes its record, and makes the hash match.
pub fn forged(item: &Item, change: impl FnOnce(&mut AuditRecord)) -> Item {
    let mut record: AuditRecord = serde_json::from_str(&text(item, "record")).unwrap();
    change(&mut record);
    let canonical = record.canonical();
    let mut item = item.clone();
    let mut set = |name: &str, value: String| item.insert(name.to_owned(), AttributeValue::S(value));
    set("sk", record.id);
    set("hash", AuditRecord::hash(&canonical));
    set("record", canonical);
    item
}

#[tokio::test]
async fn what_was_published_is_sealed_and_shown_with_what_stands_before_it() {
    let customer = world().customer().await;
    world().stack().settle_streams().await;
    let verified = world().invoke("verify-audit", &json!({"tenant_id": customer.tenant})).await.unwrap();
    let listed = customer.get("/v1/audit-log").await.expect(200);
    let records = listed.body["data"].as_array().unwrap();
    assert_eq!(
        verified,
        json!({"records": records.len(), "sealed_through": records[0]["occurred_at"], "intact": true, "first_broken": null, "resealed": 0, "archived": null})
    );
    // One chain contains all of them.
    let mut at = GENESIS.to_owned();
    for _ in records {
        let next = records.iter().find(|record| record["previous_hash"] == at.as_str()).unwrap();
        at = next["hash"].as_str().unwrap().to_owned();
    }
    assert!(records.iter().all(|record| record["previous_hash"] != at.as_str()));
    let range = json!({"tenant_id": customer.tenant, "from": "2020-01-01T00:00:00Z", "to": "2020-01-02T00:00:00Z"});
    let verified = world().invoke("verify-audit", &range).await.unwrap();
    assert_eq!((&verified["records"], &verified["intact"]), (&json!(0), &json!(true)));
}

#[tokio::test]
async fn a_record_that_is_changed_is_found() {
    let log = Log::sealed().await;
    let item = &log.items("AUDIT").await[1];
    let mut changed = item.clone();
    let other = text(item, "record").replace("operator", "somebody");
    changed.insert("record".to_owned(), AttributeValue::S(other));
    log.put(changed).await;
    let id = json!(text(item, "sk"));
    assert_eq!(log.broken().await, (id.clone(), "it was changed: its hash is not that of its text".to_owned()));
    // With a hash that matches the new text.
    log.put(forged(item, |record| record.resource_id = "another".to_owned())).await;
    assert_eq!(log.broken().await, (id.clone(), "it was changed since it was sealed".to_owned()));
    log.put(item.clone()).await;
    // A record that is linked to the one before it: the first of the log is.
    let first = &log.items("AUDIT").await[0];
    let mut unlinked = first.clone();
    assert!(unlinked.remove("previous_hash").is_some());
    log.put(unlinked).await;
    let moved = "its `previous_hash` was changed".to_owned();
    assert_eq!(log.broken().await, (json!(text(first, "sk")), moved.clone()));
    log.put(first.clone()).await;
    // A record that is not.
    let mut linked = item.clone();
    linked.insert("previous_hash".to_owned(), AttributeValue::S(GENESIS.to_owned()));
    log.put(linked).await;
    assert_eq!(log.broken().await, (id, moved));
    log.put(item.clone()).await;
    assert_eq!(log.verified().await["intact"], true);
}

#[tokio::test]
async fn a_record_that_is_removed_is_found_be_it_the_first_or_the_last() {
    let log = Log::sealed().await;
    for item in log.items("AUDIT").await {
        log.remove(&item).await;
        let (id, reason) = log.broken().await;
        assert_eq!((id, reason.starts_with("it was removed")), (json!(text(&item, "sk")), true));
        log.put(item).await;
    }
    assert_eq!(log.verified().await["intact"], true);
}

#[tokio::test]
async fn a_record_that_is_slipped_in_is_found() {
    let log = Log::sealed().await;
    let item = &log.items("AUDIT").await[0];
    let earlier = Timestamp::now().plus_millis(-2 * 3_600_000);
    let mut added = forged(item, |record| {
        record.id = ids_at(earlier).0;
        record.occurred_at = earlier;
    });
    added.remove("previous_hash");
    let id = json!(text(&added, "sk"));
    // Bypasses the stream, whose filter only passes items marked as records: it is never sealed.
    let mut hidden = added.clone();
    hidden.insert("entity".to_owned(), AttributeValue::S("audit-record ".to_owned()));
    log.put(hidden.clone()).await;
    assert_eq!(log.broken().await, (id.clone(), "it is not an audit record".to_owned()));
    log.remove(&hidden).await;
    // With a key that is not a record's id, outside the range of those.
    hidden.insert("sk".to_owned(), AttributeValue::S("~".to_owned()));
    log.put(hidden.clone()).await;
    assert_eq!(log.broken().await, (json!("~"), "it is not an audit record".to_owned()));
    log.remove(&hidden).await;
    assert_eq!(log.verified().await["intact"], true);
    // Through the stream: it is sealed, but too late for its time.
    log.put(added).await;
    log.world.stack().settle_streams().await;
    assert_eq!(log.broken().await, (id, "it was added when the log was already past its time".to_owned()));
}

#[tokio::test]
async fn a_seal_that_is_changed_or_removed_is_found_and_so_is_the_head() {
    let log = Log::sealed().await;
    let seals = log.items("SEALS").await;
    assert!(seals.len() >= 2);
    for item in &seals {
        log.remove(item).await;
        assert_eq!(log.verified().await["intact"], false, "{item:?}");
        let mut unreadable = item.clone();
        unreadable.insert("hash".to_owned(), AttributeValue::Bool(true));
        unreadable.insert("seal".to_owned(), AttributeValue::Bool(true));
        log.put(unreadable).await;
        let reason = log.broken().await.1;
        assert!(reason.ends_with("cannot be read"), "{reason}");
        let mut changed = item.clone();
        let name = if changed.contains_key("sealed_at") { "sealed_at" } else { "record" };
        changed.insert(name.to_owned(), AttributeValue::S("2026-01-02T03:04:05.678Z".to_owned()));
        log.put(changed).await;
        assert_eq!(log.verified().await["intact"], false, "{item:?}");
        log.put(item.clone()).await;
    }
    assert_eq!(log.verified().await["intact"], true);
    for item in &seals {
        log.remove(item).await;
    }
    assert_eq!(log.verified().await["intact"], false);
}

#[tokio::test]
async fn records_that_are_brought_again_out_of_order_and_to_two_at_once_are_sealed_once() {
    // Only this test seals records in this stack.
    let world: &'static World = Box::leak(Box::new(World::start(Options::default())));
    let log = Log::new(world).await;
    let items = log.items("AUDIT").await;
    let waiting = log.verified().await;
    assert_eq!(
        (&waiting["records"], &waiting["sealed_through"], &waiting["intact"]),
        (&json!(4), &Value::Null, &json!(true))
    );
    let brought = |places: &[usize]| brought(&items, places);
    let sealers = [brought(&[2, 0]), brought(&[0, 1, 2, 3]), brought(&[3, 3, 1]), brought(&[1])];
    let answers = join_all(sealers.iter().map(|event| world.invoke("publish-audit", event))).await;
    for answer in answers {
        assert_eq!(answer.unwrap(), json!({"batchItemFailures": []}));
    }
    let again = world.invoke("publish-audit", &sealers[1]).await.unwrap();
    assert_eq!(again, json!({"batchItemFailures": []}));
    let verified = log.verified().await;
    assert_eq!((&verified["records"], &verified["intact"]), (&json!(4), &json!(true)), "{verified}");
    let head = part(TenantId::parse(&log.tenant).unwrap()).audit_chain();
    assert_eq!(read::<ChainHead>(&table(world), &head).await.value.records, 4);
}

#[tokio::test]
async fn an_item_that_is_no_record_is_left_out_of_the_log() {
    let customer = world().customer().await;
    world().stack().settle_streams().await;
    let log = Log { world: world(), tenant: customer.tenant.clone(), hand: hand(world()) };
    let items = log.items("AUDIT").await;
    for item in &items {
        let mut hidden = item.clone();
        hidden.insert("entity".to_owned(), AttributeValue::S("something".to_owned()));
        log.put(hidden).await;
        let mut seen = 0;
        let mut cursor = String::new();
        for number in 1.. {
            assert!(number <= items.len(), "the audit log has no end");
            let page = customer.get(&format!("/v1/audit-log?limit=2&cursor={cursor}")).await.expect(200).body;
            seen += page["data"].as_array().unwrap().len();
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = next.to_owned();
        }
        assert_eq!(seen, items.len() - 1);
        log.put(item.clone()).await;
    }
}

/// Returns the reasons in the dead letters, without duplicates.
fn reasons(world: &World) -> BTreeSet<String> {
    let letters = world.stack().dead_letters().into_iter();
    letters.map(|letter| letter["body"]["reason"].as_str().unwrap_or("none").to_owned()).collect()
}

#[tokio::test]
async fn whoever_reaches_into_a_chain_holds_up_nobody_elses_records() {
    let world = own_world(Options::default());
    let (victim, other) = (Log::new(world).await, Log::new(world).await);
    world.stack().settle_streams().await;
    let head = victim.items("SEALS").await.into_iter().find(|item| text(item, "sk") == "HEAD").unwrap();
    let mut unreadable = head.clone();
    unreadable.insert("record".to_owned(), AttributeValue::Bool(true));
    for (meddle, reason) in
        [(None, "the chain has a seal that its head does not count"), (Some(unreadable), "table broken: ")]
    {
        match meddle {
            None => victim.remove(&head).await,
            Some(item) => victim.put(item).await,
        }
        let letters = world.stack().dead_letters().len();
        for log in [&victim, &other, &victim] {
            let _ = world.token(&log.tenant, &["viewer"]).await;
        }
        world.stack().settle_streams().await;
        assert_eq!(world.stack().dead_letters().len(), letters + 2);
        assert!(reasons(world).iter().any(|found| found.starts_with(reason)), "{:?}", reasons(world));
        // All records are published, also those of the broken chain.
        for log in [&victim, &other] {
            let events = world.stack().events();
            let published: BTreeSet<_> = events
                .iter()
                .filter(|event| event["detail"]["tenant_id"] == log.tenant)
                .map(|event| event["detail"]["id"].to_string())
                .collect();
            assert_eq!(published.len(), log.items("AUDIT").await.len());
        }
        let verified = other.verified().await;
        assert_eq!((&verified["intact"], &verified["sealed_through"]), (&json!(true), &last_record(&other).await));
        assert_eq!(victim.verified().await["intact"], false);
    }
    // After the repair the chain continues. Replaying the dead letters seals the missing records.
    victim.put(head).await;
    for letter in world.stack().dead_letters() {
        let _ = world.invoke("publish-audit", &letter["body"]).await.unwrap();
    }
    let verified = victim.verified().await;
    assert_eq!((&verified["intact"], &verified["sealed_through"]), (&json!(true), &last_record(&victim).await));
}

/// Returns the time of the newest record.
pub async fn last_record(log: &Log) -> Value {
    let items = log.items("AUDIT").await;
    let record: Value = serde_json::from_str(&text(items.last().unwrap(), "record")).unwrap();
    record["occurred_at"].clone()
}

#[tokio::test]
async fn a_record_that_is_no_more_by_when_it_is_sealed_is_told_of_by_its_seal() {
    // Only this test seals records in this stack.
    let world: &'static World = Box::leak(Box::new(World::start(Options::default())));
    let log = Log::new(world).await;
    let items = log.items("AUDIT").await;
    let mut other = items[1].clone();
    other.insert("entity".to_owned(), AttributeValue::S("something".to_owned()));
    log.put(other).await;
    let answer = world.invoke("publish-audit", &brought(&items, &[0, 1, 2, 3])).await.unwrap();
    assert_eq!(answer, json!({"batchItemFailures": []}));
    assert_eq!(log.broken().await, (json!(text(&items[1], "sk")), "it is not an audit record".to_owned()));
    log.remove(&items[1]).await;
    assert_eq!(log.broken().await.0, json!(text(&items[1], "sk")));
}

/// Sealing checks that an attribute exists; reading checks its value. A record whose attribute exists without a value
/// must not stop the chain.
#[tokio::test]
async fn a_record_with_an_empty_place_in_the_chain_holds_up_nothing() {
    let world: &'static World = Box::leak(Box::new(World::start(Options::default())));
    let log = Log::new(world).await;
    let items = log.items("AUDIT").await;
    let mut empty = items[1].clone();
    empty.insert("previous_hash".to_owned(), AttributeValue::Null(true));
    log.put(empty).await;
    let answer = world.invoke("publish-audit", &brought(&items, &[0, 1, 2, 3])).await.unwrap();
    assert_eq!(answer, json!({"batchItemFailures": []}));
    assert_eq!(log.broken().await.0, json!(text(&items[1], "sk")));
}

#[tokio::test]
async fn what_cannot_be_verified_is_told() {
    let wrong = json!({"tenant_id": "x", "from": "soon"});
    let error = world().invoke("verify-audit", &wrong).await.unwrap_err();
    assert_eq!(error["errorType"], "invalid_request");
    let nobody = json!({"tenant_id": "2489e9ad-2ee2-4e00-8ec9-32d5f69181c0"});
    assert_eq!(world().invoke("verify-audit", &nobody).await.unwrap_err()["errorType"], "not_found");
}

#[tokio::test]
async fn the_logs_of_all_tenants_are_verified_and_a_broken_one_is_counted() {
    let world = own_world(Options::default());
    let intact = Log::new(world).await;
    let broken = Log::new(world).await;
    world.stack().settle_streams().await;
    let records = broken.items("AUDIT").await;
    broken.remove(&records[0]).await;
    // Each hour of a day has a part of the tenants.
    let (mut verified, mut found) = (0, 0);
    for hour in 0..24 {
        let event = json!({"source": "aws.events", "time": format!("2027-03-04T{hour:02}:15:00Z"), "detail": {}});
        let run = world.invoke("verify-audit-logs", &event).await.unwrap();
        assert_eq!(run["left"], 0, "{run}");
        verified += run["verified"].as_u64().unwrap();
        found += run["broken"].as_u64().unwrap();
    }
    assert_eq!((verified, found), (2, 1), "each tenant once, and the log with a record missing");
    assert_eq!(intact.verified().await["intact"], true);
    let line = world.stack().find_log(|line| {
        let line: Value = serde_json::from_str(&line.text).ok()?;
        (line["message"] == "the audit log is not intact").then_some(line)
    });
    assert_eq!(line.unwrap()["tenant"], broken.tenant);
}
