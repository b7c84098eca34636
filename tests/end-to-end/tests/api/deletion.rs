//! Tests of `delete-tenant` and `erase-tenants`: waiting period, resumption, runs that end in the middle, and a table with
//! nothing of the tenant in it.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use trustplane_domain::Timestamp;
use trustplane_domain::arn::RoleArn;
use trustplane_domain::audit_chain::ids_at;
use trustplane_domain::connection::RoleClaim;
use trustplane_domain::directory::domain_name::DomainName;
use trustplane_domain::directory::ids::SsoConfigurationId;
use trustplane_domain::ids::TenantId;
use trustplane_domain::timestamp::DAY;
use trustplane_domain::webhook::{Delivery, DeliveryId, WebhookId};
use trustplane_end_to_end::{Customer, Fault, Times, World, world};
use trustplane_local::{Options, wait};
use trustplane_store::{Count, DomainClaim, Writes};

use crate::directory::{Directory, configuration};
use crate::faults::broken_world;
use crate::table::{hand, own_world, part, table, write};

const WHOAMI: &str = "/v1/whoami";

/// Runs the schedule as if so many days had passed.
async fn erase(world: &World, days: i64) -> Value {
    world.invoke("erase-tenants", &event(days)).await.unwrap()
}

fn event(days: i64) -> Value {
    let time = Timestamp::now().plus_millis(days * DAY);
    json!({"source": "aws.events", "detail-type": "Scheduled Event", "time": time, "detail": {}})
}

async fn delete(world: &World, tenant: &str) -> Value {
    world.invoke("delete-tenant", &json!({"tenant_id": tenant, "reason": "left"})).await.unwrap()
}

/// The attributes as a text that depends on nothing else: in the order of their names, at all levels.
fn sorted(attributes: &HashMap<String, AttributeValue>) -> String {
    let text = |value: &AttributeValue| match value {
        AttributeValue::M(inner) => sorted(inner),
        AttributeValue::L(items) => {
            let items = items.iter().map(|item| item.as_m().map_or_else(|_| format!("{item:?}"), sorted));
            items.collect::<Vec<_>>().join(",")
        }
        other => format!("{other:?}"),
    };
    let sorted: BTreeMap<&String, String> = attributes.iter().map(|(name, value)| (name, text(value))).collect();
    format!("{sorted:?}")
}

/// Returns the items of the table that mention a text, by their keys.
async fn items_with(world: &World, text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut start = None;
    loop {
        let page = hand(world).scan().table_name(world.stack().table()).set_exclusive_start_key(start).send().await;
        let page = page.unwrap();
        for item in page.items() {
            let whole = sorted(item);
            if whole.contains(text) {
                let key = |name| item[name].as_s().unwrap().clone();
                found.insert(format!("{}/{}", key("pk"), key("sk")), whole);
            }
        }
        start = page.last_evaluated_key.filter(|key| !key.is_empty());
        if start.is_none() {
            return found;
        }
    }
}

/// Returns the items that only a request or a schedule changes: without deliveries, which follow the suspension.
async fn kept(world: &World, tenant: &str) -> BTreeMap<String, String> {
    let mut items = items_with(world, tenant).await;
    items.retain(|key, _| !key.contains("WEBHOOK#") && !key.contains("#DELIVERY#"));
    items
}

/// Creates a webhook with a delivery. Returns its path.
async fn webhook(world: &World, customer: &Customer) -> String {
    let wanted = json!({"url": "https://hooks.localhost:1/", "events": ["tenant.suspended"]});
    let made = customer.post("/v1/webhooks", &wanted).await.expect(201);
    let id = made.body["id"].as_str().unwrap();
    let (webhook, at) = (WebhookId::parse(id).unwrap(), Timestamp::now());
    let delivery = DeliveryId::parse(&ids_at(at).0).unwrap();
    let keys = part(TenantId::parse(&customer.tenant).unwrap());
    let key = keys.delivery(webhook, &delivery);
    let delivery = Delivery::new(delivery, webhook, "policy.saved", at, at.plus_millis(DAY));
    write(&table(world), keys.id(), Writes::new().create(&key, &delivery)).await;
    format!("/v1/webhooks/{id}")
}

fn with_suffix(suffix: &str) -> Value {
    let mut body = configuration();
    body["RedirectUriSuffix"] = json!(suffix);
    body
}

/// Removes the attributes that list a claim, as earlier releases did not write them.
async fn as_before_lists(world: &World, key: &str) {
    let (pk, sk) = key.rsplit_once('/').unwrap();
    let update = hand(world).update_item().table_name(world.stack().table()).update_expression("REMOVE due_pk, due_sk");
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let _ = update.key("pk", text(pk)).key("sk", text(sk)).send().await.unwrap();
}

/// Gives a customer items of many kinds in all of its partitions, and claims of all kinds. Returns the suffixes of its
/// redirect URIs, of which a deleted configuration has the second.
async fn furnish(world: &World, directory: &Directory) -> [String; 2] {
    let customer = &directory.customer;
    let suffixes = ["kept", "given-up"].map(|word| format!("{word}-{}", &customer.tenant[..8]));
    for suffix in &suffixes {
        let made = customer.post(&directory.configurations(), &with_suffix(suffix)).await.expect(201);
        if *suffix == suffixes[1] {
            let path = format!("{}/{}", directory.configurations(), made.body["ID"].as_str().unwrap());
            let _ = customer.delete(&path).await.expect(204);
        }
    }
    let kept = webhook(world, customer).await;
    let _ = customer.get(&format!("{kept}/deliveries")).await.expect(200);
    let gone = webhook(world, customer).await;
    let _ = customer.delete(&gone).await.expect(204);
    let denied = customer.request_as(&customer.viewer, "DELETE", &kept);
    let _ = customer.send(denied).await.expect(403);
    let retried = customer.request("POST", "/v1/api-keys").header("idempotency-key", "one");
    let _ = customer.send(retried.json(&json!({"name": "x", "roles": ["viewer"]}))).await.expect(201);
    let policy = json!({"text": "permit (principal, action, resource) when { false };", "enabled": true});
    let _ = customer.put("/v1/policies/never", &policy).await.expect(200);
    let keys = part(TenantId::parse(&customer.tenant).unwrap());
    let (tenant_id, configuration_id) = (keys.id(), SsoConfigurationId::new(Timestamp::now(), [1; 10]));
    let domain = DomainName::parse(&format!("{}.example", &customer.tenant[..8])).unwrap();
    let role = RoleArn::parse(&format!("arn:aws:iam::123456789012:role/{}", customer.tenant)).unwrap();
    let claims = Writes::new()
        .claim(&keys.domain_claim(&domain), &DomainClaim { tenant_id, configuration_id })
        .claim(&keys.role_claim(&role), &RoleClaim { tenant_id, claimed_at: Timestamp::now() });
    write(&table(world), tenant_id, claims).await;
    suffixes
}

#[tokio::test]
async fn everything_of_a_tenant_is_deleted_after_the_waiting_period_and_nothing_of_others() {
    let world = own_world(Options::default());
    let directory = Directory::of(world.customer().await).await;
    let suffixes = furnish(world, &directory).await;
    let (customer, other) = (&directory.customer, Directory::of(world.customer().await).await);
    let _ = furnish(world, &other).await;
    let tenant = customer.tenant.clone();
    // The claim of the first configuration, as an earlier release wrote it.
    let claims = items_with(world, &tenant).await.into_keys().filter(|key| key.ends_with("/CLAIM"));
    let claims: Vec<String> = claims.collect();
    assert_eq!(claims.len(), 4, "{claims:?}");
    as_before_lists(world, claims.iter().find(|claim| claim.contains("kept")).unwrap()).await;
    let taken = with_suffix(&suffixes[1]);
    let _ = other.customer.post(&other.configurations(), &taken).await.expect(400);
    world.stack().settle_streams().await;
    let others = items_with(world, &other.customer.tenant).await;

    let planned = delete(world, &tenant).await;
    assert_eq!((&planned["status"], &planned["deletion"]["stage"]), (&json!("suspended"), &json!("waiting")));
    let _ = customer.get(WHOAMI).await.refused(403, "tenant_suspended");
    world.stack().settle_streams().await;
    let before = kept(world, &tenant).await;
    for early in [0, 29] {
        assert_eq!(erase(world, early).await, json!({"items": 0, "tenants": 0, "left": 0}));
    }
    let after = kept(world, &tenant).await;
    let changed: Vec<&String> = after.keys().filter(|key| before.get(*key) != after.get(*key)).collect();
    assert!(changed.is_empty() && after.len() == before.len(), "{changed:?} {} {}", before.len(), after.len());

    let erased = erase(world, 31).await;
    assert!(erased["items"].as_u64().unwrap() > 15, "{erased}");
    assert_eq!((&erased["tenants"], &erased["left"]), (&json!(0), &json!(0)));
    let left: Vec<String> = items_with(world, &tenant).await.into_keys().collect();
    let is_last = |key: &String| {
        let parts = ["#AUDIT/", "#SEALS/", "/TENANT"].iter().any(|part| key.contains(part));
        // Deliveries to a webhook that was deleted before, which only the audit log names.
        parts || key.starts_with("TENANTS/") || key.contains("#DELIVERY#")
    };
    assert!(left.iter().all(is_last), "{left:?}");
    assert_eq!(left.iter().filter(|key| key.contains("#DELIVERY#")).count(), 1, "{left:?}");
    let _ = customer.get(WHOAMI).await.refused(401, "unauthenticated");
    for suffix in &suffixes {
        let _ = other.customer.post(&other.configurations(), &with_suffix(suffix)).await.expect(201);
    }
    world.stack().settle_streams().await;
    let names = world.stack().events().into_iter().filter(|event| event["detail"]["tenant_id"] == tenant);
    let names: Vec<String> = names.map(|event| event["detail-type"].as_str().unwrap().to_owned()).collect();
    assert!(
        names.ends_with(&["tenant.deletion_planned", "tenant.deletion_begun", "tenant.deleted"].map(str::to_owned))
    );
    assert_eq!(world.invoke("verify-audit", &json!({"tenant_id": tenant})).await.unwrap()["intact"], true);

    assert_eq!(erase(world, 32).await, json!({"items": 0, "tenants": 0, "left": 0}));
    assert_eq!(erase(world, 34).await["tenants"], 1);
    world.stack().settle_streams().await;
    assert_eq!(items_with(world, &tenant).await, BTreeMap::new());
    let gone = world.invoke("describe-tenant", &json!({"tenant_id": tenant})).await.unwrap_err();
    assert_eq!(gone["errorType"], "not_found");

    // Nothing of the other tenant changed, but that it has two configurations more.
    let now = items_with(world, &other.customer.tenant).await;
    for (key, item) in &others {
        let counts = key.contains("/COUNT#SSO#") || key.contains("/HEAD");
        assert!(counts || now.get(key) == Some(item), "{key}");
    }
    let _ = other.customer.get(WHOAMI).await.expect(200);
}

#[tokio::test]
async fn a_deletion_is_taken_back_until_it_begins() {
    let world = own_world(Options::default());
    let customer = world.customer().await;
    let (tenant, resume) = (customer.tenant.clone(), json!({"tenant_id": customer.tenant, "reason": "stays"}));
    let asked = Timestamp::now();
    let planned = delete(world, &tenant).await;
    let done = Timestamp::now();
    assert_eq!(delete(world, &tenant).await, planned, "a repetition keeps the time");
    let due = |body: &Value| Timestamp::parse(body["deletion"]["due_at"].as_str().unwrap()).unwrap();
    assert!((asked..=done).contains(&due(&planned).plus_millis(-30 * DAY)), "{planned}");
    let other = json!({"tenant_id": tenant, "reason": "left", "waiting_days": 1});
    assert!(due(&world.invoke("delete-tenant", &other).await.unwrap()) < due(&planned));
    let before = items_with(world, &tenant).await.len();
    let resumed = world.invoke("resume-tenant", &resume).await.unwrap();
    assert_eq!((&resumed["status"], &resumed["deletion"]), (&json!("active"), &Value::Null));
    let _ = customer.get(WHOAMI).await.expect(200);
    assert_eq!(erase(world, 400).await["items"], 0);
    assert!(items_with(world, &tenant).await.len() > before, "the audit records of the changes");

    let _ = world.invoke("delete-tenant", &other).await.unwrap();
    let _ = erase(world, 2).await;
    let late = json!({"tenant_id": tenant, "name": "late", "roles": ["admin"]});
    for (function, payload) in [
        ("resume-tenant", resume),
        ("create-credential", late),
        ("create-tenant", json!({"tenant_id": tenant, "name": "test"})),
    ] {
        let error = world.invoke(function, &payload).await.unwrap_err();
        assert_eq!(error["errorType"], "conflict", "{function}: {error}");
    }
    assert_eq!(delete(world, &tenant).await["deletion"]["stage"], "audit_log");
}

#[tokio::test]
async fn what_is_wrong_with_a_deletion_is_said() {
    let world = world();
    for wrong in [json!(0), json!(366), json!("30"), json!(1.5)] {
        let payload = json!({"tenant_id": "x", "reason": "", "waiting_days": wrong});
        let error = world.invoke("delete-tenant", &payload).await.unwrap_err();
        assert_eq!(error["errorType"], "invalid_request");
        for field in ["tenant_id", "reason", "waiting_days"] {
            assert!(error["errorMessage"].as_str().unwrap().contains(field), "{error}");
        }
    }
    let nobody = json!({"tenant_id": "2489e9ad-2ee2-4e00-8ec9-32d5f69181c0", "reason": "left"});
    assert_eq!(world.invoke("delete-tenant", &nobody).await.unwrap_err()["errorType"], "not_found");
}

/// Writes so many items of a tenant, more than a page.
async fn fill(world: &World, tenant: &str) {
    let keys = part(TenantId::parse(tenant).unwrap());
    for page in [100..200, 200..300, 300..400] {
        let writes = page.fold(Writes::new(), |writes, minute| {
            writes.create(&keys.budget("filler", minute), &Count { children: 1 })
        });
        write(&table(world), keys.id(), writes).await;
    }
}

async fn fillers(world: &World, tenant: &str) -> usize {
    items_with(world, tenant).await.keys().filter(|key| key.contains("BUDGET#filler")).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_ends_in_the_middle_is_continued() {
    let (world, proxy) = broken_world(true).await;
    let customer = world.customer().await;
    fill(world, &customer.tenant).await;
    let _ = delete(world, &customer.tenant).await;

    // The table is throttled from the second page on.
    proxy.break_calls(&["TransactWriteItems"], "BUDGET#filler#250", Fault::Throttled, Times::Always);
    let failed = world.invoke("erase-tenants", &event(31)).await.unwrap_err();
    assert!(failed["errorMessage"].as_str().unwrap().contains("1 deletions failed"), "{failed}");
    let left = fillers(world, &customer.tenant).await;
    assert!((1..300).contains(&left), "{left}");

    // The process is killed while it waits for the response to the next page.
    proxy.break_calls(&["TransactWriteItems"], "BUDGET#filler#250", Fault::Slow, Times::Once);
    let run = event(31);
    let (killed, ()) = tokio::join!(world.invoke("erase-tenants", &run), async {
        wait::until("the page", || proxy.broken() == 1).await;
        let killed = world.stack().processes("erase-tenants").into_iter().filter(|id| world.stack().crash(*id));
        assert!(killed.count() > 0);
    });
    assert!(killed.is_err(), "{killed:?}");
    assert!(fillers(world, &customer.tenant).await > 0);

    let erased = erase(world, 31).await;
    assert_eq!((&erased["left"], fillers(world, &customer.tenant).await), (&json!(0), 0));
    // The audit log waits until its stream is done.
    world.stack().settle_streams().await;
    assert_eq!(erase(world, 34).await["tenants"], 1);
    assert_eq!(items_with(world, &customer.tenant).await, BTreeMap::new());
}
