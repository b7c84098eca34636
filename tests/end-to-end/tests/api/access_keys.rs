//! Requests signed with access keys: every API, each client's signing, and refused signatures.

use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};
use trustplane_domain::ids::{CredentialId, TenantId};
use trustplane_end_to_end::{AccessKey, Client, Customer, Reply, Request, world};

use crate::identity_source::{ASSOCIATIONS, CONFIG, IDP, certificate, connected, new_idp};

const KEYS: &str = "/v1/api-keys";
const TEMPORARY: &str = "/v1/api-keys/temporary";
const INSTANCES: &str = "/v1/instances?limit=1&marker=";

/// Creates an access key. Returns it and its public id.
pub async fn access_key(customer: &Customer, roles: &[&str]) -> (AccessKey, String) {
    let wanted = json!({"name": "signer", "kind": "access_key", "roles": roles});
    let made = customer.post(KEYS, &wanted).await.expect(201).body;
    (AccessKey::of(&made), made["id"].as_str().unwrap().to_owned())
}

async fn temporary(customer: &Customer, wanted: &Value) -> AccessKey {
    AccessKey::of(&customer.post(TEMPORARY, wanted).await.expect(201).body)
}

/// Host of these tests' requests.
fn host() -> String {
    world().stack().url().replace("http://localhost", "127.0.0.1")
}

/// Signs a request as a client does.
pub fn signed(key: &AccessKey, client: Client, request: Request) -> Request {
    key.sign(request, client, &host(), OffsetDateTime::now_utc())
}

async fn send(key: &AccessKey, client: Client, request: Request) -> Reply {
    world().send(signed(key, client, request)).await
}

async fn get(key: &AccessKey, path: &str) -> Reply {
    send(key, Client::Python, Request::new("GET", path)).await
}

/// Replaces the value of this header.
fn with(request: Request, name: &str, value: &str) -> Request {
    request.without(name).header(name, value)
}

#[tokio::test]
async fn every_api_is_called_in_each_clients_way() {
    let customer = connected("healthy").await;
    let (lasting, _) = access_key(&customer, &["admin"]).await;
    let key = temporary(&customer, &json!({})).await;
    for key in [&lasting, &key] {
        for client in Client::ALL {
            let reply = send(key, client, Request::new("GET", INSTANCES)).await.expect(200);
            assert_eq!(reply.body["page_info"]["current_count"], 1, "{client:?}");
            let created = send(key, client, Request::new("POST", IDP).json(&new_idp(&certificate(-1, 9)))).await;
            let path = format!("{IDP}/{}", created.expect(201).body["idp_id"].as_str().unwrap());
            let settings = json!({"entity_id": "urn:\u{e9}", "login_url": "https://idp.example.com/?a=%2F&b"});
            let _ = send(key, client, Request::new("PUT", &path).json(&settings)).await.expect(200);
            let _ = send(key, client, Request::new("POST", &format!("{path}/enable"))).await.expect(200);
            let _ = send(key, client, Request::new("POST", &format!("{path}/disable"))).await.expect(200);
            let _ = send(key, client, Request::new("DELETE", &path)).await.expect(200);
            let config = Request::new("GET", CONFIG).header("x-tenant-id", &customer.tenant);
            let _ = send(key, client, config).await.expect(200);
            let organisation = format!("o~{client:?}.{}", key.id.len());
            let new = json!({"OrganisationId": organisation, "OrganisationName": "Example"});
            let created = send(key, client, Request::new("POST", "/organisations").json(&new)).await;
            assert!(created.status < 300, "{}", created.text);
            // API Gateway passes the path decoded. Verification encodes it again.
            let path = format!("/organisations/{}", organisation.replace('~', "%7E").replace('o', "%6f"));
            let _ = send(key, client, Request::new("GET", &path)).await.expect(200);
        }
    }
}

#[tokio::test]
async fn a_signed_read_is_one_round_trip_and_a_secret_is_derived_beside_it() {
    let customer = connected("healthy").await;
    let (key, _) = access_key(&customer, &["viewer"]).await;
    let _ = customer.get(ASSOCIATIONS).await.expect(200);
    // Records the first use of the day.
    let _ = get(&key, ASSOCIATIONS).await.expect(200);
    let again = get(&key, ASSOCIATIONS).await.expect(200);
    let cost = customer.cost(&again).await;
    assert_eq!((cost.dynamodb_calls, cost.dynamodb_round_trips), (1, 1));
    // None if this process has derived it before.
    assert!(cost.aws_calls <= 1, "{cost:?}");
}

#[tokio::test]
async fn what_was_not_signed_so_is_refused() {
    let customer = connected("healthy").await;
    let (key, id) = access_key(&customer, &["admin"]).await;
    let body = new_idp(&certificate(-1, 9));
    let request = || Request::new("POST", &format!("{IDP}?a=1&b=2")).json(&body);
    let good = || signed(&key, Client::Python, request());
    let authorization = good().headers.iter().find(|(name, _)| name == "authorization").unwrap().1.clone();
    let told = |from: &str, to: &str| with(good(), "authorization", &authorization.replace(from, to));
    let other = AccessKey { secret: format!("{}x", key.secret), ..key.clone() };
    // Well-formed ids: of a credential that does not exist, of a bearer token, and of no credential.
    let nobodys = CredentialId::new(TenantId::parse(&customer.tenant).unwrap(), [7; 8]);
    let nobodys = AccessKey { id: format!("TPAK{nobodys}"), ..key.clone() };
    let of_a_token = AccessKey { id: format!("TPAK{}", &customer.admin[4..42]), ..key.clone() };
    let (rest, last) = key.id.split_at(key.id.len() - 1);
    let made_up = AccessKey { id: format!("{rest}{}", if last == "x" { "y" } else { "x" }), ..key.clone() };
    // None of them costs a call to KMS: the secret is derived for a credential that was read and is valid.
    for seed in 0..30 {
        let stranger = CredentialId::new(TenantId::parse(&customer.tenant).unwrap(), [seed; 8]);
        let stranger = AccessKey { id: format!("TPAK{stranger}"), ..key.clone() };
        let refused = world().send(signed(&stranger, Client::Python, request())).await.refused(401, "APIGW.0301");
        let cost = customer.cost(&refused).await;
        assert_eq!((cost.dynamodb_calls, cost.aws_calls), (1, 0), "{seed}");
    }
    let as_temporary = AccessKey { security_token: Some("TPST0000000000000000000000".to_owned()), ..key.clone() };
    let unsigned = with(good(), "x-sdk-content-sha256", "UNSIGNED-PAYLOAD");
    let tries = [
        ("another secret", signed(&other, Client::Python, request())),
        ("nobody's id", signed(&nobodys, Client::Python, request())),
        ("a token's id", signed(&of_a_token, Client::Python, request())),
        ("an id that is none", signed(&made_up, Client::Python, request())),
        ("a security token that is none", signed(&as_temporary, Client::Python, request())),
        ("another body", good().json(&new_idp("x"))),
        ("no body", Request { body: Vec::new(), ..good() }),
        ("another query", Request { path: format!("{IDP}?a=1&b=3"), ..good() }),
        ("another path", Request { path: format!("{}?a=1&b=2", IDP.replace("d-1", "d-2")), ..good() }),
        ("another method", Request { method: "GET".to_owned(), ..good() }),
        ("another user agent", with(good(), "user-agent", "another")),
        ("a header that is gone", good().without("x-domain-id")),
        ("another date", with(good(), "x-sdk-date", "20260101T000000Z")),
        ("no date", good().without("x-sdk-date")),
        ("the date not signed", told(";x-sdk-date", "")),
        ("another algorithm", told("SDK-HMAC-SHA256", "SDK-HMAC-SM3")),
        ("another scheme", told("SDK-HMAC-SHA256", "V11-HMAC-SHA256")),
        ("no signature", with(good(), "authorization", authorization.split(", Signature").next().unwrap())),
        ("a payload said to be unsigned", Request { body: b"{}".to_vec(), ..unsigned }),
        ("a token beside it", good().header("x-api-key", &customer.admin)),
    ];
    for (what, request) in tries {
        let date = what == "another date";
        let refused = world().send(request).await.refused(401, if date { "APIGW.0303" } else { "APIGW.0301" });
        assert!(!refused.text.contains(&key.id) && !refused.text.contains("content-type:"), "{what}: {}", refused.text);
        let message = refused.body["error_msg"].as_str().unwrap();
        let wanted = if date { "15 minutes" } else { "Incorrect IAM authentication information: " };
        assert!(message.contains(wanted), "{what}: {message}");
        if what == "an id that is none" {
            let cost = customer.cost(&refused).await;
            assert_eq!((cost.dynamodb_calls, cost.aws_calls), (0, 0), "nothing is asked for");
        }
    }
    assert!(world().stack().logs().iter().all(|line| !line.text.contains(&key.secret)));
    // Nothing was created, and the key still works.
    assert_eq!(get(&key, IDP).await.expect(200).body, json!({"associations": []}));
    assert_eq!(&key.id[4..], id);
}

#[tokio::test]
async fn clocks_may_be_off_by_fifteen_minutes() {
    let customer = connected("healthy").await;
    let (key, _) = access_key(&customer, &["viewer"]).await;
    let at = |minutes: i64, path: &str| {
        let request = Request::new("GET", path).header("x-tenant-id", &customer.tenant);
        world().send(key.sign(request, Client::Go, &host(), OffsetDateTime::now_utc() + Duration::minutes(minutes)))
    };
    for minutes in [-14, 14] {
        let _ = at(minutes, IDP).await.expect(200);
    }
    for minutes in [-16, 16] {
        let refused = at(minutes, IDP).await.refused(401, "APIGW.0303");
        let cost = customer.cost(&refused).await;
        assert_eq!((cost.dynamodb_calls, cost.aws_calls), (0, 0));
        let _ = at(minutes, CONFIG).await.refused(401, "unauthenticated");
        let _ = at(minutes, "/organisations").await.expect(401);
    }
    // A retry has the signature of the first attempt.
    let request = signed(&key, Client::Node, Request::new("GET", IDP));
    for _ in 0..2 {
        let _ = world().send(request.clone()).await.expect(200);
    }
}

#[tokio::test]
async fn the_tenant_is_the_credentials() {
    let (customer, stranger) = (connected("healthy").await, connected("healthy").await);
    let (key, _) = access_key(&customer, &["viewer"]).await;
    let request = Request::new("GET", IDP).header("x-tenant-id", &stranger.tenant);
    let _ = send(&key, Client::Python, request).await.refused(403, "IIC.1001");
    let request = Request::new("GET", IDP).header("x-project-id", &stranger.tenant);
    let _ = send(&key, Client::Python, request).await.expect(200);
    let (too_small, _) = access_key(&customer, &["viewer"]).await;
    let request = Request::new("POST", IDP).json(&new_idp(&certificate(-1, 9)));
    let _ = send(&too_small, Client::Python, request).await.refused(403, "IIC.1000");
}

#[tokio::test]
async fn a_revoked_key_is_ended_and_what_was_made_of_it_with_it() {
    let customer = connected("healthy").await;
    let (key, id) = access_key(&customer, &["editor", "viewer"]).await;
    let asked = Request::new("POST", TEMPORARY).header("x-tenant-id", &customer.tenant).json(&json!({}));
    let child = AccessKey::of(&send(&key, Client::Python, asked).await.expect(201).body);
    let write = || Request::new("POST", IDP).json(&new_idp(&certificate(-1, 9)));
    let _ = get(&child, IDP).await.expect(200);
    // With fewer roles, the child has fewer roles too.
    let fewer = json!({"name": "signer", "roles": ["viewer"]});
    let _ = customer.put(&format!("{KEYS}/{id}"), &fewer).await.expect(200);
    for one in [&key, &child] {
        let _ = send(one, Client::Go, write()).await.refused(403, "IIC.1000");
        let _ = get(one, IDP).await.expect(200);
    }
    let _ = customer.delete(&format!("{KEYS}/{id}")).await.expect(204);
    for one in [&key, &child] {
        let _ = get(one, IDP).await.refused(401, "APIGW.0301");
    }
}

#[tokio::test]
async fn a_temporary_key_is_its_id_its_secret_and_its_token_together() {
    let customer = connected("healthy").await;
    let made = customer.post(TEMPORARY, &json!({"duration_seconds": 900, "roles": ["admin"]})).await.expect(201);
    let cost = customer.cost(&made).await;
    // One read, one audit record, and the derivation of the secret.
    assert_eq!((cost.dynamodb_calls, cost.dynamodb_round_trips, cost.aws_calls), (2, 2, 1));
    let key = AccessKey::of(&made.body);
    assert!(key.id.contains(&customer.admin[4..42]), "{}", key.id);
    let other = temporary(&customer, &json!({})).await;
    let _ = get(&key, IDP).await.expect(200);
    let wrong = [
        AccessKey { security_token: None, ..key.clone() },
        AccessKey { security_token: Some(String::new()), ..key.clone() },
        AccessKey { security_token: other.security_token.clone(), ..key.clone() },
        AccessKey { id: other.id.clone(), ..key.clone() },
        AccessKey { secret: other.secret.clone(), ..key.clone() },
    ];
    for client in Client::ALL {
        for wrong in &wrong {
            let _ = send(wrong, client, Request::new("GET", IDP)).await.refused(401, "APIGW.0301");
        }
        // Headers that the client does not sign: removed on the way, or replaced by those of another request.
        let request = signed(&key, client, Request::new("GET", IDP));
        let _ = world().send(request.clone().without("x-security-token")).await.refused(401, "APIGW.0301");
        let swapped = with(request, "x-security-token", other.security_token.as_deref().unwrap());
        let _ = world().send(swapped).await.refused(401, "APIGW.0301");
    }
}

#[tokio::test]
async fn a_temporary_key_makes_no_keys_and_is_kept_nowhere() {
    let customer = connected("healthy").await;
    let listed = customer.get(KEYS).await.expect(200);
    let key = temporary(&customer, &json!({})).await;
    assert_eq!(
        customer.get(KEYS).await.expect(200).body["data"].as_array().unwrap().len(),
        listed.body["data"].as_array().unwrap().len()
    );
    let ask = |method: &str, path: &str, body: &Value| {
        let request = Request::new(method, path).header("x-tenant-id", &customer.tenant).json(body);
        signed(&key, Client::Python, request)
    };
    let new = json!({"name": "another", "roles": ["viewer"]});
    for (method, path, body) in [
        ("POST", KEYS.to_owned(), new.clone()),
        ("POST", TEMPORARY.to_owned(), json!({})),
        ("PUT", format!("{KEYS}/{}", &customer.admin[4..42]), new),
        ("POST", format!("{KEYS}/{}/rotate", &customer.admin[4..42]), json!({})),
    ] {
        let refused = world().send(ask(method, &path, &body)).await.refused(403, "forbidden");
        assert!(refused.text.contains("temporary"), "{}", refused.text);
    }
    let table = crate::table::table(world());
    let tenant = TenantId::parse(&customer.tenant).unwrap();
    let records = crate::table::audit_records(&table, tenant, "create-temporary-api-key").await;
    assert_eq!(records.len(), 1);
    assert_eq!((&records[0]["resource_id"], &records[0]["after"]["kind"]), (&json!(key.id), &json!("temporary")));
    let text = records[0].to_string();
    assert!(!text.contains(&key.secret) && !text.contains(key.security_token.as_deref().unwrap()), "{text}");
}

#[tokio::test]
async fn what_a_temporary_key_may_is_no_more_than_who_asks() {
    let customer = world().customer().await;
    let ask = |token: &str, body: Value| customer.send(customer.request_as(token, "POST", TEMPORARY).json(&body));
    let refused = ask(&customer.viewer, json!({"roles": ["viewer", "admin"], "duration_seconds": 899})).await;
    let refused = refused.refused(400, "invalid_request");
    assert!(refused.body["details"]["roles"].is_string() && refused.body["details"]["duration_seconds"].is_string());
    for wrong in [json!({"roles": []}), json!({"roles": ["root"]}), json!({"duration_seconds": "x"}), json!([])] {
        assert_eq!(ask(&customer.viewer, wrong.clone()).await.status, 400, "{wrong}");
    }
    // An admin is a viewer too.
    let made = customer.post(TEMPORARY, &json!({"roles": ["viewer"]})).await.expect(201).body;
    let key = AccessKey::of(&made);
    let config = || Request::new("GET", CONFIG).header("x-tenant-id", &customer.tenant);
    let _ = send(&key, Client::Python, config()).await.expect(200);
    let change = Request::new("DELETE", CONFIG).header("x-tenant-id", &customer.tenant);
    let _ = send(&key, Client::Python, change).await.expect(403);
    let made = ask(&customer.viewer, json!({"duration_seconds": 86_400})).await.expect(201).body;
    let _ = send(&AccessKey::of(&made), Client::Terraform, config()).await.expect(200);
    // Without a body it lasts an hour.
    let made = customer.send(customer.request("POST", TEMPORARY)).await.expect(201).body;
    let ends = trustplane_domain::Timestamp::parse(made["expires_at"].as_str().unwrap()).unwrap();
    let left = ends.millis_since(trustplane_domain::Timestamp::now());
    assert!((3_500_000..=3_601_000).contains(&left), "{left}");
}

#[tokio::test]
async fn a_retry_is_answered_without_the_secret() {
    let customer = world().customer().await;
    let ask = || customer.send(customer.request("POST", TEMPORARY).header("idempotency-key", "one"));
    let (first, again) = (ask().await.expect(201).body, ask().await.expect(201).body);
    assert_eq!(first["access_key_id"], again["access_key_id"]);
    assert!(first["secret_access_key"].is_string() && again["secret_access_key"].is_null());
}
