//! Tests of `/v1/event-types`, and of the validation of events against it.

use serde_json::json;
use trustplane_end_to_end::{conforms, world};

#[tokio::test]
async fn every_role_sees_all_events_with_schemas_that_their_examples_conform_to() {
    let customer = world().customer().await;
    let mut seen = Vec::new();
    for token in [&customer.viewer, &customer.editor, &customer.approver, &customer.admin] {
        let reply = customer.send(customer.request_as(token, "GET", "/v1/event-types")).await.expect(200);
        seen.push(reply.body);
    }
    seen.dedup();
    let [shown] = seen.as_slice() else { panic!("roles see different events") };
    let data = shown["data"].as_array().unwrap();
    for row in data {
        conforms(&json!({"detail-type": row["name"], "detail": row["example"]})).unwrap();
        assert_eq!((&row["version"], &row["example"]["schema_version"]), (&json!(1), &json!(1)));
    }
    let names: Vec<&str> = data.iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert!(names.is_sorted() && names.contains(&"policy.saved") && names.contains(&"access.denied"), "{names:?}");
    let _ = customer.get("/v1/event-types?limit=1").await.refused(400, "invalid_request");
}

#[test]
fn an_event_that_the_catalogue_does_not_describe_is_noticed() {
    let event = |name: &str, after: serde_json::Value| {
        json!({"detail-type": name, "detail": {
            "id": "01KDYAK3SEZ7Y8V6W5T4S3R2Q1",
            "tenant_id": "2489e9ad-2ee2-4e00-8ec9-32d5f69181c0",
            "occurred_at": "2026-01-02T03:04:05.678Z",
            "actor": {"id": "operator", "name": "operator", "type": "operator", "roles": []},
            "action": "create-tenant",
            "resource_type": "tenant",
            "resource_id": "x",
            "outcome": "allowed",
            "before": null,
            "after": after,
            "determining_policies": [],
            "source_ip": null,
            "user_agent": null,
            "request_id": "r",
            "interaction_id": null,
            "hash": "0".repeat(64),
            "schema_version": 1,
        }})
    };
    assert_eq!(conforms(&event("tenant.created", json!({"name": "Example", "status": "active"}))), Ok(()));
    for (name, after) in [
        ("tenant.made", json!({"name": "Example", "status": "active"})),
        ("tenant.created", json!({"name": "Example"})),
        ("tenant.created", json!({"name": "Example", "status": "gone"})),
        ("tenant.created", json!({"name": "Example", "status": "active", "secret": "x"})),
        ("tenant.suspended", json!({"name": "Example", "status": "suspended"})),
    ] {
        assert!(conforms(&event(name, after.clone())).is_err(), "{name} {after}");
    }
}
