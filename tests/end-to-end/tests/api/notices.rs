//! Tests of `notify-expiring-certificates`. Each has its own stack, because a sweep processes everything that is due in
//! its table.
//!
//! Certificates expire at the end of 2029; times are in days before that.

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use trustplane_domain::Timestamp;
use trustplane_domain::certificate::{Certificate, CertificateId};
use trustplane_domain::identity_provider::{
    EntityId, IdentityProvider, IdentityProviderId, LoginUrl, Settings, THRESHOLDS,
};
use trustplane_domain::ids::TenantId;
use trustplane_domain::timestamp::DAY;
use trustplane_end_to_end::World;
use trustplane_local::Options;
use trustplane_store::keys::DUE_SHARDS;
use trustplane_store::{Table, Writes};

use crate::identity_source::{self, IDP, go_through, new_idp, scenario};
use crate::table::{audit_records, changed_template, hand, own_world, part, published, table, write};

const FUNCTION: &str = "notify-expiring-certificates";

/// A stack with its table.
struct Scene {
    world: &'static World,
    table: Table,
}

fn before_end(days: i64) -> Timestamp {
    Timestamp::parse("2030-01-01T00:00:00Z").unwrap().plus_millis(-days * DAY)
}

fn certificate(last_day: u8) -> Certificate {
    let mut params = rcgen::CertificateParams::default();
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(2030, 1, last_day);
    let key = rcgen::KeyPair::generate().unwrap();
    Certificate::from_pem(&params.self_signed(&key).unwrap().pem()).unwrap()
}

impl Scene {
    async fn set(options: Options) -> Self {
        let world = own_world(options);
        Self { world, table: table(world) }
    }

    async fn tenant(&self) -> TenantId {
        TenantId::parse(&self.world.tenant("notices").await.0).unwrap()
    }

    /// Stores an identity provider of the store. Its certificates were imported this number of days before the expiry;
    /// the second one expires 20 days later.
    async fn provider(&self, tenant: TenantId, store: &str, certificates: usize, imported: i64) {
        let mut ids = 0;
        let new_id = || {
            ids += 1;
            CertificateId::from_random([ids; 16])
        };
        let settings = Settings {
            entity_id: EntityId::parse("https://idp.example.com/saml").unwrap(),
            login_url: LoginUrl::parse("https://idp.example.com/sso").unwrap(),
            want_request_signed: false,
        };
        let certificates = [1, 21].into_iter().take(certificates).map(certificate).collect();
        let id = IdentityProviderId::from_random([7; 16]);
        let provider = IdentityProvider::create(id, settings, certificates, new_id, before_end(imported)).unwrap();
        let writes = Writes::new().create(&part(tenant).identity_provider(store), &provider);
        write(&self.table, tenant, writes).await;
    }

    async fn sweep(&self, at: Timestamp) -> Result<Value, Value> {
        self.world.invoke(FUNCTION, &scheduled(at)).await
    }

    /// Returns a tenant's notices: threshold and days left, oldest first.
    async fn told(&self, tenant: TenantId) -> Vec<(u64, i64)> {
        let records = audit_records(&self.table, tenant, FUNCTION).await;
        let told = records.iter().map(|record| {
            (record["after"]["threshold_days"].as_u64().unwrap(), record["after"]["days_left"].as_i64().unwrap())
        });
        told.collect()
    }

    /// Runs a sweep. Returns its result and its cost.
    async fn costly_sweep(&self, at: Timestamp) -> (Value, trustplane_end_to_end::Cost) {
        let outcome = self.world.stack().invoke(FUNCTION, &scheduled(at)).await.unwrap();
        assert!(!outcome.failed, "{:?}", outcome.payload);
        (serde_json::from_slice(&outcome.payload).unwrap(), self.world.cost(&outcome.request_id).await)
    }
}

fn scheduled(at: Timestamp) -> Value {
    json!({
        "version": "0",
        "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "000000000000",
        "time": at,
        "region": "us-east-1",
        "resources": [],
        "detail": {},
    })
}

fn swept(notices: usize, suspended: usize, left: usize) -> Result<Value, Value> {
    Ok(json!({"notices": notices, "suspended": suspended, "left": left}))
}

#[tokio::test]
async fn where_nothing_is_due_a_sweep_costs_a_query_a_shard_and_writes_nothing() {
    let scene = Scene::set(Options::default()).await;
    let tenant = scene.tenant().await;
    scene.provider(tenant, "d-1234567890", 2, 200).await;
    let (said, cost) = scene.costly_sweep(before_end(90).plus_millis(-1)).await;
    assert_eq!(said, swept(0, 0, 0).unwrap());
    assert_eq!((cost.dynamodb_calls, cost.aws_calls), (u64::from(DUE_SHARDS), 0));
    // Half a unit for each query without a result.
    assert!(cost.capacity <= f64::from(DUE_SHARDS) / 2.0, "{cost:?}");
    assert_eq!(scene.told(tenant).await, []);
    // Due providers cost one more read and one more transaction.
    let (said, cost) = scene.costly_sweep(before_end(90)).await;
    assert_eq!(said, swept(1, 0, 0).unwrap());
    assert_eq!(cost.dynamodb_calls, u64::from(DUE_SHARDS) + 2);
}

#[tokio::test]
async fn each_notice_is_told_once_when_it_is_due_and_reaches_the_bus_once() {
    let scene = Scene::set(Options::default()).await;
    let tenant = scene.tenant().await;
    scene.provider(tenant, "d-1234567890", 1, 200).await;
    for (count, days) in THRESHOLDS.into_iter().map(i64::from).enumerate() {
        assert_eq!(scene.sweep(before_end(days).plus_millis(-1)).await, swept(0, 0, 0));
        assert_eq!(scene.sweep(before_end(days)).await, swept(1, 0, 0), "{days}");
        assert_eq!(scene.sweep(before_end(days)).await, swept(0, 0, 0), "{days}");
        assert_eq!(scene.told(tenant).await.len(), count + 1);
    }
    assert_eq!(scene.sweep(before_end(-5000)).await, swept(0, 0, 0));
    assert_eq!(scene.told(tenant).await, THRESHOLDS.map(|days| (u64::from(days), i64::from(days))));

    let records = audit_records(&scene.table, tenant, FUNCTION).await;
    let first = &records[0];
    assert_eq!(first["occurred_at"], json!(before_end(90)));
    assert_eq!((&first["resource_type"], &first["outcome"]), (&json!("idp-certificate"), &json!("allowed")));
    assert_eq!(first["resource_id"], CertificateId::from_random([1; 16]).to_string());
    assert_eq!((&first["actor"]["id"], &first["actor"]["type"]), (&json!(FUNCTION), &json!("system")));
    let after = &first["after"];
    assert_eq!(after["identity_store_id"], "d-1234567890");
    assert_eq!(after["idp_id"], IdentityProviderId::from_random([7; 16]).to_string());
    assert_eq!((&after["idp_enabled"], &after["not_after"]), (&json!(false), &json!("2030-01-01T00:00:00.000Z")));
    assert_eq!(after["fingerprint"].as_str().unwrap().len(), 64);

    scene.world.stack().settle_streams().await;
    assert_eq!(published(scene.world, FUNCTION), records);
}

#[tokio::test]
async fn of_a_certificate_imported_through_the_api_there_is_a_notice_until_it_is_deleted() {
    let scene = Scene::set(Options::default()).await;
    let customer = scene.world.customer().await;
    scene.world.stack().organization().trust_external_id(&customer.external_id);
    go_through(&customer, &scenario("healthy")).await;
    let made = customer.post(IDP, &new_idp(&identity_source::certificate(-1, 100))).await.expect(201);
    let (idp, id) = (made.body["idp_id"].as_str().unwrap(), made.body["idp_certificate_id"].as_str().unwrap());
    let _ = customer.post(&format!("{IDP}/{idp}/enable"), &json!({})).await.expect(200);
    let in_days = |days: i64| Timestamp::now().plus_millis(days * DAY);
    assert_eq!(scene.sweep(in_days(9)).await, swept(0, 0, 0));
    assert_eq!(scene.sweep(in_days(11)).await, swept(1, 0, 0));
    let tenant = TenantId::parse(&customer.tenant).unwrap();
    let records = audit_records(&scene.table, tenant, FUNCTION).await;
    let after = &records[0]["after"];
    assert_eq!((&records[0]["resource_id"], &after["idp_id"]), (&json!(id), &json!(idp)));
    assert_eq!((&after["days_left"], &after["idp_enabled"]), (&json!(89), &json!(true)));
    assert_eq!(
        (&after["identity_store_id"], &after["subject_name"]),
        (&json!("d-1234567890"), &json!("CN=Example IdP"))
    );
    let _ = customer.post(&format!("{IDP}/{idp}/disable"), &json!({})).await.expect(200);
    let _ = customer.delete(&format!("{IDP}/{idp}/certificate/{id}")).await.expect(200);
    assert_eq!(scene.sweep(in_days(400)).await, swept(0, 0, 0));
}

#[tokio::test]
async fn a_late_sweep_tells_all_that_passed_oldest_first_with_the_days_that_are_left() {
    let scene = Scene::set(Options::default()).await;
    let (one, two) = (scene.tenant().await, scene.tenant().await);
    scene.provider(one, "d-1234567890", 1, 100).await;
    scene.provider(two, "d-1234567890", 2, 200).await;
    assert_eq!(scene.sweep(before_end(50)).await, swept(2 + 3, 0, 0));
    assert_eq!(scene.told(one).await, [(90, 50), (60, 50)]);
    assert_eq!(scene.told(two).await, [(90, 50), (90, 70), (60, 50)]);
    assert_eq!(scene.sweep(before_end(-30)).await, swept(6 + 13, 0, 0));
    let late = |days: u64| (days, -30);
    let rest: Vec<_> = [90, 60].map(|days| (days, 50)).into_iter().chain([30, 14, 7, 3, 1, 0].map(late)).collect();
    assert_eq!(scene.told(one).await, rest);
    assert_eq!(scene.sweep(before_end(-30)).await, swept(0, 0, 0));
}

#[tokio::test]
async fn what_was_due_before_the_import_is_not_told() {
    let scene = Scene::set(Options::default()).await;
    let tenant = scene.tenant().await;
    scene.provider(tenant, "d-1234567890", 1, 20).await;
    assert_eq!(scene.sweep(before_end(20)).await, swept(0, 0, 0));
    assert_eq!(scene.sweep(before_end(0)).await, swept(5, 0, 0));
    assert_eq!(scene.told(tenant).await, [14, 7, 3, 1, 0].map(|days| (days, 0)));
}

#[tokio::test]
async fn sweeps_at_the_same_time_tell_each_notice_once() {
    let scene = Scene::set(Options::default()).await;
    let mut tenants = Vec::new();
    for _ in 0..6 {
        let tenant = scene.tenant().await;
        scene.provider(tenant, "d-1234567890", 1, 100).await;
        scene.provider(tenant, "d-0987654321", 1, 100).await;
        tenants.push(tenant);
    }
    let at = before_end(60);
    let said = tokio::join!(scene.sweep(at), scene.sweep(at), scene.sweep(at), scene.sweep(at));
    let said = [said.0, said.1, said.2, said.3].map(Result::unwrap);
    let notices: u64 = said.iter().map(|said| said["notices"].as_u64().unwrap()).sum();
    assert_eq!(notices, 24, "{said:?}");
    for tenant in tenants {
        assert_eq!(scene.told(tenant).await, [(90, 60), (60, 60), (90, 60), (60, 60)]);
    }
    assert_eq!(scene.sweep(at).await, swept(0, 0, 0));
}

#[tokio::test]
async fn a_suspended_tenants_wait_and_keep_nobody_else_waiting() {
    let scene = Scene::set(Options::default()).await;
    let (suspended, served) = (scene.tenant().await, scene.tenant().await);
    scene.provider(suspended, "d-1234567890", 1, 200).await;
    scene.provider(served, "d-1234567890", 1, 100).await;
    let set = async |function: &str| {
        let payload = json!({"tenant_id": suspended, "reason": "unpaid"});
        let _ = scene.world.invoke(function, &payload).await.unwrap();
    };
    set("suspend-tenant").await;
    assert_eq!(scene.sweep(before_end(90)).await, swept(1, 1, 0));
    assert_eq!(scene.told(suspended).await, []);
    set("resume-tenant").await;
    assert_eq!(scene.sweep(before_end(60)).await, swept(3, 0, 0));
    assert_eq!(scene.told(suspended).await, [(90, 60), (60, 60)]);
    assert_eq!(scene.told(served).await, [(90, 90), (60, 60)]);
}

#[tokio::test]
async fn what_goes_wrong_with_one_keeps_none_of_the_others_and_is_the_runs_error() {
    let scene = Scene::set(Options::default()).await;
    let tenant = scene.tenant().await;
    scene.provider(tenant, "d-0000000000", 1, 99).await;
    let broken = part(tenant).identity_provider("d-0000000000");
    let (pk, sk) = (AttributeValue::S(broken.pk().to_owned()), AttributeValue::S(broken.sk().to_owned()));
    let update = hand(scene.world).update_item().table_name(scene.world.stack().table()).key("pk", pk).key("sk", sk);
    update.update_expression("REMOVE settings").send().await.unwrap();
    scene.provider(tenant, "d-1234567890", 1, 100).await;
    for told in [1, 1] {
        let error = scene.sweep(before_end(90)).await.unwrap_err();
        assert!(error["errorMessage"].as_str().unwrap().starts_with("1 failed of what was due"), "{error}");
        assert_eq!(scene.told(tenant).await.len(), told);
    }
}

#[tokio::test]
async fn a_sweep_that_runs_out_of_time_says_what_is_left() {
    let template = changed_template("Timeout: 120", "Timeout: 20");
    let scene = Scene::set(Options { template: Some(template), ..Options::default() }).await;
    let tenant = scene.tenant().await;
    for store in ["d-1234567890", "d-0987654321"] {
        scene.provider(tenant, store, 1, 100).await;
    }
    assert_eq!(scene.sweep(before_end(90)).await, swept(0, 0, 2));
    assert_eq!(scene.told(tenant).await, []);
}
