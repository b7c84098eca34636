//! Runs functions behind a proxy that breaks their calls to the table, once or always: reads, writes, operators' functions
//! and event handlers. A client learns the truth, nothing is written twice, and audit records equal changes.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use trustplane_domain::Timestamp;
use trustplane_domain::ids::TenantId;
use trustplane_domain::timestamp::DAY;
use trustplane_end_to_end::{CONNECT, Customer, Fault, FaultProxy, Reply, Times, World};
use trustplane_local::dns::Answer;
use trustplane_local::{Options, wait};
use trustplane_runtime::Dialect;

use crate::domains::{Domains, naming, own};
use crate::table::{audit_records, published, table};

const READS: &[&str] = &["BatchGetItem", "Query"];
const WRITES: &[&str] = &["TransactWriteItems"];
const ALL: &[&str] = &["BatchGetItem", "Query", "TransactWriteItems"];
/// A part of the keys of seals, which only `publish-audit` uses.
const SEALS: &str = "#SEALS";

/// A stack whose functions reach the table through a proxy.
pub async fn broken_world(streams: bool) -> (&'static World, FaultProxy) {
    let proxy = FaultProxy::start().await;
    let environment = BTreeMap::from([("AWS_ENDPOINT_URL_DYNAMODB".to_owned(), proxy.url())]);
    let world = World::start(Options { streams, environment, ..Options::default() });
    proxy.forward_to(world.stack().dynamodb_endpoint());
    // Never dropped, because a test cannot drop another runtime in its own thread.
    (Box::leak(Box::new(world)), proxy)
}

/// Panics unless the response says in its dialect that the request can be sent again.
#[track_caller]
fn expect_unavailable(reply: &Reply, dialect: Dialect, said: &str) {
    assert_eq!(reply.status, 503, "{said}: {}", reply.text);
    let seconds = reply.header("retry-after").unwrap_or_else(|| panic!("{said}: no Retry-After"));
    assert!(seconds.parse::<u32>().is_ok_and(|seconds| seconds > 0), "{said}: {seconds}");
    match dialect {
        Dialect::Integration => assert_eq!(reply.body["code"], "unavailable", "{said}"),
        Dialect::IdentitySource => assert_eq!(reply.body["error_code"], "IIC.503", "{said}"),
        Dialect::Directory => assert_eq!(reply.text, "", "{said}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_is_repeated_once_and_then_unavailable() {
    let (world, proxy) = broken_world(false).await;
    let customer = world.customer().await;
    for fault in Fault::ALL {
        for (dialect, path, status) in [
            (Dialect::Integration, "/v1/whoami", 200),
            (Dialect::Directory, "/organisations", 200),
            (Dialect::IdentitySource, "/v1/instances", 404),
        ] {
            let said = format!("{fault:?} {path}");
            proxy.break_calls(READS, "", fault, Times::Once);
            let reply = customer.get(path).await;
            assert_eq!(proxy.broken(), 1, "{said}");
            if fault.is_repeated() {
                assert_eq!(reply.status, status, "{said}: {}", reply.text);
            } else {
                expect_unavailable(&reply, dialect, &said);
            }
            // Slow responses cost the time limit of the call: one dialect is enough.
            if fault != Fault::Slow || dialect == Dialect::Directory {
                proxy.break_calls(READS, "", fault, Times::Always);
                expect_unavailable(&customer.get(path).await, dialect, &said);
            }
            proxy.heal();
            assert_eq!(customer.get(path).await.status, status, "{said}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_cannot_connect_before_its_first_request_serves_it_all_the_same() {
    let (world, proxy) = broken_world(false).await;
    let customer = world.customer().await;
    for (fault, path) in [
        (Fault::Throttled, "/v1/whoami"),
        (Fault::DroppedBefore, "/v1/policies"),
        (Fault::Garbage, "/v1/api-keys"),
        (Fault::Slow, "/organisations"),
        (Fault::ExpiredCredentials, "/v1/webhooks"),
    ] {
        proxy.break_calls(READS, CONNECT, fault, Times::Always);
        let reply = customer.get(path).await;
        assert_eq!(reply.status, 200, "{fault:?}: {}", reply.text);
        assert!(proxy.broken() > 0, "{fault:?}");
    }
}

/// Creates an organisation, with a key for retries.
async fn create(customer: &Customer, id: &str) -> Reply {
    let body = json!({"OrganisationId": id, "OrganisationName": "Example"});
    customer.send(customer.request("POST", "/organisations").json(&body).header("idempotency-key", id)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_is_made_once_and_acknowledged() {
    let (world, proxy) = broken_world(false).await;
    let customer = world.customer().await;
    let (table, tenant) = (table(world), TenantId::parse(&customer.tenant).unwrap());
    let records = async |id: &str| {
        let records = audit_records(&table, tenant, "create-organisation").await;
        records.iter().filter(|record| record["resource_id"] == id).count()
    };
    let mut expected = 0;
    for fault in Fault::ALL {
        for (operations, name) in [(WRITES, "w"), (READS, "r")] {
            let (once, always) = (format!("once-{name}-{expected}"), format!("always-{name}-{expected}"));
            let said = format!("{fault:?} of {operations:?}");
            proxy.break_calls(operations, "", fault, Times::Once);
            let reply = create(&customer, &once).await;
            assert_eq!(proxy.broken(), 1, "{said}");
            // A committed write whose response was lost is acknowledged, like any other.
            if fault.is_repeated() {
                assert_eq!((reply.status, records(&once).await), (201, 1), "{said}: {}", reply.text);
            } else {
                expect_unavailable(&reply, Dialect::Directory, &said);
                assert_eq!(records(&once).await, 0, "{said}");
                assert_eq!((create(&customer, &once).await.status, records(&once).await), (201, 1), "{said}");
            }
            let again = create(&customer, &once).await;
            assert_eq!((again.status, records(&once).await), (201, 1), "{said}: {}", again.text);
            expected += 1;

            proxy.break_calls(operations, "", fault, Times::Always);
            expect_unavailable(&create(&customer, &always).await, Dialect::Directory, &said);
            proxy.heal();
            let is_written = operations == WRITES && fault.reaches_engine();
            assert_eq!(records(&always).await, usize::from(is_written), "{said}");
            let reply = create(&customer, &always).await;
            assert_eq!((reply.status, records(&always).await), (201, 1), "{said}: {}", reply.text);
            expected += 1;
        }
    }
    let listed = customer.get("/organisations").await.expect(200);
    assert_eq!(listed.body["totalSize"], expected);
    assert_eq!(audit_records(&table, tenant, "create-organisation").await.len(), expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operators_function_is_done_once() {
    let (world, proxy) = broken_world(false).await;
    let table = table(world);
    for (number, fault) in Fault::ALL.into_iter().enumerate() {
        for (operations, part) in [(WRITES, 0), (READS, 1)] {
            for times in [Times::Once, Times::Always] {
                let said = format!("{fault:?} {times:?} of {operations:?}");
                let id = format!("5d1f0e57-0c60-4f4e-9d3c-6a0d5b1f{number:02}{part}{}", u8::from(times == Times::Once));
                let payload = json!({"tenant_id": id, "name": "Example"});
                proxy.break_calls(operations, "", fault, times);
                let outcome = world.invoke("create-tenant", &payload).await;
                assert!(proxy.broken() > 0, "{said}");
                proxy.heal();
                match outcome {
                    Ok(made) => {
                        assert!(fault.is_repeated() && times == Times::Once, "{said}");
                        assert_eq!(made["tenant_id"], id.as_str(), "{said}");
                    }
                    Err(error) => {
                        assert!(!fault.is_repeated() || times == Times::Always, "{said}: {error}");
                        assert_eq!(error["errorType"], "unavailable", "{said}: {error}");
                    }
                }
                // Repeating the call gives the same tenant, which was created once.
                let again = world.invoke("create-tenant", &payload).await.unwrap();
                assert_eq!(again["tenant_id"], id.as_str(), "{said}");
                let records = audit_records(&table, TenantId::parse(&id).unwrap(), "create-tenant").await;
                assert_eq!(records.len(), 1, "{said}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_handler_reports_each_event_once() {
    let (world, proxy) = broken_world(false).await;
    let domains = Domains::of(world, world.customer().await).await;
    let domain = own(domains.customer(), "acme");
    let _ = domains.versions.submit(&naming(&[&domain], &[])).await;
    domains.prove(&domain).await;
    let value = domains.shown(&domain).await["RecordValue"].as_str().unwrap().to_owned();
    let (table, tenant) = (table(world), TenantId::parse(&domains.customer().tenant).unwrap());
    let start = Timestamp::now();
    let check = async |day: i64| {
        let time = start.plus_millis(day * DAY);
        let event = json!({"detail-type": "Scheduled Event", "source": "aws.events", "time": time, "detail": {}});
        world.invoke("check-domains", &event).await
    };
    let mut expected: Vec<&str> = Vec::new();
    let mut day = 0;
    for fault in Fault::ALL {
        for times in [Times::Once, Times::Always] {
            for operations in [WRITES, READS] {
                let said = format!("{fault:?} {times:?} of {operations:?}");
                // The record goes and comes back: each day has one event.
                day += 1;
                let is_gone = expected.last().is_none_or(|last| *last == "restored");
                let answer = if is_gone { Vec::new() } else { vec![vec![value.clone()]] };
                domains.answer(&domain, Answer::Texts(answer)).await;
                expected.push(if is_gone { "missing" } else { "restored" });
                proxy.break_calls(operations, "", fault, times);
                // It may fail: the schedule invokes it again.
                let _ = check(day).await;
                assert!(proxy.broken() > 0, "{said}");
                proxy.heal();
                check(day).await.unwrap_or_else(|error| panic!("{said}: {error}"));
                let records = audit_records(&table, tenant, "check-domains").await;
                let events: Vec<&str> =
                    records.iter().map(|record| record["after"]["event"].as_str().unwrap()).collect();
                assert_eq!(events, expected, "{said}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn audit_records_are_published_and_sealed_in_spite_of_faults() {
    let (world, proxy) = broken_world(true).await;
    let customer = world.customer().await;
    for fault in Fault::ALL {
        let said = format!("{fault:?}");
        let times = if fault == Fault::Slow { Times::Once } else { Times::Always };
        proxy.break_calls(ALL, SEALS, fault, times);
        let _ = create(&customer, &said).await.expect(201);
        wait::until(&format!("{said} of publish-audit"), || proxy.broken() > 0).await;
        proxy.heal();
        world.stack().settle_streams().await;
    }
    let tenant = TenantId::parse(&customer.tenant).unwrap();
    let records = audit_records(&table(world), tenant, "create-organisation").await;
    assert_eq!(records.len(), Fault::ALL.len());
    let events = published(world, "create-organisation");
    for record in &records {
        assert!(events.contains(record), "{record}");
    }
    let verified = world.invoke("verify-audit", &json!({"tenant_id": customer.tenant})).await.unwrap();
    assert_eq!((&verified["intact"], &verified["first_broken"]), (&json!(true), &Value::Null), "{verified}");
    assert_eq!(world.stack().dead_letters(), [] as [Value; 0]);
}
