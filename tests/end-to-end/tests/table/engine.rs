//! A table for tests of the store, and grants to write in it.

use std::sync::Arc;

use tokio::sync::OnceCell;
use trustplane_aws::Meter;
use trustplane_domain::connection::Connection;
use trustplane_domain::directory::organisation::{NewOrganisation, Organisation};
use trustplane_domain::ids::{ExternalId, TenantId};
use trustplane_domain::{Fields, Timestamp};
use trustplane_local::engine::{Engine, create_tables};
use trustplane_local::template::Template;
use trustplane_policy::{Grant, Kind, Resource};
use trustplane_store::{AuditedChange, CommitError, Item, Key, Stored, Table, TenantKeys, Writes};

struct Running {
    endpoint: String,
    table: String,
    // Runs as long as the test program, on its own runtime.
    _engine: Option<Engine>,
}

static RUNNING: OnceCell<Running> = OnceCell::const_new();

/// Creates a table with its own meter.
pub async fn table() -> Table {
    let running = RUNNING
        .get_or_init(|| async {
            tokio::task::spawn_blocking(|| {
                let runtime = Box::leak(Box::new(
                    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap(),
                ));
                runtime.block_on(start())
            })
            .await
            .unwrap()
        })
        .await;
    table_at(&running.endpoint, &running.table).await
}

async fn start() -> Running {
    let template = concat!(env!("CARGO_MANIFEST_DIR"), "/../../template.yaml");
    let template = Template::read(std::path::Path::new(template)).unwrap();
    let (endpoint, engine) = match std::env::var("TRUSTPLANE_TEST_DYNAMODB") {
        Ok(endpoint) => (endpoint, None),
        Err(_) => {
            let engine = Engine::start(None).await.unwrap();
            (engine.endpoint().to_owned(), Some(engine))
        }
    };
    create_tables(&endpoint, &template.tables).await.unwrap();
    Running { endpoint, table: template.tables[0].name.clone(), _engine: engine }
}

/// Returns a table at any endpoint.
pub async fn table_at(endpoint: &str, name: &str) -> Table {
    Table::new(&config(endpoint).await, name.to_owned(), Arc::new(Meter::default()))
}

/// A client of the test table, for what the store does not do, and the table's name.
pub async fn client() -> (aws_sdk_dynamodb::Client, String) {
    let _ = table().await;
    let running = RUNNING.get().unwrap();
    (aws_sdk_dynamodb::Client::new(&config(&running.endpoint).await), running.table.clone())
}

async fn config(endpoint: &str) -> aws_config::SdkConfig {
    let config = trustplane_aws::sdk_config(Vec::new()).await.into_builder().endpoint_url(endpoint);
    let config = match std::env::var("AWS_ACCESS_KEY_ID") {
        Ok(_) => config,
        Err(_) => config.region(aws_config::Region::new("us-east-1")).credentials_provider(
            aws_sdk_dynamodb::config::SharedCredentialsProvider::new(aws_sdk_dynamodb::config::Credentials::new(
                "AKIAIOSFODNN7EXAMPLE",
                "example",
                None,
                None,
                "test",
            )),
        ),
    };
    config.build()
}

/// Creates a grant for a tenant that only this test uses, at this time.
pub fn grant_at(millis: i64) -> Grant {
    let mut random = [0; 16];
    getrandom::fill(&mut random).unwrap();
    Grant::operator(TenantId::from_random(random), "test", "request", Timestamp::from_millis(millis))
}

/// Creates a grant for a tenant that only this test uses, now.
pub fn grant() -> Grant {
    grant_at(Timestamp::now().as_millis())
}

/// Returns a value to write.
pub fn connection(seed: u8) -> Connection {
    Connection::new(ExternalId::from_random([seed; 16]))
}

/// Commits writes as a change of some resource.
pub async fn commit(table: &Table, grant: &Grant, writes: Writes) -> Result<(), CommitError> {
    let resource = Resource::new(Kind::Integration, "test");
    let change = AuditedChange { resource: &resource, before: None, after: None };
    table.commit(grant, &change, writes, None).await.map(|_| ())
}

/// Reads one item.
pub async fn read<T: Item>(table: &Table, key: &Key<T>) -> Option<Stored<T>> {
    table.load(key.clone().optional()).await.unwrap().item
}

/// An organisation to write.
pub fn organisation(id: &str) -> Organisation {
    let fields = Fields::of(serde_json::Map::from_iter([
        ("OrganisationId".to_owned(), id.into()),
        ("OrganisationName".to_owned(), "Example".into()),
    ]));
    Organisation::new(NewOrganisation::parse(fields).unwrap(), Timestamp::from_millis(0))
}

/// Creates the connection of a new tenant. Returns the grant and the stored connection.
pub async fn made(table: &Table) -> (Grant, Stored<Connection>) {
    let grant = grant();
    let key = TenantKeys::granted(&grant).connection();
    commit(table, &grant, Writes::new().create(&key, &connection(1))).await.unwrap();
    let stored = read(table, &key).await.unwrap();
    (grant, stored)
}
