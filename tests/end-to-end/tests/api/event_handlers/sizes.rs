//! The cost of each sweep, with something due among 1, 20 and 200 things that are not: it reads only what is due.
//!
//! `verify-audit-logs` has no due list: it reads the list of all tenants, and verifies a part of them each hour.

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use trustplane_domain::Timestamp;
use trustplane_domain::timestamp::{DAY, MINUTE};
use trustplane_end_to_end::{Customer, World};
use trustplane_runtime::{Permission, functions};
use trustplane_store::keys::{DUE_SHARDS, due_partition};

use super::{days, deleted, quiet_world, saved_policy, scheduled, with_store};
use crate::connection_checks::tested;
use crate::domains::{Domains, naming, own};
use crate::identity_center::{CONFIG, config, inventory};
use crate::identity_source::metadata_server::{MetadataServer, document};
use crate::identity_source::{IDP, certificate, new_idp};
use crate::table::hand;
use crate::webhooks::{Receiver, create};

/// Things on the due list that are not due.
const SIZES: [usize; 3] = [1, 20, 200];

/// Something that is due again and again.
enum Due {
    /// On these days.
    On(Customer, Vec<i64>),
    /// A domain, each day.
    Domain(Domains),
    /// A provider that follows a metadata URL, each day.
    Metadata(Customer, MetadataServer),
    /// An inventory, when it is requested.
    Inventory(Customer),
    /// A new tenant, whose waiting period is over; this one waits longer.
    Tenant(Customer),
    /// A delivery of a new event, whose first attempts fail.
    Delivery(Customer, Receiver),
}

impl Due {
    /// Makes it due, the first times to warm up: a first run may have more to do. Returns the event for the handler.
    async fn again(&self, world: &'static World, time: usize) -> Value {
        let day = i64::try_from(time).unwrap() + 1;
        match self {
            Self::On(_, on) => scheduled(days(on[time])),
            Self::Domain(_) => scheduled(days(day).plus_millis(day * MINUTE)),
            Self::Metadata(_, server) => {
                // One request for each time before: by the creation, and by each refresh.
                assert_eq!(server.requests().len(), 1);
                scheduled(days(day).plus_millis(day * MINUTE))
            }
            Self::Inventory(customer) => {
                let _ = customer.send(customer.request("POST", inventory::SYNC)).await.expect(202);
                scheduled(Timestamp::now().plus_millis(5 * MINUTE))
            }
            Self::Tenant(_) => {
                deleted(world, &world.customer().await, 30).await;
                scheduled(days(31))
            }
            Self::Delivery(customer, receiver) => {
                let (_, event) = saved_policy(customer, world, &format!("policy-{time}")).await;
                receiver.answer(500);
                assert_eq!(world.invoke("deliver-webhooks", &event).await, Ok(json!({"deliveries": 1})));
                receiver.answer(204);
                scheduled(Timestamp::now().plus_millis(2 * MINUTE))
            }
        }
    }

    fn customer(&self) -> &Customer {
        match self {
            Self::On(customer, _)
            | Self::Metadata(customer, _)
            | Self::Inventory(customer)
            | Self::Tenant(customer)
            | Self::Delivery(customer, _) => customer,
            Self::Domain(domains) => domains.customer(),
        }
    }

    /// Sets the scene of a sweep.
    async fn set(world: &'static World, function: &str) -> Self {
        match function {
            "notify-expiring-certificates" => {
                let customer = with_store(world).await;
                let _ = customer.post(IDP, &new_idp(&certificate(-1, 100))).await.expect(201);
                // The notices of 90, 60, 30, 14 and 7 days.
                Self::On(customer, vec![11, 41, 71, 87, 94])
            }
            "notify-expiring-keys" => {
                let customer = world.customer().await;
                let key = json!({"name": "deploy", "roles": ["viewer"], "expires_at": days(80)});
                let _ = customer.post("/v1/api-keys", &key).await.expect(201);
                // The notices of 30, 14 and 7 days; at first there is none.
                Self::On(customer, vec![1, 2, 51, 67, 74])
            }
            "check-connections" => Self::On(tested(world).await.0, vec![2, 4, 6, 8, 10]),
            "check-domains" => {
                let domains = Domains::of(world, world.customer().await).await;
                let domain = own(domains.customer(), "acme");
                let _ = domains.versions.submit(&naming(&[&domain], &[])).await;
                domains.prove(&domain).await;
                Self::Domain(domains)
            }
            "check-health" => {
                let customer = with_store(world).await;
                let url = format!("{}/metadata", world.stack().identity_provider().unwrap().issuer());
                let made = customer.post(IDP, &json!({"idp_saml_metadata_url": url})).await.expect(201);
                let enable = format!("{IDP}/{}/enable", made.body["idp_id"].as_str().unwrap());
                let _ = customer.post(&enable, &Value::Null).await.expect(200);
                Self::On(customer, vec![2, 4, 6, 8, 10])
            }
            "refresh-metadata" => {
                let customer = with_store(world).await;
                let server = MetadataServer::start(world).await;
                server.serve(&document(&[&certificate(-1, 1_000)]));
                let body = json!({"idp_saml_metadata_url": server.url(), "metadata_trust": "tls"});
                let made = customer.post(IDP, &body).await.expect(201);
                let enable = format!("{IDP}/{}/enable", made.body["idp_id"].as_str().unwrap());
                let _ = customer.post(&enable, &Value::Null).await.expect(200);
                Self::Metadata(customer, server)
            }
            "sync-organizations" => {
                let customer = world.customer().await;
                let account = trustplane_organization::MANAGEMENT_ACCOUNT;
                let role = format!("arn:aws:iam::{account}:role/own/{}", customer.tenant);
                world.stack().organization().trust_role(&role, &[&customer.external_id]);
                let _ = customer.put(CONFIG, &config(&role)).await.expect(200);
                Self::Inventory(customer)
            }
            "erase-tenants" => {
                let customer = world.customer().await;
                deleted(world, &customer, 365).await;
                Self::Tenant(customer)
            }
            "retry-webhooks" => {
                let customer = world.customer().await;
                let receiver = Receiver::start(world).await;
                let _ = create(&customer, &receiver.url("/"), &["policy.saved"]).await;
                Self::Delivery(customer, receiver)
            }
            other => panic!("`{other}` has no scene: add one, and a test of it"),
        }
    }
}

/// Puts copies of the due item of a tenant on its due list, at a time that does not come: `from` to `to`, of other tenants.
async fn add(world: &World, list: &str, tenant: &str, numbers: std::ops::Range<usize>) {
    let (hand, table) = (hand(world), world.stack().table());
    let mut found = None;
    for shard in 0..DUE_SHARDS {
        let query = hand.query().table_name(table).index_name("GSI1").key_condition_expression("due_pk = :list");
        let partition = AttributeValue::S(due_partition(list, shard));
        let due = query.expression_attribute_values(":list", partition).send().await.unwrap().items.unwrap();
        found = found.or(due.into_iter().find(|item| item["pk"].as_s().unwrap().contains(tenant)));
    }
    let found = found.unwrap_or_else(|| panic!("nothing of the tenant is on the due list `{list}`"));
    let key = ["pk", "sk"].map(|name| (name.to_owned(), found[name].clone()));
    let item = hand.get_item().table_name(table).set_key(Some(key.into())).send().await.unwrap().item.unwrap();
    let never = Timestamp::now().plus_millis(36_500 * DAY);
    for number in numbers {
        let mut copy = item.clone();
        let (pk, sk) = (format!("TENANT#{number:08}-0000-4000-8000-000000000000"), "COPY".to_owned());
        let shard = u8::try_from(number % usize::from(DUE_SHARDS)).unwrap();
        let texts =
            [("due_pk", due_partition(list, shard)), ("due_sk", format!("{never}#{pk}#{sk}")), ("pk", pk), ("sk", sk)];
        copy.extend(texts.map(|(name, text)| (name.to_owned(), AttributeValue::S(text))));
        let _ = hand.put_item().table_name(table).set_item(Some(copy)).send().await.unwrap();
    }
}

/// Measures a sweep at each size, after two runs without a measurement.
async fn measure(function: &str, list: &str) {
    let world = quiet_world();
    let due = Due::set(world, function).await;
    let mut costs = Vec::new();
    let mut there = 0;
    let warm_up = 2;
    for time in 0..warm_up + SIZES.len() {
        let event = due.again(world, time).await;
        if let Some(size) = time.checked_sub(warm_up).map(|index| SIZES[index]) {
            add(world, list, &due.customer().tenant, there..size).await;
            there = size;
        }
        let outcome = world.stack().invoke(function, &event).await.unwrap();
        let text = String::from_utf8_lossy(&outcome.payload).into_owned();
        assert!(!outcome.failed, "{text}");
        let cost = world.cost(&outcome.request_id).await;
        println!("{function}, {there} not due: {cost:?} {text}");
        if time >= warm_up {
            costs.push((cost.dynamodb_calls, cost.capacity, text));
        }
    }
    // Something was due each time: there are more calls than one per part of a due list, and a write.
    assert!(costs[0].0 > u64::from(DUE_SHARDS) + 1, "{costs:?}");
    assert!(costs.iter().all(|cost| *cost == costs[0]), "{costs:?}");
}

/// One test for each sweep.
macro_rules! measure {
    ($($test:ident: $function:literal, $list:literal),+ $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                measure($function, $list).await;
            }
        )+

        #[test]
        fn every_sweep_is_measured() {
            let mut measured = vec![$($function),+];
            measured.dedup();
            let sweeps = functions().filter(|function| function.permissions.contains(&Permission::Due));
            let mut sweeps: Vec<&str> = sweeps.map(|function| function.name).collect();
            sweeps.sort_unstable();
            assert_eq!(measured, sweeps);
        }
    };
}

measure! {
    check_connections: "check-connections", "connection",
    check_domains: "check-domains", "domain",
    check_health: "check-health", "health",
    erase_tenants: "erase-tenants", "deletion",
    notify_expiring_certificates: "notify-expiring-certificates", "certificate",
    notify_expiring_keys: "notify-expiring-keys", "credential",
    refresh_metadata: "refresh-metadata", "certificate",
    retry_webhooks: "retry-webhooks", "delivery",
    sync_organizations: "sync-organizations", "sync",
}
