//! Tests of `refresh-metadata`. Each has its own stack, because a sweep processes everything that is due in its table.
//! Times are in hours after the creation of the provider.

use serde_json::{Value, json};
use trustplane_domain::Timestamp;
use trustplane_domain::ids::TenantId;
use trustplane_domain::timestamp::MINUTE;
use trustplane_end_to_end::{Customer, World};
use trustplane_local::Options;
use trustplane_store::Table;
use trustplane_store::keys::DUE_SHARDS;

use crate::identity_source::metadata_server::{ENTITY, MetadataServer, Seen, TOKEN, document, document_of};
use crate::identity_source::{IDP, certificate, go_through, import, scenario};
use crate::policies::save;
use crate::table::{audit_records, own_world, part, published, table};

const FUNCTION: &str = "refresh-metadata";
const ACTION: &str = "refresh-external-idp";

/// A stack with a customer whose enabled provider follows a server.
struct Scene {
    world: &'static World,
    table: Table,
    customer: Customer,
    tenant: TenantId,
    server: MetadataServer,
    path: String,
    start: Timestamp,
}

impl Scene {
    async fn set(certificates: &[&str], trust: &str) -> Self {
        let world = own_world(Options::default());
        let customer = world.customer().await;
        world.stack().organization().trust_external_id(&customer.external_id);
        go_through(&customer, &scenario("healthy")).await;
        let server = MetadataServer::start(world).await;
        server.serve(&document(certificates));
        let body = json!({"idp_saml_metadata_url": server.url(), "metadata_trust": trust});
        let made = customer.post(IDP, &body).await.expect(201);
        let path = format!("{IDP}/{}", made.body["idp_id"].as_str().unwrap());
        let _ = customer.post(&format!("{path}/enable"), &Value::Null).await.expect(200);
        let tenant = TenantId::parse(&customer.tenant).unwrap();
        assert_eq!(server.requests(), [Seen::Whole]);
        Self { world, table: table(world), customer, tenant, server, path, start: Timestamp::now() }
    }

    /// Runs a sweep this number of hours after the start. Returns the number of refreshed providers.
    async fn sweep(&self, hours: i64) -> u64 {
        let at = self.start.plus_millis(hours * 60 * MINUTE);
        let event = json!({"detail-type": "Scheduled Event", "source": "aws.events", "time": at, "detail": {}});
        let swept = self.world.invoke(FUNCTION, &event).await.unwrap();
        assert_eq!((&swept["suspended"], &swept["left"]), (&json!(0), &json!(0)));
        // At no time is there no valid certificate to trust.
        assert!(self.certificates().await.iter().any(|one| one["status"] == "ACTIVE"), "{hours}");
        swept["refreshed"].as_u64().unwrap()
    }

    async fn shown(&self) -> Value {
        self.customer.get(IDP).await.expect(200).body["associations"][0].clone()
    }

    async fn certificates(&self) -> Vec<Value> {
        self.shown().await["idp_certificate_ids"].as_array().unwrap().clone()
    }

    async fn status(&self) -> Value {
        self.shown().await["metadata_status"].clone()
    }

    /// The records of the sweep.
    async fn records(&self) -> Vec<Value> {
        let records = audit_records(&self.table, self.tenant, ACTION).await;
        assert!(records.iter().all(|record| record["actor"]["id"] == "system"), "{records:?}");
        records
    }

    /// The reported events, each with its hour.
    async fn reported(&self) -> Vec<(i64, Vec<String>)> {
        let reported = self.records().await.into_iter().map(|record| {
            let at = Timestamp::parse(record["occurred_at"].as_str().unwrap()).unwrap();
            let events = record["after"]["events"].as_array().unwrap().iter();
            let names = events.map(|event| event["event"].as_str().unwrap().to_owned()).collect();
            (at.millis_since(self.start) / (60 * MINUTE), names)
        });
        reported.collect()
    }
}

fn reported(all: &[(i64, &[&str])]) -> Vec<(i64, Vec<String>)> {
    all.iter().map(|(hours, names)| (*hours, names.iter().map(|name| (*name).to_owned()).collect())).collect()
}

#[tokio::test]
async fn a_rotation_is_followed_with_a_valid_certificate_at_every_moment() {
    let [old, new] = [(); 2].map(|()| certificate(-1, 100));
    let scene = Scene::set(&[&old], "continuous").await;
    let manual = scene.customer.post(&format!("{}/certificate", scene.path), &import(&certificate(-1, 90))).await;
    let manual = manual.expect(200).body["certificate_id"].clone();
    assert_eq!((scene.sweep(5).await, scene.server.requests()), (0, vec![]));
    // Nothing new: a conditional request, no record.
    assert_eq!((scene.sweep(6).await, scene.server.requests()), (1, vec![Seen::NotModified]));
    assert_eq!((scene.sweep(6).await, scene.server.requests()), (0, vec![]));
    scene.server.serve(&document(&[&old, &new]));
    assert_eq!((scene.sweep(12).await, scene.certificates().await.len()), (1, 3));
    scene.server.serve(&document(&[&new]));
    assert_eq!((scene.sweep(18).await, scene.certificates().await.len()), (1, 3));
    // While a certificate is about to go, the whole document is read.
    let _ = scene.server.requests();
    assert_eq!((scene.sweep(36).await, scene.server.requests()), (1, vec![Seen::Whole]));
    assert_eq!((scene.sweep(42).await, scene.certificates().await.len()), (1, 2));
    let left = scene.certificates().await;
    assert_eq!(left[0]["certificate_id"], manual, "what an administrator imported stays");
    assert_eq!((scene.sweep(48).await, scene.status().await), (1, json!("current")));
    let expected: [(i64, &[&str]); 3] =
        [(12, &["certificate_added"]), (18, &["certificate_removal_announced"]), (42, &["certificate_removed"])];
    assert_eq!(scene.reported().await, reported(&expected));
    let records = scene.records().await;
    let last = &records[2];
    assert_eq!((&last["resource_type"], &last["actor"]["type"]), (&json!("identity-provider"), &json!("system")));
    assert_eq!(last["determining_policies"], json!(["built-in.system"]));
    assert_eq!(last["after"]["metadata_origin"], scene.server.origin());
    assert_eq!(last["after"]["document_sha256"], scene.shown().await["metadata_document_sha256"]);
    let facts = |record: &Value| record["after"]["events"][0]["fingerprint_sha256"].clone();
    assert_eq!(facts(&records[1]), facts(&records[2]));
    let gone = records[1]["after"]["events"][0]["at"].as_str().unwrap();
    assert_eq!(Timestamp::parse(gone).unwrap(), scene.start.plus_millis(42 * 60 * MINUTE));
    assert!(records.iter().all(|record| !record.to_string().contains(TOKEN)));
    // Each record is an event on the bus.
    scene.world.stack().settle_streams().await;
    assert_eq!(published(scene.world, ACTION), records);
}

#[tokio::test]
async fn what_may_not_be_applied_is_held_and_reported_once() {
    let pems: Vec<String> = (0..12).map(|_| certificate(-1, 100)).collect();
    let all: Vec<&str> = pems.iter().map(String::as_str).collect();
    let scene = Scene::set(&all[..2], "continuous").await;
    let shown = scene.shown().await;
    let config = shown["idp_saml_config"].clone();
    let other_login = document(&all[..3]).replace("https://idp.example.com/sso", "https://evil.example/");
    let (mut hours, mut expected) = (0, Vec::new());
    for (text, status) in [
        (document(&[all[5], all[6]]), "all_keys_changed"),
        (document_of("urn:other", "", &all[..3]), "changed"),
        (other_login, "changed"),
        (document_of(ENTITY, "WantAuthnRequestsSigned=\"true\"", &all[..3]), "changed"),
        (document(&all[1..11]), "limit"),
        (document(&all[..11]), "limit"),
    ] {
        scene.server.serve(&text);
        for _ in 0..2 {
            hours += 6;
            assert_eq!((scene.sweep(hours).await, scene.status().await), (1, json!(status)));
            let shown = scene.shown().await;
            assert_eq!(
                (&shown["idp_saml_config"], shown["idp_certificate_ids"].as_array().unwrap().len()),
                (&config, 2)
            );
            assert!(!shown["metadata_pending"].as_array().unwrap().is_empty());
        }
        expected.push((hours - 6, vec!["held".to_owned()]));
    }
    assert_eq!(scene.reported().await, expected);
    let records = scene.records().await;
    assert_eq!(records[2]["after"]["pending"][0]["offered"], "https://evil.example/");
    // What fits again is applied without a person.
    scene.server.serve(&document(&all[..3]));
    assert_eq!((scene.sweep(hours + 6).await, scene.status().await), (1, json!("current")));
    assert_eq!((scene.shown().await["metadata_pending"].clone(), scene.certificates().await.len()), (json!([]), 3));
}

#[tokio::test]
async fn with_the_choice_tls_all_keys_may_change_at_once() {
    let [old, new] = [(); 2].map(|()| certificate(-1, 100));
    let scene = Scene::set(&[&old], "tls").await;
    scene.server.serve(&document(&[&new]));
    assert_eq!((scene.sweep(6).await, scene.certificates().await.len()), (1, 2));
    assert_eq!((scene.sweep(30).await, scene.certificates().await.len()), (1, 1));
    let expected: [(i64, &[&str]); 2] = [
        (6, &["all_keys_changed", "certificate_added", "certificate_removal_announced"]),
        (30, &["certificate_removed"]),
    ];
    assert_eq!(scene.reported().await, reported(&expected));
}

#[tokio::test]
async fn failures_are_retried_and_reported_after_a_day_and_so_is_the_recovery() {
    let one = certificate(-1, 100);
    let scene = Scene::set(&[&one], "continuous").await;
    scene.server.fail(500);
    assert_eq!((scene.sweep(6).await, scene.status().await), (1, json!("unreachable")));
    assert_eq!(scene.sweep(6).await, 0);
    // Retried after 15 minutes, then ever more seldom.
    let retried = scene.shown().await;
    let wait = retried["metadata_next_check_at"].as_i64().unwrap() - retried["metadata_checked_at"].as_i64().unwrap();
    assert_eq!(wait, 15 * MINUTE);
    assert_eq!(scene.sweep(7).await, 1);
    // Documents that cannot be used fail likewise.
    scene.server.serve("<html></html>");
    assert_eq!((scene.sweep(15).await, scene.status().await), (1, json!("invalid")));
    assert_eq!(scene.reported().await, []);
    for hours in [30, 40, 50] {
        assert_eq!(scene.sweep(hours).await, 1, "{hours}");
    }
    let expected: [(i64, &[&str]); 1] = [(30, &["failing"])];
    assert_eq!(scene.reported().await, reported(&expected));
    let record = &scene.records().await[0];
    assert_eq!(record["after"]["metadata_status"], "invalid");
    assert!(record["after"]["error"].as_str().unwrap().contains("the document"), "{record}");
    scene.server.serve(&document(&[&one]));
    assert_eq!((scene.sweep(60).await, scene.status().await), (1, json!("current")));
    let expected: [(i64, &[&str]); 2] = [(30, &["failing"]), (60, &["recovered"])];
    assert_eq!(scene.reported().await, reported(&expected));
    assert_eq!(scene.certificates().await.len(), 1);
}

#[tokio::test]
async fn a_policy_of_the_tenant_forbids_the_refresh_and_its_denial_is_recorded() {
    let [one, two] = [(); 2].map(|()| certificate(-1, 100));
    let scene = Scene::set(&[&one], "continuous").await;
    let forbid = format!(
        "forbid (principal, action == Trustplane::Action::\"{ACTION}\", resource) when {{ principal.kind == \"system\" }};"
    );
    let _ = save(&scene.customer, "by-hand", &forbid).await.expect(200);
    scene.server.serve(&document(&[&one, &two]));
    // No request is sent, and the next sweep asks again.
    for hours in [6, 12] {
        assert_eq!((scene.sweep(hours).await, scene.server.requests()), (0, vec![]));
        assert_eq!(scene.sweep(hours).await, 0);
    }
    assert_eq!((scene.records().await, scene.certificates().await.len()), (vec![], 1));
    let kept = scene.table.load(part(scene.tenant).audit_records()).await.unwrap().rows;
    let records: Vec<Value> = kept.iter().map(|row| serde_json::from_str(&row.value.record).unwrap()).collect();
    let denied: Vec<&Value> = records.iter().filter(|record| record["outcome"] == "denied").collect();
    assert_eq!(denied.len(), 2, "{denied:?}");
    assert_eq!((&denied[0]["actor"]["id"], &denied[0]["action"]), (&json!("system"), &json!(ACTION)));
    assert_eq!(denied[0]["determining_policies"], json!(["by-hand"]));
    // An administrator may still refresh.
    let refreshed = scene.customer.post(&format!("{}/refresh", scene.path), &json!({})).await.expect(200);
    assert_eq!(refreshed.body["changes"][0]["change"], "certificate_added");
}

#[tokio::test]
async fn sweeps_at_the_same_time_report_each_event_once_at_the_cost_of_what_is_due() {
    let [one, two] = [(); 2].map(|()| certificate(-1, 100));
    let scene = Scene::set(&[&one], "continuous").await;
    scene.server.serve(&document(&[&one, &two]));
    let swept = tokio::join!(scene.sweep(6), scene.sweep(6), scene.sweep(6));
    assert_eq!(swept.0 + swept.1 + swept.2, 1);
    let expected: [(i64, &[&str]); 1] = [(6, &["certificate_added"])];
    assert_eq!(scene.reported().await, reported(&expected));
    let at = scene.start.plus_millis(12 * 60 * MINUTE);
    let outcome = scene.world.stack().invoke(FUNCTION, &json!({"time": at})).await.unwrap();
    assert!(!outcome.failed, "{:?}", outcome.payload);
    // The due list, the due items with their tenants, the tenant's policies, and one write.
    let cost = scene.world.cost(&outcome.request_id).await;
    assert_eq!(cost.dynamodb_calls, u64::from(DUE_SHARDS) + 3);
}
