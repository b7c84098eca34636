//! Tests of providers that are described by the URL of their metadata: preview, creation, update, refresh by a caller, and
//! who sees the URL.

use serde_json::{Value, json};
use trustplane_domain::identity_provider::IdentityProvider;
use trustplane_domain::ids::TenantId;
use trustplane_domain::{Timestamp, timestamp::MINUTE};
use trustplane_end_to_end::{Customer, Reply, world};
use trustplane_local::API_HOST;
use trustplane_store::Writes;

use super::metadata_server::{ENTITY, MetadataServer, Seen, TOKEN, document, document_of};
use super::{IDP, STORE, certificate, connected, import, new_idp};
use crate::policies::save;
use crate::table::{audit_records, part, read, table, write};

const PREVIEW: &str = "/v1/identity-stores/d-1234567890/external-idp/preview";

/// A customer whose provider follows a server.
struct Scene {
    customer: Customer,
    server: MetadataServer,
    path: String,
}

impl Scene {
    async fn set(certificates: &[&str], more: Value) -> Self {
        let customer = connected("healthy").await;
        let server = MetadataServer::start(world()).await;
        server.serve(&document(certificates));
        let mut body = json!({"idp_saml_metadata_url": server.url()});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let made = customer.post(IDP, &body).await.expect(201);
        let path = format!("{IDP}/{}", made.body["idp_id"].as_str().unwrap());
        assert_eq!(server.requests(), [Seen::Whole]);
        Self { customer, server, path }
    }

    async fn shown(&self) -> Value {
        self.customer.get(IDP).await.expect(200).body["associations"][0].clone()
    }

    async fn certificates(&self) -> Vec<Value> {
        let listed = self.customer.get(&format!("{}/certificate", self.path)).await.expect(200);
        listed.body["idp_certificates"].as_array().unwrap().clone()
    }

    /// Refreshes as the admin, as if a minute had passed since the last refresh.
    async fn refresh(&self, body: &Value) -> Reply {
        let tenant = TenantId::parse(&self.customer.tenant).unwrap();
        let (table, key) = (table(world()), part(tenant).identity_provider(STORE));
        let before = read::<IdentityProvider>(&table, &key).await;
        let after = before.value.clone().refresh_requested(Timestamp::now().plus_millis(-MINUTE));
        write(&table, tenant, Writes::new().replace(&before, &after)).await;
        self.customer.post(&format!("{}/refresh", self.path), body).await
    }

    async fn records(&self, action: &str) -> Vec<Value> {
        audit_records(&table(world()), TenantId::parse(&self.customer.tenant).unwrap(), action).await
    }
}

fn changes(reply: &Reply) -> Vec<&str> {
    reply.body["changes"].as_array().unwrap().iter().map(|one| one["change"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_provider_is_previewed_and_created_from_a_url_that_only_writers_see() {
    let customer = connected("healthy").await;
    let server = MetadataServer::start(world()).await;
    let [one, two] = [(); 2].map(|()| certificate(-1, 100));
    server.serve(&document_of(ENTITY, "WantAuthnRequestsSigned=\"true\"", &[&one, &two]));
    let body = json!({"idp_saml_metadata_url": server.url()});
    let shown = customer.post(PREVIEW, &body).await.expect(200);
    assert_eq!((&shown.body["entity_id"], shown.body["certificates"].as_array().unwrap().len()), (&json!(ENTITY), 2));
    assert_eq!(customer.get(IDP).await.expect(200).body, json!({"associations": []}));
    let made = customer.post(IDP, &body).await.expect(201);
    assert_eq!(made.body["idp_certificate_ids"].as_array().unwrap().len(), 2);
    assert_eq!(server.requests(), [Seen::Whole, Seen::Whole]);
    // One read, the budget, one more read with the document, one write.
    assert_eq!(customer.cost(&made).await.dynamodb_round_trips, 4);

    for (token, url) in [
        (&customer.admin, server.url()),
        (&customer.editor, server.url()),
        (&customer.approver, server.origin()),
        (&customer.viewer, server.origin()),
    ] {
        let listed = customer.send(customer.request_as(token, "GET", IDP)).await.expect(200);
        let provider = &listed.body["associations"][0];
        assert_eq!(provider["metadata_url"], url);
        assert_eq!(
            (&provider["metadata_status"], &provider["metadata_trust"]),
            (&json!("current"), &json!("continuous"))
        );
        assert_eq!((&provider["metadata_pending"], &provider["metadata_error"]), (&json!([]), &Value::Null));
        let fetches = provider["metadata_fetches"].as_array().unwrap();
        assert_eq!((fetches.len(), &fetches[0]["status"]), (1, &json!("current")));
        assert_eq!(fetches[0]["document_sha256"], provider["metadata_document_sha256"]);
        assert_eq!(fetches[0]["at"], provider["metadata_checked_at"]);
        let wait = provider["metadata_next_check_at"].as_i64().unwrap() - fetches[0]["at"].as_i64().unwrap();
        assert_eq!(wait, 6 * 60 * MINUTE);
    }
    let path = format!("{IDP}/{}", made.body["idp_id"].as_str().unwrap());
    let listed = customer.get(&format!("{path}/certificate")).await.expect(200);
    assert!(listed.body["idp_certificates"].as_array().unwrap().iter().all(|one| one["source"] == "metadata_url"));
    // The audit record has the origin.
    let records =
        audit_records(&table(world()), TenantId::parse(&customer.tenant).unwrap(), "create-external-idp").await;
    assert_eq!(records[0]["after"]["metadata_origin"], server.origin());
    assert!(!records[0].to_string().contains(TOKEN));
    assert!(world().stack().logs().iter().all(|line| !line.text.contains(TOKEN)), "the log holds the token");
}

#[tokio::test]
async fn an_unusable_url_is_refused_with_its_reason_and_nothing_is_created() {
    let customer = connected("healthy").await;
    let server = MetadataServer::start(world()).await;
    let stranger = MetadataServer::with_names(world(), &["other.localhost"]).await;
    let refused = async |url: String| {
        for path in [IDP, PREVIEW] {
            let reply = customer.post(path, &json!({"idp_saml_metadata_url": url})).await.refused(400, "IIC.400");
            let message = reply.body["error_msg"].as_str().unwrap().to_owned();
            assert!(message.contains("idp_saml_metadata_url") && !message.contains(TOKEN), "{message}");
            if path == PREVIEW {
                return message;
            }
        }
        unreachable!()
    };
    for (url, reason) in [
        ("http://idp.example.com/metadata".to_owned(), "must be an absolute URL that begins with `https://`"),
        ("https://10.0.0.1/metadata".to_owned(), "must name a host on the public Internet"),
        (format!("https://{API_HOST}:8443/metadata"), "must not name this service's own host"),
        ("https://idp.example.com:9000/".to_owned(), "must have port 443 or 8443"),
        (stranger.url(), "is for another host name"),
        (format!("{}/nothing", server.origin()), "has the status 404"),
        ("https://nobody.localhost:1/".to_owned(), "no connection to the host"),
    ] {
        let message = refused(url.clone()).await;
        assert!(message.contains(reason), "{url}: {message}");
    }
    server.serve("<!DOCTYPE html><html><body>Sign in</body></html>");
    let message = refused(server.url()).await;
    let advice = "it is an HTML page, not metadata: give the URL of the document itself";
    assert!(message.contains("has a document that cannot be used") && message.contains(advice), "{message}");
    server.serve("{\"issuer\": \"https://idp.example.com\"}");
    let message = refused(server.url()).await;
    assert!(message.contains("it is JSON, not metadata: give the URL of the SAML 2.0 metadata"), "{message}");
    // Pasted, the same texts have another advice; without a source, the URL is named as one.
    for (text, advice) in [
        ("{\"issuer\": \"https://idp.example.com\"}", "is JSON, not metadata: send the text of the document"),
        ("https://idp.example.com/metadata", "is a URL, not metadata: send it as `idp_saml_metadata_url`"),
    ] {
        let reply = customer.post(IDP, &json!({"idp_saml_metadata": text})).await.refused(400, "IIC.400");
        let message = reply.body["error_msg"].as_str().unwrap();
        assert!(message.contains("idp_saml_metadata ") && message.contains(advice), "{message}");
    }
    let reply = customer.post(IDP, &json!({})).await.refused(400, "IIC.400");
    assert!(reply.text.contains("without idp_saml_metadata or idp_saml_metadata_url"), "{}", reply.text);
    server.serve(&document(&[&certificate(-1, 100)]));
    let url = server.url();
    for (more, field) in [
        (json!({"idp_saml_metadata": "x"}), "idp_saml_metadata"),
        (json!({"metadata_trust": "blind"}), "metadata_trust"),
        (json!({"idp_saml_config": {"entity_id": "urn:nobody"}}), "idp_saml_metadata_url"),
    ] {
        let mut body = json!({"idp_saml_metadata_url": url});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let reply = customer.post(IDP, &body).await.refused(400, "IIC.400");
        assert!(reply.body["error_msg"].as_str().unwrap().contains(field), "{body}: {}", reply.text);
    }
    assert_eq!(customer.get(IDP).await.expect(200).body, json!({"associations": []}));
}

#[tokio::test]
async fn a_refresh_adds_certificates_and_waits_with_everything_else() {
    let [one, two, three] = [(); 3].map(|()| certificate(-1, 100));
    let scene = Scene::set(&[&one], json!({})).await;
    let refresh = format!("{}/refresh", scene.path);
    let _ = scene.customer.post(&format!("{}/enable", scene.path), &Value::Null).await.expect(200);
    let unchanged = scene.customer.send(scene.customer.request("POST", &refresh)).await.expect(200);
    assert_eq!((&unchanged.body["metadata_status"], changes(&unchanged)), (&json!("current"), vec![]));
    assert_eq!(scene.server.requests(), [Seen::NotModified]);
    // Once per minute, whoever asks.
    let early = scene.customer.send(scene.customer.request_as(&scene.customer.editor, "POST", &refresh)).await;
    let early = early.refused(429, "APIGW.0308");
    let wait: u64 = early.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    let said = early.body["error_msg"].as_str().unwrap();
    assert!(said.contains("refreshed at most once per minute; try again in"), "{said}");
    assert_eq!(scene.server.requests(), []);

    scene.server.serve(&document(&[&one, &two]));
    let added = scene.refresh(&json!({})).await.expect(200);
    assert_eq!(changes(&added), ["certificate_added"]);
    assert!(added.header("etag").is_some());
    assert_eq!(scene.certificates().await.len(), 2);
    scene.server.serve(&document(&[&two]));
    let announced = scene.refresh(&json!({})).await.expect(200);
    assert_eq!(changes(&announced), ["certificate_removal_announced"]);
    let certificates = scene.certificates().await;
    assert_eq!(certificates[0]["removal_at"], announced.body["changes"][0]["at"]);
    assert_eq!((certificates.len(), &certificates[1]["removal_at"]), (2, &Value::Null));

    // All keys at once: nothing is applied until an administrator accepts this very document.
    scene.server.serve(&document(&[&three]));
    let held = scene.refresh(&json!({})).await.expect(200);
    assert_eq!((&held.body["metadata_status"], changes(&held)), (&json!("all_keys_changed"), vec!["held"]));
    assert_eq!(held.body["metadata_pending"][0]["field"], "certificates");
    assert_eq!(scene.certificates().await.len(), 2);
    let sha256 = held.body["metadata_document_sha256"].clone();
    let other = scene.refresh(&json!({"accept": true, "document_sha256": "0".repeat(64)})).await;
    assert!(other.refused(409, "IIC.1006").text.contains(sha256.as_str().unwrap()));
    let accepted = scene.refresh(&json!({"accept": true, "document_sha256": sha256})).await.expect(200);
    assert!(
        changes(&accepted).starts_with(&["accepted", "all_keys_changed", "certificate_added"]),
        "{}",
        accepted.text
    );
    assert_eq!(accepted.body["metadata_status"], "current");
    assert_eq!(scene.certificates().await.len(), 3);
    let _ = scene.refresh(&json!({"document_sha256": sha256})).await.refused(400, "IIC.400");

    // Another sign-in page and another wish: pending, then accepted.
    let changed = document_of("urn:other", "WantAuthnRequestsSigned=\"true\"", &[&three]);
    scene.server.serve(&changed.replace("https://idp.example.com/sso", "https://idp.example.com/new"));
    let held = scene.refresh(&json!({})).await.expect(200);
    assert_eq!(held.body["metadata_status"], "changed");
    let pending = json!([
        {"field": "entity_id", "current": ENTITY, "offered": "urn:other"},
        {"field": "login_url", "current": "https://idp.example.com/sso", "offered": "https://idp.example.com/new"},
        {"field": "want_request_signed", "current": "false", "offered": "true"},
    ]);
    assert_eq!(held.body["metadata_pending"], pending);
    let shown = scene.shown().await;
    assert_eq!((&shown["metadata_pending"], &shown["idp_saml_config"]["entity_id"]), (&pending, &json!(ENTITY)));
    assert_eq!(changes(&scene.refresh(&json!({"accept": true})).await.expect(200)), ["accepted"]);
    let shown = scene.shown().await;
    let config =
        json!({"entity_id": "urn:other", "login_url": "https://idp.example.com/new", "want_request_signed": true});
    assert_eq!((&shown["idp_saml_config"], &shown["metadata_pending"]), (&config, &json!([])));

    // Failures are kept, and say what failed.
    scene.server.fail(503);
    let failed = scene.refresh(&json!({})).await.expect(200);
    assert_eq!(failed.body["metadata_status"], "unreachable");
    assert_eq!(failed.body["metadata_error"], "the response has the status 503; expected 200");
    scene.server.serve("{}");
    let invalid = scene.refresh(&json!({})).await.expect(200);
    assert_eq!(invalid.body["metadata_status"], "invalid");
    let shown = scene.shown().await;
    let statuses: Vec<&Value> =
        shown["metadata_fetches"].as_array().unwrap().iter().map(|one| &one["status"]).collect();
    assert_eq!(statuses[..3], ["invalid", "unreachable", "current"]);

    let records = scene.records("refresh-external-idp").await;
    assert!(records.iter().all(|record| record["after"]["metadata_origin"] == scene.server.origin()));
    assert_eq!(records[1]["after"]["events"][0]["event"], "certificate_added");
    assert!(records.iter().all(|record| !record.to_string().contains(TOKEN)));
    // Accepting is updating.
    assert_eq!(scene.records("update-external-idp").await.len(), 2);
}

#[tokio::test]
async fn an_update_sets_and_clears_the_url() {
    let [one, two] = [(); 2].map(|()| certificate(-1, 100));
    let customer = connected("healthy").await;
    let made = customer.post(IDP, &new_idp(&one)).await.expect(201);
    let path = format!("{IDP}/{}", made.body["idp_id"].as_str().unwrap());
    let server = MetadataServer::start(world()).await;
    server.serve(&document_of("urn:a", "WantAuthnRequestsSigned=\"true\"", &[&one, &two]));
    let scene = Scene { customer, server, path };
    let (customer, path) = (&scene.customer, &scene.path);
    let refresh = format!("{path}/refresh");
    // Without a URL there is nothing to refresh, and nothing to trust.
    let nothing = customer.post(&refresh, &json!({})).await.refused(400, "IIC.1329");
    let said = nothing.body["error_msg"].as_str().unwrap();
    assert!(said.starts_with("The identity provider has no metadata URL"), "{said}");
    let _ = customer.put(path, &json!({"metadata_trust": "tls"})).await.refused(400, "IIC.1329");
    let url = json!({"idp_saml_metadata_url": scene.server.url(), "want_request_signed": false});
    let _ = customer.put(path, &url).await.expect(200);
    let shown = scene.shown().await;
    let config =
        json!({"entity_id": "urn:a", "login_url": "https://idp.example.com/sso", "want_request_signed": false});
    assert_eq!((&shown["idp_saml_config"], &shown["metadata_status"]), (&config, &json!("current")));
    assert_eq!(shown["idp_certificate_ids"][0]["certificate_id"], made.body["idp_certificate_id"]);
    assert_eq!(scene.certificates().await.len(), 2);
    // The choice of signing stands against the document.
    let refreshed = scene.refresh(&json!({})).await.expect(200);
    assert_eq!((&refreshed.body["metadata_status"], changes(&refreshed)), (&json!("current"), vec![]));
    let _ = customer.put(path, &json!({"metadata_trust": "tls"})).await.expect(200);
    assert_eq!(scene.shown().await["metadata_trust"], "tls");
    // A certificate that an administrator imports is not the document's.
    let _ = customer.post(&format!("{path}/certificate"), &import(&certificate(-1, 50))).await.expect(200);
    assert_eq!(scene.certificates().await[2]["source"], Value::Null);

    let names = json!({"entity_id": "urn:b", "login_url": "https://idp.example.com/b"});
    for (body, entity_id) in [
        (json!({"idp_saml_metadata_url": ""}), "urn:a"),
        (names, "urn:b"),
        (json!({"idp_saml_metadata": document(&[&two])}), ENTITY),
    ] {
        let _ = customer.put(path, &url).await.expect(200);
        assert_eq!(scene.shown().await["metadata_url"], scene.server.url());
        let before = scene.certificates().await.len();
        let _ = customer.put(path, &body).await.expect(200);
        let shown = scene.shown().await;
        assert_eq!((&shown["metadata_url"], &shown["metadata_status"]), (&Value::Null, &Value::Null), "{body}");
        assert_eq!(shown["idp_saml_config"]["entity_id"], entity_id);
        let certificates = scene.certificates().await;
        assert!(certificates.iter().all(|one| one["source"].is_null()));
        assert_eq!(certificates.len(), if entity_id == ENTITY { 1 } else { before });
    }
    let both =
        json!({"idp_saml_metadata_url": scene.server.url(), "entity_id": "urn:c", "login_url": "https://c.example"});
    let _ = customer.put(path, &both).await.refused(400, "IIC.400");
    // An enabled provider is not left without a valid certificate by a URL either.
    let _ = customer.post(&format!("{path}/enable"), &Value::Null).await.expect(200);
    scene.server.serve(&document(&[&certificate(1, 100)]));
    let _ = customer.put(path, &url).await.expect(409);
}

#[tokio::test]
async fn policies_decide_on_the_provider_that_the_document_makes() {
    let customer = connected("healthy").await;
    let server = MetadataServer::start(world()).await;
    server.serve(&document(&[&certificate(-1, 100)]));
    let name = |id: &str| {
        format!(
            "forbid (principal, action, resource is Trustplane::IdentityProvider) unless {{ if resource has after then resource.after.entity_id == \"{id}\" else true }};"
        )
    };
    let body = json!({"idp_saml_metadata_url": server.url()});
    let _ = save(&customer, "names", &name("urn:other")).await.expect(200);
    let _ = customer.post(IDP, &body).await.refused(403, "IIC.1000");
    assert_eq!(server.requests(), [Seen::Whole]);
    let _ = save(&customer, "names", &name(ENTITY)).await.expect(200);
    let trust = "forbid (principal, action, resource is Trustplane::IdentityProvider) when { resource has after && resource.after has metadata_trust && resource.after.metadata_trust == \"tls\" };";
    let _ = save(&customer, "trust", trust).await.expect(200);
    let tls = json!({"idp_saml_metadata_url": server.url(), "metadata_trust": "tls"});
    let _ = customer.post(IDP, &tls).await.refused(403, "IIC.1000");
    let made = customer.post(IDP, &body).await.expect(201);
    let path = format!("{IDP}/{}", made.body["idp_id"].as_str().unwrap());
    let _ = customer.put(&path, &json!({"metadata_trust": "tls"})).await.refused(403, "IIC.1000");

    // Whoever may refresh may accept only with the permission to update.
    let update = "forbid (principal, action == Trustplane::Action::\"update-external-idp\", resource);";
    let _ = save(&customer, "update", update).await.expect(200);
    let _ = customer.post(&format!("{path}/refresh"), &json!({"accept": true})).await.refused(403, "IIC.1000");
    let _ = customer.post(&format!("{path}/refresh"), &json!({})).await.expect(200);
    let preview = "forbid (principal, action == Trustplane::Action::\"preview-external-idp\", resource);";
    let _ = save(&customer, "preview", preview).await.expect(200);
    let _ = server.requests();
    let _ = customer.post(PREVIEW, &body).await.refused(403, "IIC.1000");
    let _ = customer.post(IDP, &body).await.refused(403, "IIC.1000");
    assert_eq!(server.requests(), []);
}

#[tokio::test]
async fn a_tenant_has_sixty_outgoing_requests_per_minute() {
    let customer = connected("healthy").await;
    let _ = customer.get(IDP).await.expect(200);
    let server = MetadataServer::start(world()).await;
    server.serve(&document(&[&certificate(-1, 100)]));
    let body = json!({"idp_saml_metadata_url": server.url()});
    // A minute may end in between, so more than two minutes' worth is asked for.
    let mut fetched = 0;
    for _ in 0..125 {
        let reply = customer.post(PREVIEW, &body).await;
        if reply.status == 429 {
            let limited = reply.refused(429, "APIGW.0308");
            assert!(limited.header("retry-after").is_some());
            assert!(limited.body["error_msg"].as_str().unwrap().contains("60 requests per minute"), "{}", limited.text);
            assert!(fetched >= 60, "{fetched}");
            assert_eq!(server.requests().len(), fetched);
            return;
        }
        let _ = reply.expect(200);
        fetched += 1;
    }
    panic!("{fetched} requests were made");
}
