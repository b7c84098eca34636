//! Each event handler with events that are duplicated, reordered, late, malformed or oversized, and killed midway: no second
//! effect, nothing lost, and permanent failures are in a queue with a reason.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use trustplane_domain::Timestamp;
use trustplane_domain::timestamp::{DAY, MINUTE};
use trustplane_end_to_end::World;
use trustplane_local::http::Method;
use trustplane_local::wait::until;
use trustplane_runtime::{Trigger, functions};
use trustplane_store::keys::{DUE_SHARDS, due_partition};

use super::{Effect, Scene, quiet_world, scheduled};
use crate::table::hand;

/// Invocations that are killed.
const KILLS: u64 = 12;

/// Retries of an event whose invocation failed, as of Lambda.
const RETRIES: usize = 2;

/// All event handlers. The due lists are those on which [`unreadable`] breaks an item.
const HANDLERS: [(&str, &[&str]); 12] = [
    ("check-connections", &["connection"]),
    ("check-domains", &["domain"]),
    ("check-health", &["health"]),
    ("deliver-webhooks", &[]),
    ("erase-tenants", &["deletion"]),
    ("notify-expiring-certificates", &["certificate"]),
    ("notify-expiring-keys", &["credential"]),
    ("publish-audit", &[]),
    ("refresh-metadata", &["certificate"]),
    ("retry-webhooks", &[]),
    ("sync-organizations", &["sync"]),
    ("verify-audit-logs", &[]),
];

#[test]
fn every_event_handler_is_in_the_table() {
    let handlers = functions()
        .filter(|function| matches!(function.trigger, Trigger::Schedule(_) | Trigger::AuditStream | Trigger::Bus));
    let handlers: BTreeSet<&str> = handlers.map(|function| function.name).collect();
    assert_eq!(handlers, HANDLERS.iter().map(|(name, _)| *name).collect());
}

/// The event at another time, if it has one.
fn moved(event: &Value, millis: i64) -> Value {
    let mut event = event.clone();
    if let Some(at) = event["time"].as_str().and_then(Timestamp::parse) {
        event["time"] = json!(at.plus_millis(millis));
    }
    event
}

/// The event with so much more in it that the bus would hardly take it.
fn oversized(event: &Value) -> Value {
    let mut event = event.clone();
    event["padding"] = json!("x".repeat(240_000));
    event
}

fn malformed() -> Vec<Value> {
    vec![
        Value::Null,
        json!([]),
        json!("Scheduled Event"),
        json!(7),
        json!({}),
        json!({"time": 7}),
        json!({"time": "yesterday", "detail": null}),
        json!({"Records": {"dynamodb": 1}}),
        json!({"source": "trustplane", "detail": {"tenant_id": "x", "id": ["y"]}}),
        json!({"source": "trustplane", "detail-type": "policy.saved", "detail": "z".repeat(240_000)}),
    ]
}

/// Dead letters of a function, as its own or as those of an invocation that was given up: each with its reason.
fn letters(world: &World, function: &str) -> Vec<String> {
    let reason = |letter: Value| {
        let body = &letter["body"];
        let own = body["reason"].as_str().filter(|_| body["function"] == function);
        let arn = letter["requestContext"]["functionArn"].as_str().unwrap_or_default();
        let of_invocation = letter["responsePayload"]["errorMessage"].as_str().filter(|_| arn.ends_with(function));
        own.or(of_invocation).map(str::to_owned)
    };
    world.stack().dead_letters().into_iter().filter_map(reason).collect()
}

/// Invokes a function as an event source does, which tries again and keeps what fails for good.
async fn send(world: &World, function: &str, event: &Value) {
    let path = format!("/2015-03-31/functions/{function}/invocations");
    let kind = [("x-amz-invocation-type", "Event")];
    let reply = world.stack().request(Method::POST, &path, &kind, event.to_string()).await.unwrap();
    assert_eq!(reply.status, 202, "{}", reply.text());
}

/// Events that are none have no effect, and those that have to be events of this handler are put away with a reason.
async fn malformed_events_have_no_effect(world: &World, function: &str, scene: Option<&Scene>) {
    let effects = async || match scene {
        Some(scene) => scene.effects().await,
        None => Vec::new(),
    };
    let before = effects().await;
    for event in malformed() {
        let kept = letters(world, function).len();
        let outcome = world.invoke(function, &event).await;
        match function {
            // The stream's own event is wrong: the invocation fails, and its source keeps the event.
            "publish-audit" => assert!(outcome.unwrap_err()["errorMessage"].is_string(), "{event}"),
            "deliver-webhooks" => {
                assert_eq!(outcome, Ok(json!({"deliveries": 0})));
                assert_eq!(letters(world, function).len(), kept + 1);
            }
            // A schedule without a time is one of now.
            _ => assert!(outcome.is_ok(), "{function}, {event}: {outcome:?}"),
        }
        assert_eq!(effects().await, before, "{event}");
    }
    assert!(letters(world, function).iter().all(|reason| !reason.is_empty()));
}

/// The event has its effect once: oversized, again, at the same time, after a later one, and before its time.
async fn an_event_has_its_effect_once(world: &World, function: &str, scene: &Scene) {
    let before = scene.effects().await;
    let is_scheduled = scene.event.get("time").is_some();
    if is_scheduled {
        let early = world.invoke(function, &moved(&scene.event, -1_000 * DAY)).await;
        assert!(early.is_ok(), "{early:?}");
        assert_eq!(scene.effects().await, before, "an event of the past");
    }
    let done = world.invoke(function, &oversized(&scene.event)).await;
    assert!(done.is_ok(), "{done:?}");
    let effects = scene.effects().await;
    assert_eq!(effects.len(), before.len() + scene.expected, "{done:?}");
    let (again, later, earlier) = (scene.event.clone(), moved(&scene.event, MINUTE), moved(&scene.event, -MINUTE));
    let outcomes = tokio::join!(
        world.invoke(function, &again),
        world.invoke(function, &again),
        world.invoke(function, &later),
        world.invoke(function, &earlier),
    );
    for outcome in [outcomes.0, outcomes.1, outcomes.2, outcomes.3] {
        assert!(outcome.is_ok(), "{outcome:?}");
    }
    // In the wrong order, and long after the fact.
    for event in [&later, &earlier, &again] {
        assert!(world.invoke(function, event).await.is_ok());
    }
    assert_eq!(scene.effects().await, effects);
}

/// Killed at many moments, the handler has its effect once in the end.
async fn killed_midway_nothing_is_lost_or_done_twice(world: &World, function: &str, scene: &Scene) {
    let before = scene.effects().await;
    let (mut kills, mut interrupted) = (0, 0);
    for moment in 0..KILLS {
        let killing = async {
            tokio::time::sleep(Duration::from_millis(moment * moment * 4)).await;
            world.stack().processes(function).into_iter().filter(|process| world.stack().crash(*process)).count()
        };
        let (outcome, killed) = tokio::join!(world.invoke(function, &scene.event), killing);
        kills += killed;
        interrupted += usize::from(outcome.is_err());
    }
    println!("{function}: {kills} processes killed, {interrupted} invocations interrupted");
    assert!(kills > 0 && interrupted > 0);
    // The source of the event tries again. What a killed process had taken is free again after a while.
    for minutes in [0, 1, 5, 30, 60] {
        let event = moved(&scene.event, minutes * MINUTE);
        let mut done = world.invoke(function, &event).await;
        for _ in 0..RETRIES {
            // The end of a killed process may not have been noticed yet.
            if done.is_err() {
                done = world.invoke(function, &event).await;
            }
        }
        assert!(done.is_ok(), "{done:?}");
    }
    let effects: BTreeSet<String> = scene.effects().await.into_iter().collect();
    assert_eq!(effects.len(), before.len() + scene.expected, "{effects:?}");
}

/// Makes the items of a tenant on a due list unreadable. Returns their number.
async fn unreadable(world: &World, list: &str, scene: &Scene) -> usize {
    let (hand, table) = (hand(world), world.stack().table());
    let mut broken = 0;
    for shard in 0..DUE_SHARDS {
        let partition = AttributeValue::S(due_partition(list, shard));
        let query = hand.query().table_name(table).index_name("GSI1").key_condition_expression("due_pk = :list");
        let due = query.expression_attribute_values(":list", partition).send().await.unwrap().items.unwrap();
        for item in due.into_iter().filter(|item| item["pk"].as_s().unwrap().contains(&scene.tenant.to_string())) {
            let update = hand.update_item().table_name(table).update_expression("SET entity = :other");
            let update = update.expression_attribute_values(":other", AttributeValue::S("other".to_owned()));
            let key = ["pk", "sk"].map(|name| (name.to_owned(), item[name].clone()));
            let _ = update.set_key(Some(key.into())).send().await.unwrap();
            broken += 1;
        }
    }
    broken
}

/// Something due that can never be handled is an error of each run, which a queue keeps with its reason.
async fn what_cannot_be_handled_is_kept_with_a_reason(world: &World, function: &str, list: &str, scene: &Scene) {
    assert!(unreadable(world, list, scene).await > 0, "nothing of the tenant is on the due list `{list}`");
    let kept = letters(world, function).len();
    send(world, function, &scene.event).await;
    until(&format!("a dead letter of {function}"), || letters(world, function).len() > kept).await;
    let reason = letters(world, function).pop().unwrap();
    assert!(!reason.is_empty());
    println!("{function}: {reason}");
}

/// Puts one handler through all of it.
async fn put_through(function: &'static str) {
    let world = quiet_world();
    // An organization is due at once, so that a schedule without a time reads it.
    let is_due_at_once = function == "sync-organizations";
    if is_due_at_once {
        malformed_events_have_no_effect(world, function, None).await;
    }
    let scene = Scene::set(world, function, 0).await;
    if !is_due_at_once {
        malformed_events_have_no_effect(world, function, Some(&scene)).await;
    }
    an_event_has_its_effect_once(world, function, &scene).await;
    let scene = Scene::set(world, function, 1).await;
    killed_midway_nothing_is_lost_or_done_twice(world, function, &scene).await;
    if function == "publish-audit" {
        let verified = world.invoke("verify-audit", &json!({"tenant_id": scene.tenant})).await.unwrap();
        assert_eq!((&verified["intact"], &verified["first_broken"]), (&json!(true), &Value::Null), "{verified}");
        let broken = json!({"Records": [{"dynamodb": {"SequenceNumber": "7", "NewImage": {}}}]});
        assert_eq!(world.invoke(function, &broken).await, Ok(json!({"batchItemFailures": []})));
        assert_eq!(letters(world, function), ["it has no `sk`"]);
    }
    if let Effect::Deliveries(..) = scene.effect {
        // A delivery whose process was killed before its attempt is due again a little later.
        let later = scheduled(Timestamp::now().plus_millis(10 * MINUTE));
        assert!(world.invoke("retry-webhooks", &later).await.is_ok());
        // A repeated attempt carries the same id.
        let receiver = scene._kept.downcast_ref::<crate::webhooks::Receiver>().unwrap();
        let got = receiver.got();
        let ids: BTreeSet<&str> = got.iter().map(|got| got.header("webhook-id")).collect();
        assert_eq!(ids.len(), 1);
    }
    let lists = HANDLERS.iter().find(|(name, _)| *name == function).unwrap().1;
    for list in lists {
        let scene = Scene::set(world, function, 2).await;
        what_cannot_be_handled_is_kept_with_a_reason(world, function, list, &scene).await;
    }
}

/// One test for each row, so that they run side by side and a failure has the name of its handler.
macro_rules! put_through {
    ($($test:ident: $function:literal),+ $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                put_through($function).await;
            }
        )+

        #[test]
        fn every_row_of_the_table_is_put_through() {
            let tested = [$($function),+];
            assert_eq!(tested.to_vec(), HANDLERS.iter().map(|(name, _)| *name).collect::<Vec<_>>());
        }
    };
}

put_through! {
    check_connections: "check-connections",
    check_domains: "check-domains",
    check_health: "check-health",
    deliver_webhooks: "deliver-webhooks",
    erase_tenants: "erase-tenants",
    notify_expiring_certificates: "notify-expiring-certificates",
    notify_expiring_keys: "notify-expiring-keys",
    publish_audit: "publish-audit",
    refresh_metadata: "refresh-metadata",
    retry_webhooks: "retry-webhooks",
    sync_organizations: "sync-organizations",
    verify_audit_logs: "verify-audit-logs",
}
