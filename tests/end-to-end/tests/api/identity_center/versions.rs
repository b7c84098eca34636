//! Tests of the configuration's history, of restoring a version, and of deletion.

use serde_json::{Value, json};
use trustplane_domain::ids::TenantId;
use trustplane_end_to_end::world;

use super::{BASE, CONFIG, TEST, config, connected, own_role, post};
use crate::table::{audit_records, table};

const VERSIONS: &str = "/v1/integrations/aws-identity-center/config/versions";

#[tokio::test]
async fn every_saved_configuration_is_a_version() {
    let customer = world().customer().await;
    let empty = customer.get(VERSIONS).await.expect(200);
    assert_eq!(empty.body, json!({"data": [], "next_cursor": null, "has_more": false}));
    let role = own_role(&customer);
    let other = format!("{role}-2");
    for role in [&role, &other, &role] {
        let saved = customer.put(CONFIG, &config(role)).await.expect(200);
        let cost = customer.cost(&saved).await;
        assert_eq!((cost.dynamodb_calls, cost.dynamodb_round_trips, cost.aws_calls), (2, 2, 0));
    }
    let listed = customer.get(VERSIONS).await.expect(200);
    let rows = listed.body["data"].as_array().unwrap();
    let shown: Vec<(u64, &str, bool)> = rows
        .iter()
        .map(|row| (row["version"].as_u64().unwrap(), row["role_arn"].as_str().unwrap(), row["current"] == true))
        .collect();
    assert_eq!(shown, [(3, role.as_str(), true), (2, other.as_str(), false), (1, role.as_str(), false)]);
    assert!(customer.admin.contains(rows[0]["saved_by"].as_str().unwrap()));
    let cost = customer.cost(&listed).await;
    assert_eq!((cost.dynamodb_calls, cost.dynamodb_round_trips, cost.aws_calls), (2, 1, 0));
}

#[tokio::test]
async fn versions_are_listed_by_page() {
    let (customer, role) = connected().await;
    for number in 2..6 {
        let _ = customer.put(CONFIG, &config(&format!("{role}-{number}"))).await.expect(200);
    }
    let (mut seen, mut path) = (Vec::new(), format!("{VERSIONS}?limit=2"));
    for more in [true, true, false] {
        let page = customer.get(&path).await.expect(200);
        seen.extend(page.body["data"].as_array().unwrap().iter().map(|row| row["version"].as_u64().unwrap()));
        assert_eq!(page.body["has_more"], more);
        path = format!("{VERSIONS}?limit=2&cursor={}", page.body["next_cursor"].as_str().unwrap_or_default());
    }
    assert_eq!(seen, [5, 4, 3, 2, 1]);
    let refused = customer.get(&format!("{VERSIONS}?limit=0&cursor=x")).await.refused(400, "invalid_request");
    assert!(refused.body["details"]["limit"].is_string() && refused.body["details"]["cursor"].is_string());
}

#[tokio::test]
async fn restoring_saves_an_earlier_configuration_again() {
    let (customer, role) = connected().await;
    let other = format!("{role}-2");
    let _ = customer.put(CONFIG, &config(&other)).await.expect(200);
    let restored = post(&customer, &format!("{VERSIONS}/1/restore")).await.expect(200);
    assert_eq!((&restored.body["role_arn"], restored.header("etag")), (&json!(role), Some("\"3\"")));
    let cost = customer.cost(&restored).await;
    assert_eq!((cost.dynamodb_calls, cost.dynamodb_round_trips, cost.aws_calls), (2, 2, 0));
    let shown = customer.get(CONFIG).await.expect(200);
    assert_eq!((&shown.body, shown.header("etag")), (&restored.body, Some("\"3\"")));
    let listed = customer.get(VERSIONS).await.expect(200);
    assert_eq!((&listed.body["data"][0]["version"], &listed.body["data"][0]["restored_from"]), (&json!(3), &json!(1)));
    for none in ["4", "0", "x", "-1", "18446744073709551616"] {
        let _ = post(&customer, &format!("{VERSIONS}/{none}/restore")).await.refused(404, "not_found");
    }
    let tenant = TenantId::parse(&customer.tenant).unwrap();
    let records = audit_records(&table(world()), tenant, "restore-identity-center-config-version").await;
    assert_eq!(records.len(), 1);
    assert_eq!((&records[0]["before"]["role_arn"], &records[0]["after"]["role_arn"]), (&json!(other), &json!(role)));
    assert_eq!(records[0]["resource_type"], "integration");
}

#[tokio::test]
async fn removing_forgets_what_was_seen_and_keeps_the_history() {
    let (customer, _) = connected().await;
    let _ = post(&customer, TEST).await.expect(200);
    let ids = customer.get(&format!("{BASE}/external-id")).await.expect(200);
    let stale = customer.request("DELETE", CONFIG).header("if-match", "\"7\"");
    let _ = customer.send(stale).await.refused(412, "precondition_failed");
    let _ = customer.get(TEST).await.expect(200);

    let removed = customer.delete(CONFIG).await.expect(204);
    let cost = customer.cost(&removed).await;
    assert_eq!((cost.dynamodb_calls, cost.dynamodb_round_trips, cost.aws_calls), (2, 2, 0));
    let shown = customer.get(CONFIG).await.expect(200);
    assert_eq!((&shown.body["configured"], &shown.body["role_arn"]), (&json!(false), &Value::Null));
    let _ = customer.get(TEST).await.refused(404, "not_found");
    let _ = post(&customer, TEST).await.refused(409, "not_configured");
    let _ = customer.get("/v1/instances").await.refused(404, "IIC.404");
    assert_eq!(customer.get(&format!("{BASE}/external-id")).await.expect(200).body, ids.body);
    let listed = customer.get(VERSIONS).await.expect(200);
    assert_eq!((&listed.body["data"][0]["version"], &listed.body["data"][0]["current"]), (&json!(1), &json!(false)));

    // Deleting again changes nothing, and a deleted configuration can be restored.
    let again = customer.delete(CONFIG).await.expect(204);
    assert_eq!(customer.cost(&again).await.dynamodb_calls, 1);
    let restored = post(&customer, &format!("{VERSIONS}/1/restore")).await.expect(200);
    assert_eq!((&restored.body["configured"], restored.header("etag")), (&json!(true), Some("\"3\"")));
    let tenant = TenantId::parse(&customer.tenant).unwrap();
    let records = audit_records(&table(world()), tenant, "delete-identity-center-config").await;
    assert_eq!(records.len(), 1);
    assert_eq!((&records[0]["before"]["configured"], &records[0]["after"]), (&json!(true), &Value::Null));
}
