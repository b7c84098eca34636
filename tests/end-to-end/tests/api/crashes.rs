//! Kills function processes at random moments under load. A change is made completely, once, or not at all.
//! Acknowledged, audited and published changes are the same.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use trustplane_domain::ids::TenantId;
use trustplane_end_to_end::{Customer, World};
use trustplane_local::Options;
use trustplane_local::http::{Method, Reply};

use crate::table::{audit_records, own_world, table};
use futures_util::future::join_all;

const PATH: &str = "/v1/api-keys";
const WRITERS: usize = 6;
const LOAD: Duration = Duration::from_secs(8);
/// Time limit for one change, many times that of the load after which nothing is killed.
const PATIENCE: Duration = Duration::from_secs(120);
const FUNCTIONS: [&str; 3] = ["create-api-key", "put-api-key", "delete-api-key"];

/// State that the writers and the killer share.
struct Scene {
    world: &'static World,
    customer: Customer,
    end: Instant,
    failures: Cell<usize>,
    kills: Cell<usize>,
    writing: Cell<usize>,
}

impl Scene {
    async fn request(&self, method: &Method, path: &str, more: (&str, &str), body: &Value) -> Reply {
        let authorization = format!("Bearer {}", self.customer.admin);
        let headers = [
            ("authorization", authorization.as_str()),
            ("x-tenant-id", self.customer.tenant.as_str()),
            ("content-type", "application/json"),
            more,
        ];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.world.stack().request(method.clone(), path, &headers, body).await.unwrap()
    }

    /// Repeats a request until the response has one of `statuses`, as a client does that got no response. Gives up after
    /// [`PATIENCE`].
    async fn insist(&self, method: Method, path: &str, more: (&str, &str), body: &Value, statuses: &[u16]) -> Reply {
        let end = Instant::now() + PATIENCE;
        loop {
            let reply = self.request(&method, path, more, body).await;
            let status = reply.status.as_u16();
            if statuses.contains(&status) {
                return reply;
            }
            assert!(status >= 500 || status == 409, "{method} {path}: {status} {}", reply.text());
            assert!(Instant::now() < end, "{method} {path}: still {status} after {PATIENCE:?}: {}", reply.text());
            self.failures.set(self.failures.get() + usize::from(status >= 500));
        }
    }

    /// Creates, renames and revokes one key after the other. Returns their names and ids.
    async fn write(&self, writer: usize) -> Vec<(String, String)> {
        let mut acknowledged = Vec::new();
        while Instant::now() < self.end {
            let name = format!("{writer}-{}", acknowledged.len());
            let new = json!({"name": name, "roles": ["viewer"]});
            let made = self.insist(Method::POST, PATH, ("idempotency-key", &name), &new, &[201]).await.json();
            let id = made["id"].as_str().unwrap().to_owned();
            let path = format!("{PATH}/{id}");
            let renamed = json!({"name": format!("{name} renamed"), "roles": ["viewer"]});
            // 412: an earlier attempt without a response had made the change.
            let _ = self.insist(Method::PUT, &path, ("if-match", "\"1\""), &renamed, &[200, 412]).await;
            let _ = self.insist(Method::DELETE, &path, ("accept", "*/*"), &Value::Null, &[204]).await;
            acknowledged.push((name, id));
        }
        self.writing.set(self.writing.get() - 1);
        acknowledged
    }

    /// Kills a random process of the functions every few milliseconds, and the publisher's now and then.
    async fn kill(&self) -> Vec<(String, String)> {
        while self.writing.get() > 0 && Instant::now() < self.end {
            let random = random();
            tokio::time::sleep(Duration::from_millis(10 + u64::from(random[0] % 40))).await;
            let function = match random[1] {
                0..16 => "publish-audit",
                other => FUNCTIONS[usize::from(other) % FUNCTIONS.len()],
            };
            let processes = self.world.stack().processes(function);
            if let Some(process) = processes.get(usize::from(random[2]) % processes.len().max(1)) {
                self.kills.set(self.kills.get() + usize::from(self.world.stack().crash(*process)));
            }
        }
        Vec::new()
    }
}

fn random() -> [u8; 3] {
    let mut bytes = [0; 3];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}

#[tokio::test]
async fn nothing_is_lost_and_nothing_doubled_by_processes_that_die() {
    let world = own_world(Options::default());
    let scene = Scene {
        world,
        customer: world.customer().await,
        end: Instant::now() + LOAD,
        failures: Cell::new(0),
        kills: Cell::new(0),
        writing: Cell::new(WRITERS),
    };
    let writers = (0..WRITERS).map(|writer| {
        let write: std::pin::Pin<Box<dyn Future<Output = _>>> = Box::pin(scene.write(writer));
        write
    });
    let acknowledged = join_all(writers.chain([Box::pin(scene.kill()) as _])).await;
    let acknowledged: BTreeMap<String, String> = acknowledged.into_iter().flatten().collect();
    eprintln!("{} keys, {} kills, {} requests unanswered", acknowledged.len(), scene.kills.get(), scene.failures.get());
    assert!(scene.kills.get() > 20 && scene.failures.get() > 0 && acknowledged.len() > WRITERS);

    // The table has every acknowledged key, in its acknowledged state, and no other.
    let mut kept = BTreeMap::new();
    let mut cursor = String::new();
    for number in 1.. {
        assert!(number <= acknowledged.len() + 2, "the list of keys has no end");
        let page = scene.customer.get(&format!("{PATH}?limit=250&cursor={cursor}")).await.expect(200);
        for key in page.body["data"].as_array().unwrap().iter().filter(|key| key["created_by"] != "operator") {
            assert!(key["revoked_at"].is_string(), "{key}");
            let id = key["id"].as_str().unwrap().to_owned();
            let name = key["name"].as_str().unwrap().strip_suffix(" renamed").unwrap().to_owned();
            assert_eq!(kept.insert(name, id), None, "twice: {key}");
        }
        match page.body["next_cursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(kept, acknowledged);

    // One audit record per change. Each begins with the state at the end of the record before it.
    let tenant = TenantId::parse(&scene.customer.tenant).unwrap();
    let table = table(world);
    let mut records: BTreeMap<String, Value> = BTreeMap::new();
    let mut last: BTreeMap<String, Value> = BTreeMap::new();
    for function in FUNCTIONS {
        let mut seen = BTreeSet::new();
        for record in audit_records(&table, tenant, function).await {
            let id = record["resource_id"].as_str().unwrap().to_owned();
            assert!(seen.insert(id.clone()), "{function} twice: {record}");
            assert_eq!(last.insert(id, record["after"].clone()).unwrap_or_default(), record["before"]);
            records.insert(record["id"].as_str().unwrap().to_owned(), record);
        }
        assert_eq!(seen, acknowledged.values().cloned().collect::<BTreeSet<_>>(), "{function}");
    }

    // Each record is on the bus, unchanged. A record may appear twice if the publisher was killed: it has the same id.
    world.stack().settle_streams().await;
    let mut published = BTreeSet::new();
    for event in world.stack().events() {
        let mut detail = event["detail"].clone();
        detail.as_object_mut().unwrap().remove("schema_version");
        if detail["tenant_id"] == scene.customer.tenant && detail["actor"]["type"] == "credential" {
            let id = detail["id"].as_str().unwrap().to_owned();
            assert_eq!(records.get(&id), Some(&detail));
            published.insert(id);
        }
    }
    assert_eq!(published, records.keys().cloned().collect::<BTreeSet<_>>());
    assert_eq!(world.stack().dead_letters(), [] as [Value; 0]);
}
