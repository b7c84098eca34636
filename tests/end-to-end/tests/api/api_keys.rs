//! Tests of `/v1/api-keys`.

use serde_json::{Value, json};
use trustplane_domain::credential::Credential;
use trustplane_end_to_end::{Customer, Reply, Request, world};

use crate::table::{audit_records, hand, part, read, table};
use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::future::join_all;

const PATH: &str = "/v1/api-keys";
const CONFIG: &str = "/v1/integrations/aws-identity-center/config";

fn key(roles: &[&str]) -> Value {
    json!({"name": "deploy", "roles": roles})
}

fn text<'a>(reply: &'a Reply, field: &str) -> &'a str {
    reply.body[field].as_str().unwrap_or_else(|| panic!("no {field}: {}", reply.text))
}

fn path(made: &Reply) -> String {
    format!("{PATH}/{}", text(made, "id"))
}

/// Returns the path of a token's key.
fn path_of(token: &str) -> String {
    format!("{PATH}/{}", &token[4..42])
}

fn seconds_from_now(seconds: i64) -> String {
    trustplane_domain::Timestamp::now().plus_millis(seconds * 1000).to_string()
}

async fn look(customer: &Customer, token: &str) -> Reply {
    customer.send(customer.request_as(token, "GET", CONFIG)).await
}

async fn records(customer: &Customer, action: &str) -> Vec<Value> {
    let tenant = trustplane_domain::ids::TenantId::parse(&customer.tenant).unwrap();
    audit_records(&table(world()), tenant, action).await
}

#[tokio::test]
async fn a_key_is_made_shown_changed_and_revoked() {
    let customer = world().customer().await;
    let made = customer.post(PATH, &key(&["viewer"])).await.expect(201);
    let token = text(&made, "token").to_owned();
    assert!(token.starts_with(&format!("tpk_{}_", text(&made, "id"))), "{token}");
    assert_eq!((&made.body["kind"], &made.body["roles"]), (&json!("bearer"), &json!(["viewer"])));
    assert_eq!((text(&made, "created_by"), made.header("etag")), (&customer.admin[4..42], Some("\"1\"")));
    let _ = look(&customer, &token).await.expect(200);

    let shown = customer.get(&path(&made)).await.expect(200);
    assert!(shown.body["token"].is_null() && !shown.text.contains(&token[43..]), "{}", shown.text);
    let today = &trustplane_domain::Timestamp::now().date();
    assert!(text(&shown, "last_used_at").starts_with(today), "{}", shown.text);

    // The change takes effect with the response.
    let update = json!({"name": "release", "roles": ["editor", "approver"]});
    let changed = customer.put(&path(&made), &update).await.expect(200);
    assert_eq!((&changed.body["name"], &changed.body["roles"]), (&json!("release"), &json!(["approver", "editor"])));
    assert_eq!((changed.header("etag"), &changed.body["last_used_at"]), (Some("\"2\""), &shown.body["last_used_at"]));
    let again = customer.put(&path(&made), &update).await.expect(200);
    assert_eq!((again.header("etag"), customer.cost(&again).await.dynamodb_calls), (Some("\"2\""), 1));
    let stale = customer.request("PUT", &path(&made)).header("if-match", "\"1\"").json(&update);
    let _ = customer.send(stale).await.refused(412, "precondition_failed");

    let _ = customer.delete(&path(&made)).await.expect(204);
    let _ = look(&customer, &token).await.refused(401, "unauthenticated");
    let gone = customer.get(&path(&made)).await.expect(200);
    assert!(gone.body["revoked_at"].is_string(), "{}", gone.text);
    // Revoking it again changes nothing.
    let _ = customer.delete(&path(&made)).await.expect(204);
    assert_eq!(customer.get(&path(&made)).await.body, gone.body);
    let _ = customer.put(&path(&made), &update).await.refused(409, "conflict");
    let _ = customer.post(&format!("{}/rotate", path(&made)), &json!({})).await.refused(409, "conflict");

    let changes = records(&customer, "put-api-key").await;
    assert_eq!(changes.len(), 1);
    assert_eq!((&changes[0]["before"]["roles"], &changes[0]["after"]["name"]), (&json!(["viewer"]), &json!("release")));
    assert_eq!(records(&customer, "delete-api-key").await.len(), 1);
    let all = format!("{changes:?} {:?}", records(&customer, "create-api-key").await);
    assert!(!all.contains(&token[43..]) && !all.contains("token"), "{all}");
}

#[tokio::test]
async fn an_access_key_is_derived_and_shown_once() {
    let customer = world().customer().await;
    let wanted = json!({"name": "sdk", "kind": "access_key", "roles": ["viewer"]});
    let request = || customer.request("POST", PATH).header("idempotency-key", "one").json(&wanted);
    let made = customer.send(request()).await.expect(201);
    let (id, secret) = (text(&made, "access_key_id"), text(&made, "secret_access_key"));
    assert_eq!(id, format!("TPAK{}", text(&made, "id")));
    let cost = customer.cost(&made).await;
    assert_eq!((cost.dynamodb_calls, cost.dynamodb_round_trips, cost.aws_calls), (2, 2, 1));
    let shown = customer.get(&path(&made)).await.expect(200);
    assert!(!shown.text.contains(secret) && shown.body["kind"] == "access_key", "{}", shown.text);
    // The same request again returns the same key, without the secret.
    let replayed = customer.send(request()).await.expect(201);
    let mut expected = made.body.clone();
    expected["secret_access_key"] = Value::Null;
    assert_eq!(replayed.body, expected);
    let other = customer.request("POST", PATH).header("idempotency-key", "one").json(&key(&["viewer"]));
    let _ = customer.send(other).await.refused(422, "idempotency_mismatch");
    // It is not a bearer token, in either header.
    for presented in [id, secret] {
        let _ = look(&customer, presented).await.refused(401, "unauthenticated");
    }
    // Operators create them too. The secret follows from the id alone.
    let by_operator = json!({"tenant_id": customer.tenant, "name": "x", "kind": "access_key", "roles": ["viewer"]});
    let by_operator = world().invoke("create-credential", &by_operator).await.unwrap();
    assert_ne!(by_operator["secret_access_key"], secret);
    let rotated = customer.post(&format!("{}/rotate", path(&made)), &json!({})).await.expect(201);
    assert_ne!(text(&rotated, "secret_access_key"), secret);
    let credential = trustplane_domain::ids::CredentialId::parse(text(&made, "id")).unwrap();
    let kept = read::<Credential>(&table(world()), &part(credential.tenant()).credential(credential)).await;
    assert_eq!(kept.value.token_hash, None);
    assert!(!json!(kept.value).to_string().contains(&secret[4..20]));
    let logs = world().stack().logs();
    assert!(logs.iter().all(|line| !line.text.contains(secret)));
}

#[tokio::test]
async fn a_token_is_kept_from_a_replay() {
    let customer = world().customer().await;
    let request = || customer.request("POST", PATH).header("idempotency-key", "one").json(&key(&["viewer"]));
    let replies = join_all((0..4).map(|_| customer.send(request()))).await;
    let ids: Vec<&Value> = replies.iter().map(|reply| &reply.body["id"]).collect();
    assert!(ids.iter().all(|id| *id == ids[0]) && ids[0].is_string(), "{replies:?}");
    assert_eq!(replies.iter().filter(|reply| reply.body["token"].is_string()).count(), 1, "{replies:?}");
    assert_eq!(records(&customer, "create-api-key").await.len(), 1);
}

#[tokio::test]
async fn one_round_trip_to_look_and_two_to_change() {
    let customer = world().customer().await;
    let made = customer.post(PATH, &key(&["viewer"])).await.expect(201);
    let update = json!({"name": "other", "roles": ["viewer"]});
    let rotated = customer.post(&format!("{}/rotate", path(&made)), &json!({"overlap_seconds": 60})).await.expect(201);
    let replies = [
        (made.clone(), 2, 2),
        (customer.get(PATH).await.expect(200), 2, 1),
        (customer.get(&path(&made)).await.expect(200), 1, 1),
        (customer.put(&path(&rotated), &update).await.expect(200), 2, 2),
        (rotated.clone(), 2, 2),
        (customer.delete(&path(&rotated)).await.expect(204), 2, 2),
    ];
    for (reply, calls, round_trips) in replies {
        let cost = customer.cost(&reply).await;
        assert_eq!((cost.dynamodb_calls, cost.dynamodb_round_trips, cost.aws_calls), (calls, round_trips, 0));
    }
}

#[tokio::test]
async fn the_day_of_use_is_noted_once_a_day() {
    let customer = world().customer().await;
    let made = customer.post(PATH, &key(&["viewer"])).await.expect(201);
    let token = text(&made, "token");
    let calls = async |reply: Reply| customer.cost(&reply.expect(200)).await.dynamodb_calls;
    assert_eq!(calls(look(&customer, token).await).await, 2);
    for _ in 0..3 {
        assert_eq!(calls(look(&customer, token).await).await, 1);
    }
    // Concurrent uses are recorded too. The version does not change, for clients that want to change the key.
    let other = customer.post(PATH, &key(&["admin"])).await.expect(201);
    let token = text(&other, "token");
    let replies = join_all((0..6).map(|_| look(&customer, token))).await;
    assert!(replies.iter().all(|reply| reply.status == 200));
    let shown = customer.get(&path(&other)).await.expect(200);
    assert!(shown.body["last_used_at"].is_string() && shown.header("etag") == Some("\"1\""), "{shown:?}");
    // A key that changes itself is used by that request.
    let third = customer.post(PATH, &key(&["admin"])).await.expect(201);
    let own = customer.request_as(text(&third, "token"), "PUT", &path(&third));
    let _ = customer.send(own.json(&json!({"name": "own", "roles": ["admin"]}))).await.expect(200);
    assert!(customer.get(&path(&third)).await.body["last_used_at"].is_string());
    // A refused request is not a use.
    let unused = customer.post(PATH, &key(&["viewer"])).await.expect(201);
    let elsewhere = customer.request_as(text(&unused, "token"), "GET", CONFIG).without("x-tenant-id");
    let _ = customer.send(elsewhere).await.refused(400, "invalid_tenant_id");
    assert!(customer.get(&path(&unused)).await.body["last_used_at"].is_null());
}

#[tokio::test]
async fn a_list_comes_in_pages() {
    let customer = world().customer().await;
    for _ in 0..5 {
        let _ = customer.post(PATH, &key(&["viewer"])).await.expect(201);
    }
    let whole = customer.get(PATH).await.expect(200);
    let ids = |reply: &Reply| -> Vec<String> {
        let rows = reply.body["data"].as_array().unwrap();
        rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
    };
    // Including those that the test's customer was created with.
    assert_eq!(
        (ids(&whole).len(), &whole.body["has_more"], &whole.body["next_cursor"]),
        (9, &json!(false), &Value::Null)
    );
    let (mut found, mut cursor) = (Vec::new(), String::new());
    for rows in [4, 4, 1] {
        let page = customer.get(&format!("{PATH}?limit=4&cursor={cursor}")).await.expect(200);
        assert_eq!((ids(&page).len(), page.body["has_more"] == true), (rows, rows == 4));
        found.extend(ids(&page));
        cursor = page.body["next_cursor"].as_str().unwrap_or_default().to_owned();
    }
    assert_eq!(found, ids(&whole));
    // A cursor of another tenant only leads to the client's own keys.
    let other = world().customer().await;
    let page = customer.get(&format!("{PATH}?limit=4")).await.expect(200);
    let foreign = other.get(&format!("{PATH}?cursor={}", text(&page, "next_cursor"))).await.expect(200);
    let own = ids(&other.get(PATH).await);
    assert!(ids(&foreign).iter().all(|id| own.contains(id)));
    for wrong in [
        "limit=0",
        "limit=251",
        "limit=x",
        "limit=",
        "limit=1&limit=2",
        "limti=1",
        "cursor=x",
        "cursor=MTpDT05ORUNUSU9O",
    ] {
        let refused = customer.get(&format!("{PATH}?{wrong}")).await.refused(400, "invalid_request");
        assert!(refused.body["details"][wrong.split('=').next().unwrap()].is_string(), "{}", refused.text);
    }
}

#[tokio::test]
async fn a_key_that_cannot_be_read_does_not_hide_the_others() {
    let customer = world().customer().await;
    let made = customer.post(PATH, &key(&["viewer"])).await.expect(201);
    let update = hand(world()).update_item().table_name(world().stack().table());
    let _ = update
        .key("pk", AttributeValue::S(format!("TENANT#{}", customer.tenant)))
        .key("sk", AttributeValue::S(format!("CREDENTIAL#{}", text(&made, "id"))))
        .update_expression("SET kind = :bogus")
        .expression_attribute_values(":bogus", AttributeValue::S("bogus".to_owned()))
        .send()
        .await
        .unwrap();
    let page = customer.get(PATH).await.expect(200);
    assert_eq!(page.body["data"].as_array().unwrap().len(), 4, "{}", page.text);
    assert!(!page.text.contains(text(&made, "id")), "{}", page.text);
}

#[tokio::test]
async fn a_rotated_key_goes_on_for_the_overlap() {
    let customer = world().customer().await;
    let made = customer.post(PATH, &key(&["editor"])).await.expect(201);
    let rotate = format!("{}/rotate", path(&made));
    let next = customer.post(&rotate, &json!({"overlap_seconds": 2})).await.expect(201);
    assert_eq!((&next.body["replaces"], &next.body["roles"]), (&made.body["id"], &json!(["editor"])));
    let old = customer.get(&path(&made)).await.expect(200);
    assert_eq!(old.body["replaced_by"], next.body["id"]);
    for token in [text(&made, "token"), text(&next, "token")] {
        let _ = look(&customer, token).await.expect(200);
    }
    let _ = customer.post(&rotate, &json!({})).await.refused(409, "conflict");
    let _ = customer.put(&path(&made), &json!({"name": "x", "roles": ["editor"]})).await.refused(409, "conflict");
    let end = trustplane_domain::Timestamp::parse(text(&old, "expires_at")).unwrap();
    let seconds_left = (end.as_millis() - trustplane_domain::Timestamp::now().as_millis()) / 1_000;
    assert!(seconds_left <= 2, "it is valid for {seconds_left} seconds more");
    while trustplane_domain::Timestamp::now() < end {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let _ = look(&customer, text(&made, "token")).await.refused(401, "unauthenticated");
    let _ = look(&customer, text(&next, "token")).await.expect(200);

    // Without an overlap and a body, it ends with the response.
    let last = customer.send(customer.request("POST", &format!("{}/rotate", path(&next)))).await.expect(201);
    let _ = look(&customer, text(&next, "token")).await.refused(401, "unauthenticated");
    let _ = look(&customer, text(&last, "token")).await.expect(200);
    // One record for each of the two keys.
    let told = records(&customer, "rotate-api-key").await;
    let resources: Vec<&Value> = told.iter().map(|record| &record["resource_id"]).collect();
    let (made, next, last) = (&made.body["id"], &next.body["id"], &last.body["id"]);
    assert_eq!(resources, [made, next, next, last]);
    for wrong in [json!({"overlap_seconds": -1}), json!({"overlap_seconds": 604_801}), json!({"overlap_seconds": "1"})]
    {
        let refused = customer.post(&format!("{PATH}/x/rotate"), &wrong).await.refused(400, "invalid_request");
        assert!(refused.body["details"]["overlap_seconds"].is_string());
    }
}

#[tokio::test]
async fn the_last_admin_stays() {
    let customer = world().customer().await;
    let only = path_of(&customer.admin);
    let demoted = json!({"name": "x", "roles": ["viewer"]});
    let ending = json!({"name": "x", "roles": ["admin"], "expires_at": seconds_from_now(3600)});
    let refuse = async || {
        let _ = customer.delete(&only).await.refused(409, "last_admin");
        let _ = customer.put(&only, &demoted).await.refused(409, "last_admin");
        let _ = customer.put(&only, &ending).await.refused(409, "last_admin");
    };
    refuse().await;
    // An admin that expires sooner does not suffice; one that is valid then does.
    let brief = json!({"name": "brief", "roles": ["admin"], "expires_at": seconds_from_now(60)});
    let brief = customer.post(PATH, &brief).await.expect(201);
    let _ = customer.put(&only, &ending).await.refused(409, "last_admin");
    let _ = customer.delete(&path(&brief)).await.expect(204);
    refuse().await;
    let _ = customer.put(&only, &json!({"name": "renamed", "roles": ["admin"]})).await.expect(200);
    // Rotated without an overlap: the new key then is the last admin.
    let next = customer.post(&format!("{only}/rotate"), &json!({})).await.expect(201);
    let _ = customer.get(PATH).await.refused(401, "unauthenticated");
    let as_next = |method: &str| customer.request_as(text(&next, "token"), method, &path(&next));
    let _ = customer.send(as_next("DELETE")).await.refused(409, "last_admin");
    let second = customer.request_as(text(&next, "token"), "POST", PATH).json(&key(&["admin", "viewer"]));
    let second = customer.send(second).await.expect(201);
    let _ = customer.send(as_next("PUT").json(&demoted)).await.expect(200);
    let last = customer.request_as(text(&second, "token"), "DELETE", &path(&second));
    let _ = customer.send(last).await.refused(409, "last_admin");
}

#[tokio::test]
async fn of_two_last_admins_that_go_at_the_same_time_one_stays() {
    for round in 0..6 {
        let customer = world().customer().await;
        let other = customer.post(PATH, &key(&["admin"])).await.expect(201);
        let (first, second) = (path_of(&customer.admin), path(&other));
        let demoted = json!({"name": "x", "roles": ["viewer"]});
        // Each ends the other: by a revocation, a demotion, or an expiry.
        let end = |token: &str, path: &str| match round % 3 {
            0 => customer.request_as(token, "DELETE", path),
            1 => customer.request_as(token, "PUT", path).json(&demoted),
            _ => {
                let soon = json!({"name": "x", "roles": ["admin"], "expires_at": seconds_from_now(3600)});
                customer.request_as(token, "PUT", path).json(&soon)
            }
        };
        let requests: Vec<Request> =
            vec![end(&customer.admin, &second), end(text(&other, "token"), &first), end(&customer.admin, &first)];
        let replies = join_all(requests.into_iter().map(|request| customer.send(request))).await;
        // One admin is left, without an expiry.
        let mut standing = 0;
        for (token, path) in [(customer.admin.as_str(), &first), (text(&other, "token"), &second)] {
            let shown = customer.send(customer.request_as(token, "GET", path)).await;
            standing += usize::from(shown.status == 200 && shown.body["expires_at"].is_null());
        }
        assert_eq!(standing, 1, "{round}: {replies:?}");
    }
}

#[tokio::test]
async fn every_wrong_field_is_named_and_nothing_is_made() {
    let customer = world().customer().await;
    let wrong = json!({"name": "", "kind": "password", "roles": ["root"], "expires_at": "1999-01-01T00:00:00Z"});
    let refused = customer.post(PATH, &wrong).await.refused(400, "invalid_request");
    let fields: Vec<&String> = refused.body["details"].as_object().unwrap().keys().collect();
    assert_eq!(fields, ["expires_at", "kind", "name", "roles"]);
    for (field, value) in [
        ("name", json!("a\u{0}b")),
        ("name", json!("x".repeat(65))),
        ("roles", json!([])),
        ("roles", json!(["viewer", "viewer"])),
        ("roles", json!("viewer")),
        ("expires_at", json!("soon")),
        ("kind", json!(1)),
    ] {
        let mut body = key(&["viewer"]);
        body[field] = value;
        let refused = customer.post(PATH, &body).await.refused(400, "invalid_request");
        assert!(refused.body["details"][field].is_string(), "{}", refused.text);
    }
    let _ = customer.send(customer.request("POST", PATH).raw(b"[".to_vec())).await.refused(400, "invalid_json");
    assert_eq!(customer.get(PATH).await.body["data"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn another_tenants_key_is_no_key() {
    let (one, other) = (world().customer().await, world().customer().await);
    let foreign = path_of(&other.viewer);
    for path in [foreign.as_str(), "/v1/api-keys/x", "/v1/api-keys/%23"] {
        let _ = one.get(path).await.refused(404, "not_found");
        let _ = one.delete(path).await.refused(404, "not_found");
        let _ = one.put(path, &key(&["viewer"])).await.refused(404, "not_found");
        let _ = one.post(&format!("{path}/rotate"), &json!({})).await.refused(404, "not_found");
    }
    let _ = look(&other, &other.viewer).await.expect(200);
}

#[tokio::test]
async fn an_update_keeps_what_it_does_not_name_and_null_ends_the_expiry() {
    let customer = world().customer().await;
    let end = seconds_from_now(3_600);
    let made = customer.post(PATH, &json!({"name": "n", "roles": ["viewer"], "expires_at": end})).await.expect(201);
    let kept = customer.put(&path(&made), &json!({"name": "n2", "roles": ["editor"]})).await.expect(200);
    assert_eq!((&kept.body["expires_at"], &kept.body["name"]), (&json!(end), &json!("n2")));
    let renamed = customer.put(&path(&made), &json!({"name": "n3"})).await.expect(200);
    assert_eq!((&renamed.body["roles"], &renamed.body["expires_at"]), (&json!(["editor"]), &json!(end)));
    let same = customer.put(&path(&made), &json!({})).await.expect(200);
    assert_eq!(same.body["name"], "n3");
    let endless = customer.put(&path(&made), &json!({"expires_at": null})).await.expect(200);
    assert_eq!((&endless.body["expires_at"], &endless.body["name"]), (&Value::Null, &json!("n3")));
    let same = customer.put(&path(&made), &json!({"name": null, "roles": null})).await.expect(200);
    assert_eq!(same.body["name"], "n3");
}

#[tokio::test]
async fn an_unknown_field_is_named_with_the_nearest_one() {
    let customer = world().customer().await;
    let made = customer.post(PATH, &key(&["viewer"])).await.expect(201);
    let rotate = format!("{}/rotate", path(&made));
    let temporary = format!("{PATH}/temporary");
    for (path, body, field, nearest) in [
        (rotate.as_str(), json!({"overlap": 600}), "overlap", "`overlap_seconds`"),
        (&temporary, json!({"role": ["viewer"]}), "role", "`roles`"),
        (PATH, json!({"name": "a", "roles": ["viewer"], "expire_at": null}), "expire_at", "`expires_at`"),
    ] {
        let refused = customer.post(path, &body).await.refused(400, "invalid_request");
        assert!(refused.body["details"][field].as_str().unwrap().contains(nearest), "{}", refused.text);
    }
    // Nothing was done: the key is as it was.
    let shown = customer.get(&path(&made)).await.expect(200);
    assert_eq!((&shown.body["revoked_at"], &shown.body["replaced_by"]), (&Value::Null, &Value::Null));
    // The vendors' endpoints ignore what they do not know.
    let body = json!({"sso_instance_arn": "", "role_arn": "", "region": "eu-west-1", "more": 1});
    let _ = customer.put(&format!("{CONFIG}?more=1"), &body).await.expect(200);
    // An included role can be asked for.
    let made = customer.post(&temporary, &json!({"roles": ["viewer"]})).await.expect(201);
    assert!(made.body["secret_access_key"].is_string());
    let editor = customer.request_as(&customer.editor, "POST", &temporary).json(&json!({"roles": ["approver"]}));
    let _ = customer.send(editor).await.refused(400, "invalid_request");
}
