//! Tests of authorisation servers and of identity providers: the reports, and `check-health`, which repeats them daily. Each
//! test has its own stack with the demonstration provider, which fails and rotates by command.

use serde_json::{Value, json};
use trustplane_domain::Timestamp;
use trustplane_domain::ids::TenantId;
use trustplane_domain::timestamp::DAY;
use trustplane_end_to_end::{Customer, Reply, World};
use trustplane_local::Options;
use trustplane_local::http::Method;

use crate::domains::{Domains, naming};
use crate::identity_source::{IDP, certificate, go_through, import, scenario};
use crate::table::{audit_records, own_world, table};

const FUNCTION: &str = "check-health";

struct Scene {
    world: &'static World,
    issuer: String,
    start: Timestamp,
}

impl Scene {
    fn set() -> Self {
        let world = own_world(Options { identity_provider: Some(0), ..Options::default() });
        let issuer = world.stack().identity_provider().unwrap().issuer();
        Self { world, issuer, start: Timestamp::now() }
    }

    /// Gives the demonstration provider a command.
    async fn command(&self, command: &str) {
        let path = format!("/_idp/{command}");
        let reply = self.world.stack().request(Method::POST, &path, &[], "").await.unwrap();
        assert_eq!(reply.status, 200, "{}", reply.text());
    }

    /// Runs a sweep on this day after the start, late enough for every repetition. Returns the number of tests.
    async fn sweep(&self, day: i64) -> u64 {
        let at = self.start.plus_millis(day * DAY + day * DAY / 8);
        let event = json!({"detail-type": "Scheduled Event", "source": "aws.events", "time": at, "detail": {}});
        let swept = self.world.invoke(FUNCTION, &event).await.unwrap();
        assert_eq!((&swept["suspended"], &swept["left"]), (&json!(0), &json!(0)));
        swept["tested"].as_u64().unwrap()
    }

    fn server(&self) -> Value {
        json!({
            "CustomerFriendlyName": "Acme",
            "Issuer": self.issuer,
            "OpenIDDiscoveryDocument": format!("{}/.well-known/openid-configuration", self.issuer),
        })
    }

    /// Events of the sweep's records, with the checks that failed.
    async fn reported(&self, customer: &Customer) -> Vec<(Value, Value)> {
        let records = audit_records(&table(self.world), TenantId::parse(&customer.tenant).unwrap(), FUNCTION).await;
        records.iter().map(|record| (record["after"]["events"].clone(), record["after"]["failed"].clone())).collect()
    }
}

/// Checks of a report that did not pass.
fn others<'a>(reply: &'a Reply, checks: &str, id: &str, status: &str) -> Vec<(&'a str, &'a str)> {
    let checks = reply.body[checks].as_array().unwrap();
    assert_eq!(checks.len(), 7, "{}", reply.text);
    let named = checks.iter().map(|check| (check[id].as_str().unwrap(), check[status].as_str().unwrap()));
    named.filter(|(_, status)| *status != "pass").collect()
}

fn of_server(reply: &Reply) -> Vec<(&str, &str)> {
    others(reply, "Checks", "Id", "Status")
}

fn of_provider(reply: &Reply) -> Vec<(&str, &str)> {
    others(reply, "checks", "id", "status")
}

#[tokio::test]
async fn an_authorisation_server_is_tested_by_its_documents() {
    let scene = Scene::set();
    let domains = Domains::of(scene.world, scene.world.customer().await).await;
    let customer = domains.customer();
    let server = domains.versions.directory.server.clone();
    let path = format!("{server}/test");
    let _ = customer.get(&path).await.expect(404);
    // Nothing to fetch yet.
    let _ = customer.post(&path, &json!({})).await.expect(409);
    let _ = customer.put(&server, &scene.server()).await.expect(200);
    let _ = customer.get(&path).await.expect(404);
    let passed = customer.post(&path, &json!({})).await.expect(200);
    assert_eq!((&passed.body["Success"], of_server(&passed)), (&json!(true), vec![]), "{}", passed.text);
    // One read, the budget, one write.
    assert_eq!(customer.cost(&passed).await.dynamodb_round_trips, 3);
    let shown = customer.send(customer.request_as(&customer.viewer, "GET", &path)).await.expect(200);
    assert_eq!(shown.body, passed.body);
    let _ = customer.send(customer.request_as(&customer.viewer, "POST", &path)).await.expect(403);
    let stranger = scene.world.customer().await;
    let _ = stranger.get(&path).await.expect(404);
    let _ = stranger.post(&path, &json!({})).await.expect(404);

    scene.command("fail").await;
    let failed = customer.post(&path, &json!({})).await.expect(200);
    assert_eq!(of_server(&failed)[0], ("discovery_reachable", "fail"), "{}", failed.text);
    assert_eq!(failed.body["Success"], false);
    scene.command("recover").await;
    // A report is one of the description that was tested.
    let mut other = scene.server();
    other["Issuer"] = json!(format!("{}/", scene.issuer));
    let _ = customer.put(&server, &other).await.expect(200);
    let _ = customer.get(&path).await.expect(404);
    let failed = customer.post(&path, &json!({})).await.expect(200);
    assert_eq!(of_server(&failed), [("issuer_match", "fail")]);
    let (table, tenant) = (table(scene.world), TenantId::parse(&customer.tenant).unwrap());
    let records = audit_records(&table, tenant, "test-authorisation-server").await;
    assert_eq!((records.len(), &records[2]["after"]["failed"]), (3, &json!(["issuer_match"])));
}

#[tokio::test]
async fn a_server_in_use_is_tested_daily_and_changes_are_reported_once() {
    let scene = Scene::set();
    let domains = Domains::of(scene.world, scene.world.customer().await).await;
    let customer = domains.customer();
    let server = domains.versions.directory.server.clone();
    let _ = customer.put(&server, &scene.server()).await.expect(200);
    // Without an active configuration there is nothing to test.
    assert_eq!((scene.sweep(0).await, scene.sweep(1).await), (0, 0));
    let (_, active) = domains.activate(&naming(&["*"], &[])).await;
    let _ = active.expect(200);
    assert_eq!((scene.sweep(2).await, scene.sweep(2).await), (1, 0));
    let _ = customer.get(&format!("{server}/test")).await.expect(200);
    scene.command("replace-keys").await;
    assert_eq!(scene.sweep(3).await, 1);
    scene.command("fail").await;
    assert_eq!((scene.sweep(4).await, scene.sweep(5).await), (1, 1));
    scene.command("recover").await;
    assert_eq!((scene.sweep(6).await, scene.sweep(7).await), (1, 1));
    let changed = json!(["outcome_changed"]);
    let expected = vec![
        (json!(["all_keys_changed"]), json!([])),
        (changed.clone(), json!(["discovery_reachable"])),
        (changed, json!([])),
    ];
    // The sweep's clock is days ahead of the server's: a warning, which changes no outcome.
    assert_eq!(scene.reported(customer).await, expected);
}

#[tokio::test]
async fn an_identity_provider_is_tested_on_request_and_daily_while_it_is_enabled() {
    let scene = Scene::set();
    let customer = scene.world.customer().await;
    scene.world.stack().organization().trust_external_id(&customer.external_id);
    go_through(&customer, &scenario("healthy")).await;
    let url = format!("{}/metadata", scene.issuer);
    let made = customer.post(IDP, &json!({"idp_saml_metadata_url": url})).await.expect(201);
    let provider = format!("{IDP}/{}", made.body["idp_id"].as_str().unwrap());
    let path = format!("{provider}/test");
    let _ = customer.get(&path).await.refused(404, "IIC.404");
    let passed = customer.post(&path, &json!({})).await.expect(200);
    assert_eq!((&passed.body["success"], of_provider(&passed)), (&json!(true), vec![]), "{}", passed.text);
    assert_eq!(customer.cost(&passed).await.dynamodb_round_trips, 3);
    let shown = customer.send(customer.request_as(&customer.viewer, "GET", &path)).await.expect(200);
    assert_eq!(shown.body, passed.body);
    let _ = customer.send(customer.request_as(&customer.viewer, "POST", &path)).await.refused(403, "IIC.1000");
    let _ = customer.post(&format!("{IDP}/nobody/test"), &json!({})).await.refused(404, "IIC.404");

    // Disabled, it is not repeated.
    assert_eq!(scene.sweep(2).await, 0);
    let _ = customer.post(&format!("{provider}/enable"), &Value::Null).await.expect(200);
    assert_eq!(scene.sweep(4).await, 1);
    scene.command("move").await;
    let moved = customer.post(&path, &json!({})).await.expect(200);
    assert_eq!(of_provider(&moved), [("settings_match", "fail")]);
    scene.command("replace-keys").await;
    assert_eq!(scene.sweep(6).await, 1);
    assert_eq!(scene.reported(&customer).await, [(json!(["outcome_changed"]), json!(["metadata", "settings_match"]))]);
    scene.command("fail").await;
    let failed = customer.post(&path, &json!({})).await.expect(200);
    assert_eq!(of_provider(&failed)[0], ("metadata", "fail"));
    // A test reads what a refresh would do, and changes nothing of the provider.
    let listed = customer.get(IDP).await.expect(200);
    assert_eq!(listed.body["associations"][0]["metadata_status"], "current");
    // An imported certificate is not the document's.
    let _ = customer.post(&format!("{provider}/certificate"), &import(&certificate(-1, 10))).await.expect(200);
    let _ = customer.post(&format!("{provider}/disable"), &Value::Null).await.expect(200);
    let _ = customer.delete(&provider).await.expect(200);
    assert_eq!(scene.sweep(8).await, 0);
}
