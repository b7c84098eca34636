//! The restore drill of `docs/operations.md`, as far as a local engine goes: a stack over a copy of another's table.

use std::path::PathBuf;

use serde_json::{Value, json};
use trustplane_end_to_end::{Request, World};
use trustplane_local::Options;

/// Creates a data folder for a test, below the system's folder for temporary files.
fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("trustplane-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn start(data: &std::path::Path) -> World {
    World::start(Options { data: Some(data.to_owned()), streams: true, ..Options::default() })
}

async fn create(world: &World, token: &str, id: &str) {
    let wanted = json!({"OrganisationId": id, "OrganisationName": id});
    let created = world.send(Request::new("POST", "/organisations").bearer(token).json(&wanted)).await;
    assert_eq!(created.status, 201, "{}", created.text);
}

async fn organisations(world: &World, token: &str) -> Vec<String> {
    let listed = world.send(Request::new("GET", "/organisations").bearer(token)).await;
    assert_eq!(listed.status, 200, "{}", listed.text);
    let rows = listed.body["content"].as_array().unwrap();
    rows.iter().map(|row| row["OrganisationId"].as_str().unwrap().to_owned()).collect()
}

async fn verified(world: &World, tenant: &str) -> Value {
    world.invoke("verify-audit", &json!({"tenant_id": tenant})).await.unwrap()
}

#[tokio::test]
async fn a_stack_over_a_restored_table_serves_its_tenants_and_verifies_their_audit_log() {
    let (before, after) = (folder("drill-before"), folder("drill-after"));
    let world = start(&before);
    let (tenant, _) = world.tenant("Example").await;
    let token = world.token(&tenant, &["admin"]).await;
    create(&world, &token, "first").await;
    world.stack().settle_streams().await;
    let records = verified(&world, &tenant).await["records"].clone();
    assert!(records.as_u64().unwrap() >= 3, "{records}");
    world.stop();

    // The backup, and a change that it lacks.
    for file in std::fs::read_dir(&before).unwrap() {
        let file = file.unwrap();
        if file.file_name().to_string_lossy().starts_with("table.sqlite") {
            std::fs::copy(file.path(), after.join(file.file_name())).unwrap();
        }
    }
    let world = start(&before);
    create(&world, &token, "later").await;
    assert_eq!(organisations(&world, &token).await, ["first", "later"]);
    world.stop();

    let restored = start(&after);
    let report = restored.invoke("check-deployment", &json!({})).await.unwrap();
    assert_eq!(report["ok"], true, "{report}");
    assert_eq!(organisations(&restored, &token).await, ["first"], "the credential of before still works");
    let found = verified(&restored, &tenant).await;
    assert_eq!((&found["intact"], &found["records"]), (&json!(true), &records), "{found}");
    create(&restored, &token, "second").await;
    restored.stack().settle_streams().await;
    let found = verified(&restored, &tenant).await;
    assert_eq!(found["intact"], true, "the chain goes on: {found}");
    assert_eq!(organisations(&restored, &token).await, ["first", "second"]);
    restored.stop();
    for folder in [before, after] {
        std::fs::remove_dir_all(folder).unwrap();
    }
}
