//! Uses every endpoint once, as intended, and checks its cost. A POST that is repeated with the same `Idempotency-Key`
//! gets the same response and changes nothing. The table of functions drives the test: a function without a step fails
//! it.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use trustplane_domain::Timestamp;
use trustplane_domain::ids::{CredentialId, TenantId};
use trustplane_domain::timestamp::DAY;
use trustplane_domain::webhook::{Delivery, DeliveryId, WebhookId};
use trustplane_end_to_end::{Customer, Reply, world};
use trustplane_runtime::{Dialect, Function, Route, routes};
use trustplane_store::{Idempotency, Writes};

use crate::identity_center::{BASE, CONFIG, config, connected, organization};
use crate::identity_source::metadata_server::{MetadataServer, document};
use crate::identity_source::{ASSOCIATIONS, IDP, STORE, certificate, import, new_idp};
use crate::table::{part, read, table, write};

/// DynamoDB round trips of functions that differ from one per read and two per write, with the reason.
const OTHERWISE: &[(&str, u64)] = &[
    // Needs no credential.
    ("get-health", 0),
    ("get-setup-asset", 0),
    ("get-setup-page", 0),
    // The keys of the second read are in the items of the first.
    ("get-sso-configuration-reference", 2),
    ("get-sso-route", 2),
    ("list-sso-configuration-domains", 2),
    ("list-sso-configuration-references", 2),
    // The tenant's budget of calls to AWS is counted before AWS is asked: one write; a test counts two budgets.
    ("commit-external-id-rotation", 3),
    ("test-identity-center-connection", 4),
    // Two budgets, since the role is not proven; then AWS returns the store's id, the function reads the store's provider, and
    // writes what it learned.
    ("list-identity-store-associations", 5),
    // The request starts over with the document, after the tenant's budget of outgoing requests is counted.
    ("refresh-external-idp", 4),
    // The tenant's budget of outgoing requests is counted before one is sent.
    ("test-authorisation-server", 3),
    ("test-external-idp", 3),
    // The events are counted: one listing per 400 of them or 1 MB.
    ("replay-webhook", 3),
    // They write nothing.
    ("create-bootstrap-template", 1),
    ("evaluate-policies", 1),
    ("preview-external-idp", 1),
];

/// Creations whose first child counts the level in one more round trip.
const COUNTING: [&str; 3] = ["create-authorisation-server", "create-organisation", "create-sso-configuration"];

/// POSTs that change nothing, whose repetition does no harm, or whose response must not be stored: a repetition is served anew.
const ANSWERING: [&str; 8] = [
    "create-bootstrap-template",
    "create-setup-session",
    "evaluate-policies",
    "explain-external-idp-response",
    "preview-external-idp",
    "replay-webhook",
    "retry-webhook-delivery",
    "test-webhook",
];

/// Fields that only the first response shows.
const SECRETS: [&str; 3] = ["secret", "secret_access_key", "token"];

struct Story {
    customer: Customer,
    seen: BTreeSet<&'static str>,
    /// Costs that differ from the allowed ones.
    dear: Vec<String>,
}

impl Story {
    /// Sends a request as the admin, and compares its cost with the function's allowed cost.
    async fn step(&mut self, method: &str, path: &str, body: Value) -> Reply {
        let token = self.customer.admin.clone();
        self.step_as(&token, method, path, body).await
    }

    async fn step_as(&mut self, token: &str, method: &str, path: &str, body: Value) -> Reply {
        let plain = path.split('?').next().unwrap();
        let found = routes().find(|(_, route)| route.method == method && route.matches(plain));
        let (function, route): (&Function, &Route) = found.unwrap_or_else(|| panic!("{method} {path}"));
        let key = format!("{}-{}", function.name, self.seen.len());
        let request = |body: &Value| {
            let request = self.customer.request_as(token, method, path);
            let request = if body.is_null() { request } else { request.json(body) };
            if method == "POST" { request.header("idempotency-key", &key) } else { request }
        };
        let reply = self.customer.send(request(&body)).await.expect(route.status);
        let usual = if method == "GET" { 1 } else { 2 };
        let allowed = OTHERWISE.iter().find(|(name, _)| *name == function.name).map_or(usual, |(_, trips)| *trips);
        let allowed = allowed + u64::from(COUNTING.contains(&function.name) && !self.seen.contains(function.name));
        let cost = self.customer.cost(&reply).await;
        // In addition to the read by keys, at most one listing is allowed, in the same round trip: to list, or to check
        // before a deletion that nothing is left below.
        let lists = match method {
            // The rows of the organization are in two halves of the table, of which one is shown.
            "GET" if path.starts_with("/v1/aws/") => 2,
            // Records, and the seals that hold them.
            "GET" if path == "/v1/audit-log" => 2,
            "GET" | "DELETE" => 1,
            _ => 0,
        };
        if cost.dynamodb_round_trips != allowed || cost.dynamodb_calls > allowed + lists {
            self.dear.push(format!("{}: {cost:?}", function.name));
        }
        if method == "POST" && !ANSWERING.contains(&function.name) {
            let records = self.records().await;
            let again = self.customer.send(request(&body)).await.expect(route.status);
            let mut kept = reply.body.clone();
            for secret in SECRETS {
                if let Some(shown) = kept.get_mut(secret) {
                    assert!(shown.is_string(), "{}", function.name);
                    *shown = Value::Null;
                }
            }
            if function.name == "create-setup-link" {
                kept["url"] = Value::Null;
            }
            assert_eq!(again.body, kept, "{}", function.name);
            assert_eq!(again.header("etag"), reply.header("etag"), "{}", function.name);
            let replayed = [&reply, &again].map(|reply| reply.header("idempotency-replayed"));
            assert_eq!(replayed, [None, Some("true")], "{}", function.name);
            let cost = self.customer.cost(&again).await;
            assert_eq!((cost.dynamodb_round_trips, cost.aws_calls), (1, 0), "{}", function.name);
            // A different body with the same key is a different request, if only by a line feed.
            let other = if body.is_object() { body } else { json!({}) };
            let refused = request(&other).raw(format!("{other}\n").into_bytes());
            let refused = self.customer.send(refused).await.expect(422);
            let code = ["code", "error_code"].iter().find_map(|field| refused.body[*field].as_str());
            let said = match route.dialect {
                Dialect::Integration => Some("idempotency_mismatch"),
                Dialect::IdentitySource => Some("IIC.422"),
                Dialect::Directory => None,
            };
            assert_eq!(code, said, "{}: {}", function.name, refused.text);
            assert_eq!(self.records().await, records, "{}", function.name);
        }
        self.seen.insert(function.name);
        reply
    }

    /// Returns the number of audit records.
    async fn records(&self) -> usize {
        let part = part(TenantId::parse(&self.customer.tenant).unwrap());
        table(world()).load(part.audit_records()).await.unwrap().rows.len()
    }
}

fn id(reply: &Reply, field: &str) -> String {
    reply.body[field].as_str().unwrap_or_else(|| panic!("no {field}: {}", reply.text)).to_owned()
}

#[tokio::test]
async fn costs_what_it_may_and_is_done_once() {
    let (customer, role) = connected().await;
    let (approver, tenant, external_id) =
        (customer.approver.clone(), customer.tenant.clone(), customer.external_id.clone());
    let mut story = Story { customer, seen: BTreeSet::new(), dear: Vec::new() };
    let none = Value::Null;
    let _ = story.step("GET", "/healthz", none.clone()).await;
    let _ = story.step("GET", "/setup", none.clone()).await;
    let _ = story.step("GET", "/setup/theme.css", none.clone()).await;

    // The connection.
    let mut elsewhere = config(&role);
    elsewhere["region"] = json!("eu-west-1");
    let _ = story.step("PUT", CONFIG, elsewhere).await;
    let _ = story.step("POST", &format!("{CONFIG}/versions/1/restore"), none.clone()).await;
    let _ = story.step("GET", CONFIG, none.clone()).await;
    let _ = story.step("GET", &format!("{CONFIG}/versions"), none.clone()).await;
    let _ = story.step("GET", ASSOCIATIONS, none.clone()).await;
    let _ = story.step("GET", "/v1/instances", none.clone()).await;
    let _ = story.step("POST", &format!("{BASE}/test"), none.clone()).await;
    let _ = story.step("GET", &format!("{BASE}/test"), none.clone()).await;
    let _ = story.step("GET", &format!("{BASE}/external-id"), none.clone()).await;
    let _ = story.step("POST", &format!("{BASE}/external-id/rotate"), none.clone()).await;
    let _ = story.step("POST", &format!("{BASE}/external-id/cancel"), none.clone()).await;
    let rotated = story.step("POST", &format!("{BASE}/external-id/rotate"), none.clone()).await;
    organization().trust_role(&role, &[&external_id, &id(&rotated, "external_id_pending")]);
    let _ = story.step("POST", &format!("{BASE}/external-id/commit"), none.clone()).await;
    let account = json!({"aws_account_id": "123456789012", "sso_instance_arn": config(&role)["sso_instance_arn"], "region": "us-east-1"});
    let _ = story.step("POST", &format!("{BASE}/bootstrap-template"), account).await;
    let _ = story.step("POST", "/v1/aws/sync", none.clone()).await;
    for path in ["/v1/aws/accounts", "/v1/aws/permission-sets", "/v1/aws/assignments"] {
        let _ = story.step("GET", path, none.clone()).await;
    }

    // The identity source.
    let _ = story.step("POST", &format!("{IDP}/preview"), new_idp(&certificate(-1, 100))).await;
    let made = story.step("POST", IDP, new_idp(&certificate(-1, 100))).await;
    let provider = format!("{IDP}/{}", id(&made, "idp_id"));
    let settings = json!({"entity_id": "urn:example:idp", "login_url": "https://login.example.com/"});
    let _ = story.step("PUT", &provider, settings).await;
    let _ = story.step("GET", IDP, none.clone()).await;
    let certificates = format!("{provider}/certificate");
    let second = story.step("POST", &certificates, import(&certificate(-1, 30))).await;
    let _ = story.step("GET", &certificates, none.clone()).await;
    let _ = story.step("POST", &format!("{provider}/enable"), none.clone()).await;
    let _ = story.step("DELETE", &format!("{certificates}/{}", id(&second, "certificate_id")), none.clone()).await;
    let _ = story.step("POST", &format!("{provider}/disable"), none.clone()).await;
    let server = MetadataServer::start(world()).await;
    server.serve(&document(&[&certificate(-1, 100)]));
    let _ = story.customer.put(&provider, &json!({"idp_saml_metadata_url": server.url()})).await.expect(200);
    let _ = story.step("POST", &format!("{provider}/refresh"), json!({})).await;
    let _ = story.step("POST", &format!("{provider}/test"), none.clone()).await;
    let _ = story.step("GET", &format!("{provider}/test"), none.clone()).await;
    let response = "<p:Response xmlns:p=\"urn:oasis:names:tc:SAML:2.0:protocol\"/>";
    let _ = story.step("POST", &format!("{provider}/explain"), json!({"saml_response": response})).await;
    let _ = story.step("DELETE", &provider, none.clone()).await;
    let store = format!("/v1/identity-stores/{STORE}");
    let own = format!("{store}/saml-certificates");
    let first = story.step("POST", &own, json!({})).await;
    let second = story.step("POST", &own, json!({})).await;
    let _ = story.step("POST", &format!("{own}/{}/active", id(&first, "certificate_id")), none.clone()).await;
    let _ = story.step("DELETE", &format!("{own}/{}", id(&second, "certificate_id")), none.clone()).await;
    let _ = story.step("GET", &own, none.clone()).await;
    let _ = story.step("GET", &format!("{store}/sp-config"), none.clone()).await;

    // The directory.
    let organisation = json!({"OrganisationId": "acme", "OrganisationName": "Acme"});
    let _ = story.step("POST", "/organisations", organisation).await;
    let renamed = json!({"OrganisationName": "Acme Ltd", "Status": "Active"});
    let _ = story.step("PUT", "/organisations/acme", renamed).await;
    let _ = story.step("GET", "/organisations/acme", none.clone()).await;
    let _ = story.step("GET", "/organisations", none.clone()).await;
    let servers = "/organisations/acme/authorisationservers";
    let made = story.step("POST", servers, json!({"CustomerFriendlyName": "Acme"})).await;
    let server = format!("{servers}/{}", id(&made, "AuthorisationServerId"));
    let nobody = "https://nobody.localhost:1/.well-known/openid-configuration";
    let facts = json!({"CustomerFriendlyName": "Sign in", "Status": "Active", "OpenIDDiscoveryDocument": nobody});
    let _ = story.step("PUT", &server, facts).await;
    let _ = story.step("POST", &format!("{server}/test"), none.clone()).await;
    let _ = story.step("GET", &format!("{server}/test"), none.clone()).await;
    let _ = story.step("GET", &server, none.clone()).await;
    let _ = story.step("GET", servers, none.clone()).await;
    let configurations = format!("{server}/sso-configuration");
    let staff = json!({"DisplayName": "Staff", "Contacts": ["it@acme.example"]});
    let made = story.step("POST", &configurations, staff).await;
    let configuration_id = id(&made, "ID");
    let configuration = format!("{configurations}/{configuration_id}");
    let all = json!({"DisplayName": "All staff", "Contacts": ["it@acme.example"], "Status": "Active"});
    let _ = story.step("PUT", &configuration, all).await;
    let _ = story.step("GET", &configuration, none.clone()).await;
    let _ = story.step("GET", &configurations, none.clone()).await;
    let versions = format!("{configuration}/versions");
    let mut content = crate::versions::content();
    let domain = format!("{}.example", &tenant[..8]);
    content["SupportedDomains"] = json!([domain]);
    content["RestrictedDomains"] = json!([]);
    let made = story.step("POST", &versions, content.clone()).await;
    let version = format!("{versions}/{}", id(&made, "ID"));
    let _ = story.step("GET", &version, none.clone()).await;
    let _ = story.step("GET", &versions, none.clone()).await;
    let shown = story.step("GET", &format!("{configuration}/domains"), none.clone()).await;
    let record = |field: &str| shown.body["content"][0][field].as_str().unwrap().to_owned();
    world().stack().dns().set_text(&record("RecordName"), &record("RecordValue"));
    let _ = story.step("POST", &format!("{configuration}/domains/{domain}/verify"), none.clone()).await;
    content["Status"] = json!("Active");
    let _ = story.step_as(&approver, "PUT", &version, content.clone()).await;
    let _ = story.step("GET", &format!("/v1/sso/route?email=ada@{domain}"), none.clone()).await;
    let _ = story.step("GET", "/references/users/sso-configurations", none.clone()).await;
    let reference = format!("/references/users/sso-configurations/{configuration_id}");
    let _ = story.step("GET", &reference, none.clone()).await;
    let _ = story.step("GET", "/references/resources/openid-provider-public-key", none.clone()).await;
    content["Status"] = json!("Inactive");
    let _ = story.step_as(&approver, "PUT", &version, content.clone()).await;
    content.as_object_mut().unwrap().remove("Status");
    let other = story.step("POST", &versions, content).await;
    let _ = story.step("DELETE", &format!("{versions}/{}", id(&other, "ID")), none.clone()).await;
    let brief = json!({"DisplayName": "Brief", "Contacts": ["it@acme.example"]});
    let brief = story.step("POST", &configurations, brief).await;
    let _ = story.step("DELETE", &format!("{configurations}/{}", id(&brief, "ID")), none.clone()).await;

    // Keys.
    let keys = "/v1/api-keys";
    for kind in ["bearer", "access_key"] {
        let made = story.step("POST", keys, json!({"name": "deploy", "kind": kind, "roles": ["viewer"]})).await;
        let key = format!("{keys}/{}", id(&made, "id"));
        let _ = story.step("PUT", &key, json!({"name": "release", "roles": ["viewer"]})).await;
        let _ = story.step("GET", &key, none.clone()).await;
        let rotated = story.step("POST", &format!("{key}/rotate"), json!({"overlap_seconds": 60})).await;
        let _ = story.step("DELETE", &format!("{keys}/{}", id(&rotated, "id")), none.clone()).await;
    }
    let _ = story.step("GET", keys, none.clone()).await;
    let _ = story.step("GET", "/v1/whoami", none.clone()).await;
    let _ = story.step("POST", "/v1/api-keys/temporary", json!({})).await;
    let question = json!({
        "principal": {"roles": ["editor"]},
        "action": "put-identity-center-config",
        "resource": {"type": "integration", "id": "aws-identity-center"},
    });
    let _ = story.step("POST", "/v1/policies/evaluate", question).await;
    let _ = story.step("GET", "/v1/audit-log", none.clone()).await;
    let _ = story.step("GET", "/v1/event-types", none.clone()).await;
    let _ = story.step("DELETE", CONFIG, none.clone()).await;

    // Notices.
    let contacts = json!({"contacts": ["identity-team@acme.example"]});
    let _ = story.step("PUT", "/v1/notification-contacts", contacts).await;
    let _ = story.step("GET", "/v1/notification-contacts", none.clone()).await;

    // Webhooks.
    let hooks = "/v1/webhooks";
    let wanted = json!({"url": "https://hooks.localhost:1/", "events": ["tenant.suspended"]});
    let made = story.step("POST", hooks, wanted.clone()).await;
    let hook = format!("{hooks}/{}", id(&made, "id"));
    let _ = story.step("GET", hooks, none.clone()).await;
    let _ = story.step("GET", &hook, none.clone()).await;
    let mut disabled = wanted;
    disabled["enabled"] = json!(false);
    let _ = story.step("PUT", &hook, disabled.clone()).await;
    disabled["enabled"] = json!(true);
    let _ = story.step("PUT", &hook, disabled).await;
    let _ = story.step("POST", &format!("{hook}/rotate-secret"), json!({"overlap_seconds": 60})).await;
    let _ = story.step("POST", &format!("{hook}/test"), none.clone()).await;
    let (webhook, at) = (WebhookId::parse(&id(&made, "id")).unwrap(), Timestamp::now());
    let delivery = DeliveryId::parse(&trustplane_domain::audit_chain::ids_at(at).0).unwrap();
    let part_of_hook = part(TenantId::parse(&tenant).unwrap());
    let key = part_of_hook.delivery(webhook, &delivery);
    let delivery = Delivery::new(delivery, webhook, "policy.saved", at, at.plus_millis(DAY));
    write(&table(world()), part_of_hook.id(), Writes::new().create(&key, &delivery)).await;
    let _ = story.step("GET", &format!("{hook}/deliveries"), none.clone()).await;
    let _ = story.step("POST", &format!("{hook}/deliveries/{}/retry", delivery.id), none.clone()).await;
    let range = json!({"from": at.plus_millis(-DAY), "to": at, "events": ["*"]});
    let _ = story.step("POST", &format!("{hook}/replay"), range).await;
    let _ = story.step("DELETE", &hook, none.clone()).await;

    // Setup links.
    let links = "/v1/setup-links";
    let made = story.step("POST", links, json!({"sections": ["aws-identity-center"], "label": "Ada"})).await;
    let link = format!("{links}/{}", id(&made, "id"));
    let _ = story.step("GET", links, none.clone()).await;
    let _ = story.step("GET", &link, none.clone()).await;
    let secret = made.body["url"].as_str().unwrap().split_once('#').unwrap().1.to_owned();
    let _ = story.step("POST", "/v1/setup-sessions", json!({"secret": secret, "session_secret": "A".repeat(43)})).await;
    let _ = story.step("DELETE", &link, none.clone()).await;

    // Policies come last. Another test covers the additional read of policies.
    let _ = story.step("GET", "/v1/policies", none.clone()).await;
    let _ = story.step("GET", "/v1/policies/schema", none.clone()).await;
    let _ = story.step("GET", "/v1/policies/built-in.viewer", none.clone()).await;
    let policy =
        json!({"text": "forbid (principal, action, resource) when { principal.age_days < 0 };", "enabled": true});
    let _ = story.step("PUT", "/v1/policies/never", policy).await;
    let reply = story.customer.delete("/v1/policies/never").await.expect(204);
    let cost = story.customer.cost(&reply).await;
    assert!(cost.dynamodb_round_trips <= 3, "{cost:?}");
    story.seen.insert("delete-policy");

    assert_eq!(story.dear, [] as [String; 0]);
    let all: BTreeSet<&str> = routes().map(|(function, _)| function.name).collect();
    let missing: Vec<&&str> = all.difference(&story.seen).collect();
    assert!(missing.is_empty(), "not in the story: {missing:?}");
}

#[tokio::test]
async fn a_kept_reply_is_forgotten_after_a_day() {
    let customer = world().customer().await;
    let body = json!({"name": "deploy", "roles": ["viewer"]});
    let make = || customer.send(customer.request("POST", "/v1/api-keys").header("idempotency-key", "one").json(&body));
    let first = id(&make().await.expect(201), "id");
    assert_eq!(id(&make().await.expect(201), "id"), first);

    let part = part(TenantId::parse(&customer.tenant).unwrap());
    let admin = CredentialId::parse(&customer.admin[4..42]).unwrap();
    let (table, key) = (table(world()), part.idempotency(admin, "one"));
    let kept = read::<Idempotency>(&table, &key).await;
    let left = kept.value.kept_until.millis_since(Timestamp::now());
    assert!((DAY - 60_000..=DAY).contains(&left), "{left}");
    // The record expires before it is deleted.
    let over = Idempotency { kept_until: Timestamp::now(), ..kept.value.clone() };
    write(&table, part.id(), Writes::new().replace(&kept, &over)).await;
    let second = id(&make().await.expect(201), "id");
    assert_ne!(second, first);
    assert_eq!(id(&make().await.expect(201), "id"), second);
}
