//! Direct access to the table of a stack, for tests that need a state in the past or check the stored state.

use std::sync::Arc;

use aws_config::BehaviorVersion;
use aws_sdk_dynamodb::config::{Credentials, Region, SharedCredentialsProvider};
use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::Value;
use trustplane_aws::Meter;
use trustplane_domain::Timestamp;
use trustplane_domain::ids::TenantId;
use trustplane_end_to_end::World;
use trustplane_local::Options;
use trustplane_policy::Grant;
use trustplane_store::{Item, Key, Stored, Table, TenantKeys, Writes};

/// Starts a separate stack with the table's stream, so that its content affects no other test.
pub fn own_world(options: Options) -> &'static World {
    // Never dropped, because a test cannot drop another runtime in its own thread.
    Box::leak(Box::new(World::start(Options { streams: true, ..options })))
}

/// Copies the template with `to` in place of every `from`, which it has to contain.
pub fn changed_template(from: &str, to: &str) -> std::path::PathBuf {
    let workspace = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let template = std::fs::read_to_string(workspace.join("template.yaml")).unwrap();
    assert!(template.contains(from), "no `{from}` in the template");
    let name: String = to.chars().filter(char::is_ascii_alphanumeric).collect();
    let path = std::env::temp_dir().join(format!("trustplane-{}-{name}.yaml", std::process::id()));
    std::fs::write(&path, template.replace(from, to)).unwrap();
    path
}

/// Returns the table of a world.
pub fn table(world: &World) -> Table {
    Table::new(&sdk(world), world.stack().table().to_owned(), Arc::new(Meter::default()))
}

/// Returns a client that writes to the table without any of the store's rules.
pub fn hand(world: &World) -> aws_sdk_dynamodb::Client {
    aws_sdk_dynamodb::Client::new(&sdk(world))
}

fn sdk(world: &World) -> aws_config::SdkConfig {
    let credentials = Credentials::new("local", "local", None, None, "tests");
    aws_config::SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .endpoint_url(world.stack().dynamodb_endpoint())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build()
}

/// Makes the item of a tenant unreadable.
pub async fn break_tenant(world: &World, tenant: &str) {
    let update = hand(world).update_item().table_name(world.stack().table());
    let _ = update
        .key("pk", AttributeValue::S(format!("TENANT#{tenant}")))
        .key("sk", AttributeValue::S("TENANT".to_owned()))
        .update_expression("SET #status = :bogus")
        .expression_attribute_names("#status", "status")
        .expression_attribute_values(":bogus", AttributeValue::S("bogus".to_owned()))
        .send()
        .await
        .unwrap();
}

/// Creates a grant to write in a tenant's partition.
pub fn grant(tenant: TenantId, at: Timestamp) -> Grant {
    Grant::operator(tenant, "test", "test", at)
}

/// A tenant's part of the table.
pub fn part(tenant: TenantId) -> TenantKeys {
    TenantKeys::granted(&grant(tenant, Timestamp::from_millis(0)))
}

/// The item of a key, which has to be there.
pub async fn read<T: Item>(table: &Table, key: &Key<T>) -> Stored<T> {
    table.load(key.clone()).await.unwrap()
}

/// Writes without an audit record.
pub async fn write(table: &Table, tenant: TenantId, writes: Writes) {
    let _ = table.note(&grant(tenant, Timestamp::from_millis(0)), writes).await.unwrap();
}

/// A tenant's audit records of one action that was allowed, oldest first, each with its `hash`.
pub async fn audit_records(table: &Table, tenant: TenantId, action: &str) -> Vec<Value> {
    let kept = table.load(part(tenant).audit_records()).await.unwrap().rows.into_iter().rev();
    let records = kept.map(|row| {
        let mut record: Value = serde_json::from_str(&row.value.record).unwrap();
        record["hash"] = row.value.hash.into();
        record
    });
    records.filter(|record| record["action"] == action && record["outcome"] == "allowed").collect()
}

/// Returns the details of the events on the bus whose records have this action, as the records are in the audit log.
pub fn published(world: &World, action: &str) -> Vec<Value> {
    let events = world.stack().events().into_iter().map(|event| event["detail"].clone());
    let published = events.filter(|detail| detail["action"] == action && detail["outcome"] == "allowed");
    published
        .map(|mut detail| {
            let version = detail.as_object_mut().unwrap().remove("schema_version");
            assert_eq!(version, Some(1.into()), "{detail}");
            // Of notices, and no part of the record.
            let _ = detail.as_object_mut().unwrap().remove("contacts");
            detail
        })
        .collect()
}
