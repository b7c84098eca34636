//! Tests of all event handlers, by one table: a scene for each, in which one thing is due.

mod events;
mod sizes;

use std::any::Any;

use serde_json::{Value, json};
use trustplane_domain::Timestamp;
use trustplane_domain::ids::TenantId;
use trustplane_domain::timestamp::{DAY, MINUTE};
use trustplane_end_to_end::{Customer, World};
use trustplane_local::Options;
use trustplane_local::dns::Answer;
use trustplane_local::http::Method;

use crate::audit_chain::{Log, brought, text};
use crate::connection_checks::tested;
use crate::domains::{Domains, naming, own};
use crate::identity_center::{CONFIG, config, inventory};
use crate::identity_source::metadata_server::{MetadataServer, document};
use crate::identity_source::{IDP, certificate, go_through, new_idp, scenario};
use crate::table::{audit_records, hand, table};
use crate::webhooks::{Receiver, create, deliveries, path, save_policy};

/// Something that is due, with what a handler does about it.
struct Scene {
    world: &'static World,
    tenant: TenantId,
    /// The event that has the effect.
    event: Value,
    effect: Effect,
    /// Number of effects of the event.
    expected: usize,
    /// Servers and others that the handler needs.
    _kept: Box<dyn Any>,
}

/// The effect of a handler.
enum Effect {
    /// Audit records of this action.
    Records(&'static str),
    /// The inventory is read.
    Inventory(Customer),
    /// Events on the bus.
    Events(Vec<String>),
    /// Deliveries of this webhook, those of one status alone if it is given.
    Deliveries(Customer, String, Option<&'static str>),
    /// None: the handler only reads.
    Nothing,
}

/// An event of the schedule.
fn scheduled(at: Timestamp) -> Value {
    json!({"detail-type": "Scheduled Event", "source": "aws.events", "time": at, "detail": {}})
}

fn days(days: i64) -> Timestamp {
    Timestamp::now().plus_millis(days * DAY)
}

fn tenant_of(customer: &Customer) -> TenantId {
    TenantId::parse(&customer.tenant).unwrap()
}

/// A stack whose stream invokes nothing: each handler gets the events of its test alone.
fn quiet_world() -> &'static World {
    // Never dropped, because a test cannot drop another runtime in its own thread.
    Box::leak(Box::new(World::start(Options { identity_provider: Some(0), ..Options::default() })))
}

/// Plans the deletion of a tenant.
async fn deleted(world: &World, customer: &Customer, waiting_days: u64) {
    let wanted = json!({"tenant_id": customer.tenant, "reason": "left", "waiting_days": waiting_days});
    let _ = world.invoke("delete-tenant", &wanted).await.unwrap();
}

/// A customer with an identity store.
async fn with_store(world: &'static World) -> Customer {
    let customer = world.customer().await;
    world.stack().organization().trust_external_id(&customer.external_id);
    go_through(&customer, &scenario("healthy")).await;
    customer
}

/// Gives the demonstration provider a command.
async fn command(world: &World, command: &str) {
    let reply = world.stack().request(Method::POST, &format!("/_idp/{command}"), &[], "").await.unwrap();
    assert_eq!(reply.status, 200, "{}", reply.text());
}

/// The audit record of a saved policy, as an item and as an event of the bus.
async fn saved_policy(customer: &Customer, world: &'static World, id: &str) -> (crate::audit_chain::Item, Value) {
    save_policy(customer, id).await;
    let log = Log { world, tenant: customer.tenant.clone(), hand: hand(world) };
    let item = log.items("AUDIT").await.pop().unwrap();
    let detail: Value = serde_json::from_str(&text(&item, "record")).unwrap();
    assert_eq!((&detail["action"], &detail["resource_id"]), (&json!("put-policy"), &json!(id)));
    (item, json!({"source": "trustplane", "detail-type": "policy.saved", "detail": detail}))
}

impl Scene {
    /// Sets the scene of a handler in a quiet world. `number` counts the scenes of the world.
    async fn set(world: &'static World, function: &str, number: i64) -> Self {
        let scene = |customer: Customer, at: Timestamp, action: &'static str, kept: Box<dyn Any>| Self {
            world,
            tenant: tenant_of(&customer),
            event: scheduled(at),
            effect: Effect::Records(action),
            expected: 1,
            _kept: kept,
        };
        match function {
            "notify-expiring-certificates" => {
                let customer = with_store(world).await;
                let _ = customer.post(IDP, &new_idp(&certificate(-1, 100))).await.expect(201);
                scene(customer, days(11), "notify-expiring-certificates", Box::new(()))
            }
            "notify-expiring-keys" => {
                let customer = world.customer().await;
                let key = json!({"name": "deploy", "roles": ["viewer"], "expires_at": days(40)});
                let _ = customer.post("/v1/api-keys", &key).await.expect(201);
                scene(customer, days(11), "notify-expiring-keys", Box::new(()))
            }
            "check-connections" => {
                let (customer, role) = tested(world).await;
                // The role no longer trusts the platform.
                world.stack().organization().trust_role(&role, &[]);
                scene(customer, days(2), "check-connections", Box::new(()))
            }
            "check-domains" => {
                let domains = Domains::of(world, world.customer().await).await;
                let domain = own(domains.customer(), "waiting");
                let _ = domains.versions.submit(&naming(&[], &[&domain])).await;
                domains.answer(&domain, Answer::Texts(Vec::new())).await;
                let tenant = tenant_of(domains.customer());
                let effect = Effect::Records("check-domains");
                let event = scheduled(days(24));
                Self { world, tenant, event, effect, expected: 1, _kept: Box::new(domains) }
            }
            "refresh-metadata" => {
                let customer = with_store(world).await;
                let server = MetadataServer::start(world).await;
                let old = certificate(-1, 100);
                server.serve(&document(&[&old]));
                let body = json!({"idp_saml_metadata_url": server.url(), "metadata_trust": "tls"});
                let made = customer.post(IDP, &body).await.expect(201);
                let enable = format!("{IDP}/{}/enable", made.body["idp_id"].as_str().unwrap());
                let _ = customer.post(&enable, &Value::Null).await.expect(200);
                server.serve(&document(&[&old, &certificate(-1, 100)]));
                scene(customer, days(1), "refresh-external-idp", Box::new(server))
            }
            "check-health" => {
                command(world, "recover").await;
                let customer = with_store(world).await;
                let url = format!("{}/metadata", world.stack().identity_provider().unwrap().issuer());
                let made = customer.post(IDP, &json!({"idp_saml_metadata_url": url})).await.expect(201);
                let enable = format!("{IDP}/{}/enable", made.body["idp_id"].as_str().unwrap());
                let _ = customer.post(&enable, &Value::Null).await.expect(200);
                // The first test has nothing to compare with.
                let _ = world.invoke(function, &scheduled(days(2 + number * 10))).await.unwrap();
                command(world, "fail").await;
                scene(customer, days(4 + number * 10), "check-health", Box::new(()))
            }
            "sync-organizations" => {
                let customer = world.customer().await;
                let role = format!(
                    "arn:aws:iam::{}:role/own/{}",
                    trustplane_organization::MANAGEMENT_ACCOUNT,
                    customer.tenant
                );
                world.stack().organization().trust_role(&role, &[&customer.external_id]);
                let _ = customer.put(CONFIG, &config(&role)).await.expect(200);
                let _ = customer.send(customer.request("POST", inventory::SYNC)).await.expect(202);
                let (tenant, event) = (tenant_of(&customer), scheduled(Timestamp::now().plus_millis(5 * MINUTE)));
                Self { world, tenant, event, effect: Effect::Inventory(customer), expected: 1, _kept: Box::new(()) }
            }
            "publish-audit" => {
                let customer = world.customer().await;
                let mut items = Vec::new();
                for id in ["one", "two", "three"] {
                    items.push(saved_policy(&customer, world, id).await.0);
                }
                let ids = items.iter().map(|item| text(item, "sk")).collect();
                let event = brought(&items, &[0, 1, 2]);
                let (tenant, effect) = (tenant_of(&customer), Effect::Events(ids));
                Self { world, tenant, event, effect, expected: 3, _kept: Box::new(()) }
            }
            "deliver-webhooks" | "retry-webhooks" => {
                let customer = world.customer().await;
                let receiver = Receiver::start(world).await;
                let webhook = path(&create(&customer, &receiver.url("/"), &["policy.saved"]).await);
                let (_, mut event) = saved_policy(&customer, world, "mine").await;
                let mut status = None;
                if function == "retry-webhooks" {
                    receiver.answer(500);
                    assert_eq!(world.invoke("deliver-webhooks", &event).await, Ok(json!({"deliveries": 1})));
                    receiver.answer(204);
                    (event, status) = (scheduled(Timestamp::now().plus_millis(2 * MINUTE)), Some("succeeded"));
                }
                let (tenant, effect) = (tenant_of(&customer), Effect::Deliveries(customer, webhook, status));
                Self { world, tenant, event, effect, expected: 1, _kept: Box::new(receiver) }
            }
            "erase-tenants" => {
                let customer = world.customer().await;
                deleted(world, &customer, 30).await;
                // The deletion begins, and all but the audit log is deleted.
                Self { expected: 2, ..scene(customer, days(31), "erase-tenants", Box::new(())) }
            }
            "verify-audit-logs" => {
                let customer = world.customer().await;
                let (tenant, event) = (tenant_of(&customer), scheduled(days(1)));
                Self { world, tenant, event, effect: Effect::Nothing, expected: 0, _kept: Box::new(customer) }
            }
            other => panic!("`{other}` has no scene: add one, and a test of it"),
        }
    }

    /// The effects so far, each as a text that tells it from others.
    async fn effects(&self) -> Vec<String> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        match &self.effect {
            Effect::Records(action) => {
                let records = audit_records(&table(self.world), self.tenant, action).await;
                records.iter().map(|record| text(&record["id"])).collect()
            }
            Effect::Inventory(customer) => {
                let shown = customer.get(inventory::ACCOUNTS).await.expect(200).body;
                let is_read = shown["sync_status"] == "done";
                assert!(!is_read || shown["data"].as_array().unwrap().len() == 6, "{shown}");
                is_read.then(|| text(&shown["last_synced_at"])).into_iter().collect()
            }
            Effect::Events(ids) => {
                let events = self.world.stack().events();
                let ids = ids.iter().filter(|id| events.iter().any(|event| event["detail"]["id"] == id.as_str()));
                ids.cloned().collect()
            }
            Effect::Deliveries(customer, webhook, status) => {
                let found = deliveries(customer, webhook).await;
                let found = found.iter().filter(|one| status.is_none_or(|status| one["status"] == status));
                found.map(|one| text(&one["id"])).collect()
            }
            Effect::Nothing => Vec::new(),
        }
    }
}
