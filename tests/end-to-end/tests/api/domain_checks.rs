//! Tests of `check-domains`. Each has its own stack, because a sweep processes everything that is due in its table.
//! Days count from now.

use serde_json::{Value, json};
use trustplane_domain::Timestamp;
use trustplane_domain::ids::TenantId;
use trustplane_domain::tenant::{Status, Tenant};
use trustplane_domain::timestamp::DAY;
use trustplane_end_to_end::World;
use trustplane_local::Options;
use trustplane_local::dns::Answer;
use trustplane_store::keys::DUE_SHARDS;
use trustplane_store::{Table, Writes};

use crate::directory::fields;
use crate::domains::{Domains, naming, own, to};
use crate::table::{audit_records, own_world, part, published, read, table, write};

const FUNCTION: &str = "check-domains";

/// A stack with a customer that has proven a domain.
struct Scene {
    world: &'static World,
    table: Table,
    domains: Domains,
    domain: String,
    tenant: TenantId,
    start: Timestamp,
}

impl Scene {
    async fn set() -> Self {
        let world = own_world(Options::default());
        let domains = Domains::of(world, world.customer().await).await;
        let domain = own(domains.customer(), "acme");
        let _ = domains.versions.submit(&naming(&[&domain], &[])).await;
        domains.prove(&domain).await;
        let tenant = TenantId::parse(&domains.customer().tenant).unwrap();
        Self { world, table: table(world), domains, domain, tenant, start: Timestamp::now() }
    }

    /// Runs a sweep this number of days after the start.
    async fn sweep(&self, day: i64) -> Value {
        self.world.invoke(FUNCTION, &scheduled(self.start.plus_millis(day * DAY))).await.unwrap()
    }

    /// Runs a sweep half a day later than [`Self::sweep`]: challenges are younger than the scene.
    async fn late_sweep(&self, day: i64) -> Value {
        self.world.invoke(FUNCTION, &scheduled(self.start.plus_millis(day * DAY + DAY / 2))).await.unwrap()
    }

    /// Returns the published domain events, each with its day.
    async fn told(&self) -> Vec<(String, i64)> {
        let records = audit_records(&self.table, self.tenant, FUNCTION).await;
        let told = records.iter().map(|record| {
            let at = Timestamp::parse(record["occurred_at"].as_str().unwrap()).unwrap();
            (record["after"]["event"].as_str().unwrap().to_owned(), at.millis_since(self.start) / DAY)
        });
        told.collect()
    }

    async fn status(&self) -> Value {
        self.domains.shown(&self.domain).await["Status"].clone()
    }
}

fn scheduled(at: Timestamp) -> Value {
    json!({"detail-type": "Scheduled Event", "source": "aws.events", "time": at, "detail": {}})
}

fn checked(checked: usize) -> Value {
    json!({"checked": checked, "suspended": 0, "left": 0})
}

fn events(told: &[(&str, i64)]) -> Vec<(String, i64)> {
    told.iter().map(|(event, day)| ((*event).to_owned(), *day)).collect()
}

#[tokio::test]
async fn a_proven_domain_is_looked_at_once_a_day_at_the_cost_of_what_is_due() {
    let scene = Scene::set().await;
    let outcome = scene.world.stack().invoke(FUNCTION, &scheduled(scene.start)).await.unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&outcome.payload).unwrap(), checked(0));
    let cost = scene.world.cost(&outcome.request_id).await;
    assert_eq!(cost.dynamodb_calls, u64::from(DUE_SHARDS));
    let at = scheduled(scene.start.plus_millis(DAY));
    let outcome = scene.world.stack().invoke(FUNCTION, &at).await.unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&outcome.payload).unwrap(), checked(1));
    // One read of the due proofs, and one write.
    let cost = scene.world.cost(&outcome.request_id).await;
    assert_eq!(cost.dynamodb_calls, u64::from(DUE_SHARDS) + 2);
    assert_eq!(scene.sweep(1).await, checked(0));
    assert_eq!(scene.sweep(2).await, checked(1));
    assert_eq!((scene.told().await, scene.status().await), (Vec::new(), json!("Proven")));
}

#[tokio::test]
async fn a_record_gone_for_a_week_revokes_the_proof_with_an_event_first_and_at_the_end() {
    let scene = Scene::set().await;
    let (customer, approver) = (scene.domains.customer(), &scene.domains.customer().approver);
    let body = naming(&[&scene.domain], &[]);
    let (path, active) = scene.domains.activate(&body).await;
    let _ = active.expect(200);
    scene.domains.answer(&scene.domain, Answer::Texts(Vec::new())).await;
    for day in 1..=7 {
        assert_eq!(scene.sweep(day).await, checked(1));
        assert_eq!((scene.sweep(day).await, scene.status().await), (checked(0), json!("Proven")), "{day}");
    }
    assert_eq!(scene.told().await, events(&[("missing", 1)]));
    assert_eq!(scene.sweep(8).await, checked(1));
    assert_eq!(scene.sweep(9).await, checked(0));
    assert_eq!(scene.told().await, events(&[("missing", 1), ("revoked", 8)]));
    let records = audit_records(&scene.table, scene.tenant, FUNCTION).await;
    let last = &records[1];
    assert_eq!((&last["resource_type"], &last["resource_id"]), (&json!("domain"), &json!(scene.domain)));
    assert_eq!((&last["before"]["status"], &last["after"]["status"]), (&json!("Proven"), &json!("Revoked")));
    assert_eq!(last["after"]["outcome"], "no_record");

    // The active version stays active; another cannot be activated.
    assert_eq!(scene.domains.versions.status(&path).await, "Active");
    let served = customer.get(&format!("/v1/sso/route?email=a@{}", scene.domain)).await.expect(200);
    assert_eq!(served.body["configuration"]["matched_domain"], scene.domain);
    let (second, refused) = scene.domains.activate(&body).await;
    assert_eq!(fields(&refused.expect(400)), ["RestrictedDomains[0]"]);
    // The claim ends with the version: another tenant can claim the domain.
    let other = Domains::of(scene.world, scene.world.customer().await).await;
    let _ = other.versions.submit(&body).await;
    other.prove(&scene.domain).await;
    let (third, held) = other.activate(&body).await;
    let _ = held.expect(409);
    scene.domains.end(&path, &body).await;
    let _ = other.versions.put_as(&other.customer().approver, &third, &to("Active", &body)).await.expect(200);
    let _ = scene.domains.versions.put_as(approver, &second, &to("Active", &body)).await.expect(400);

    scene.world.stack().settle_streams().await;
    assert_eq!(published(scene.world, FUNCTION), records);
}

#[tokio::test]
async fn a_record_that_comes_back_is_told_and_silence_of_dns_is_not_absence() {
    let scene = Scene::set().await;
    let value = scene.domains.shown(&scene.domain).await["RecordValue"].as_str().unwrap().to_owned();
    let there = Answer::Texts(vec![vec![value]]);
    let steps = [
        (1, Answer::Servfail, None),
        (2, Answer::Texts(vec![vec!["v=spf1 -all".to_owned()]]), Some("missing")),
        (7, Answer::Servfail, None),
        (8, there.clone(), Some("restored")),
        (9, Answer::Refused, None),
        (10, Answer::Texts(Vec::new()), Some("missing")),
        (16, Answer::Texts(Vec::new()), None),
        (17, there, Some("restored")),
    ];
    let mut expected = Vec::new();
    for (day, answer, event) in steps {
        scene.domains.answer(&scene.domain, answer).await;
        assert_eq!(scene.sweep(day).await, checked(1), "{day}");
        expected.extend(event.map(|event| (event.to_owned(), day)));
        assert_eq!((scene.told().await, scene.status().await), (expected.clone(), json!("Proven")), "{day}");
    }
}

#[tokio::test]
async fn name_servers_that_fail_for_thirty_days_end_the_proof() {
    let scene = Scene::set().await;
    scene.domains.answer(&scene.domain, Answer::Servfail).await;
    for day in 1..=30 {
        assert_eq!(scene.sweep(day).await, checked(1), "{day}");
    }
    assert_eq!((scene.told().await, scene.status().await), (events(&[("unanswered", 8)]), json!("Proven")));
    let shown = scene.domains.shown(&scene.domain).await;
    assert!(shown["UnansweredSince"].is_string(), "{shown}");
    assert_eq!((scene.sweep(31).await, scene.sweep(32).await), (checked(1), checked(0)));
    assert_eq!(scene.told().await, events(&[("unanswered", 8), ("revoked", 31)]));
    assert_eq!(scene.status().await, "Revoked");
    let records = audit_records(&scene.table, scene.tenant, FUNCTION).await;
    assert_eq!(
        (&records[1]["after"]["outcome"], &records[1]["after"]["status"]),
        (&json!("servfail"), &json!("Revoked"))
    );
}

#[tokio::test]
async fn a_challenge_without_its_record_ends_after_thirty_days_and_is_told_once() {
    let scene = Scene::set().await;
    let waiting = own(scene.domains.customer(), "waiting");
    let _ = scene.domains.versions.submit(&naming(&[], &[&waiting])).await;
    assert_eq!(scene.late_sweep(22).await, checked(1));
    // This proof and the proven one: of the challenge there is a notice a week and a day before its end, each once.
    for (day, count) in [(23, 2), (23, 0), (24, 1), (29, 2), (29, 0)] {
        assert_eq!(scene.late_sweep(day).await, checked(count), "{day}");
    }
    assert_eq!(scene.domains.shown(&waiting).await["Status"], "Unproven");
    assert_eq!(scene.told().await, events(&[("expiring", 23), ("expiring", 29)]));
    let records = audit_records(&scene.table, scene.tenant, FUNCTION).await;
    let days: Vec<[&Value; 2]> =
        records.iter().map(|one| [&one["after"]["threshold_days"], &one["after"]["days_left"]]).collect();
    assert_eq!(days, [[&json!(7), &json!(7)], [&json!(1), &json!(1)]]);
    assert_eq!((scene.late_sweep(30).await, scene.late_sweep(30).await), (checked(2), checked(0)));
    let shown = scene.domains.shown(&waiting).await;
    assert_eq!((&shown["Status"], &shown["Outcome"]), (&json!("Expired"), &json!("expired")));
    assert_eq!(scene.told().await, events(&[("expiring", 23), ("expiring", 29), ("expired", 30)]));
    scene.world.stack().settle_streams().await;
    let names = scene.world.stack().events().into_iter().map(|event| event["detail-type"].clone());
    assert_eq!(names.filter(|name| name == "domain.challenge_expiring").count(), 2);
}

#[tokio::test]
async fn a_challenge_whose_record_is_there_is_proven_in_place_of_a_notice() {
    let scene = Scene::set().await;
    let waiting = own(scene.domains.customer(), "waiting");
    let _ = scene.domains.versions.submit(&naming(&[], &[&waiting])).await;
    let value = scene.domains.shown(&waiting).await["RecordValue"].as_str().unwrap().to_owned();
    scene.domains.answer(&waiting, Answer::Texts(vec![vec![value]])).await;
    assert_eq!(scene.late_sweep(23).await, checked(2));
    assert_eq!(scene.domains.shown(&waiting).await["Status"], "Proven");
    assert_eq!(scene.told().await, events(&[("proven", 23)]));
}

#[tokio::test]
async fn sweeps_at_the_same_time_tell_each_event_once() {
    let scene = Scene::set().await;
    let labels = ["b", "c", "d", "e"];
    let names = labels.map(|label| own(scene.domains.customer(), label));
    let _ = scene.domains.versions.submit(&naming(&[], &names.each_ref().map(String::as_str))).await;
    for name in &names {
        scene.domains.prove(name).await;
        scene.domains.answer(name, Answer::Texts(Vec::new())).await;
    }
    let said = tokio::join!(scene.sweep(2), scene.sweep(2), scene.sweep(2));
    let looked: u64 = [said.0, said.1, said.2].iter().map(|said| said["checked"].as_u64().unwrap()).sum();
    assert_eq!(looked, 5);
    assert_eq!(scene.told().await, events(&[("missing", 2); 4]));
}

#[tokio::test]
async fn a_suspended_tenants_domains_wait() {
    let scene = Scene::set().await;
    scene.domains.answer(&scene.domain, Answer::Texts(Vec::new())).await;
    let key = part(scene.tenant).tenant();
    let set = async |status: Status| {
        let before = read::<Tenant>(&scene.table, &key).await;
        let after = Tenant { status, ..before.value.clone() };
        write(&scene.table, scene.tenant, Writes::new().replace(&before, &after)).await;
    };
    set(Status::Suspended).await;
    assert_eq!(scene.sweep(1).await, json!({"checked": 0, "suspended": 1, "left": 0}));
    set(Status::Active).await;
    assert_eq!(scene.sweep(2).await, checked(1));
    assert_eq!(scene.told().await, events(&[("missing", 2)]));
}
