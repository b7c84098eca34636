//! Tests of POST `/v1/setup-sessions`, and of the life of a session.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use serde_json::json;
use trustplane_domain::Timestamp;
use trustplane_domain::credential::Credential;
use trustplane_domain::ids::CredentialId;
use trustplane_domain::token::{Purpose, Token};
use trustplane_end_to_end::{Customer, Request, world};
use trustplane_store::Writes;

use super::{LINKS, SESSIONS, browser, change, key, link, open, shown, start};
use crate::identity_center::CONFIG;
use crate::table::{part, read, table, write};

const AWS: &[&str] = &["aws-identity-center"];

#[tokio::test]
async fn a_lost_response_is_repeated_with_the_same_token() {
    let customer = world().customer().await;
    let more = json!({"return_url": "https://platform.example.com/done", "enable": "platform"});
    let link = link(&customer, AWS, more).await;
    let first = start(&link.secret, &browser('a')).await.expect(201);
    let fields = json!({
        "token": first.body["token"], "tenant_id": customer.tenant, "sections": AWS,
        "expires_at": first.body["expires_at"], "sso_configuration_id": null, "enable": "platform",
        "return_url": "https://platform.example.com/done",
    });
    assert_eq!(first.body, fields);
    let same = browser('a');
    let again = join_all((0..4).map(|_| start(&link.secret, &same))).await;
    for reply in again {
        assert_eq!(reply.expect(201).body, first.body);
    }
    let sessions = shown(&customer, &link).await["sessions"].clone();
    assert_eq!((sessions.as_array().unwrap().len(), &sessions[0]["expires_at"]), (1, &first.body["expires_at"]));
    let refused = start(&link.secret, &browser('b')).await.refused(410, "setup_link_ended");
    assert_eq!(refused.body["details"], json!({"reason": "used_up"}));
    // By its token the session is a credential like any other, in both headers.
    let token = first.body["token"].as_str().unwrap();
    let _ = customer.send(customer.request_as(token, "GET", CONFIG)).await.expect(200);
    let by_key = Request::new("GET", CONFIG).header("x-api-key", token).header("x-tenant-id", &customer.tenant);
    let _ = world().send(by_key).await.expect(200);
    let _ = world().send(Request::new("GET", CONFIG).bearer(token)).await.refused(400, "invalid_tenant_id");
}

#[tokio::test]
async fn eight_browsers_race_for_one_session_and_for_eight() {
    let customer = world().customer().await;
    for (most, winners) in [(1, 1), (8, 8)] {
        let link = link(&customer, AWS, json!({"max_sessions": most})).await;
        let secrets: Vec<String> = "abcdefgh".chars().map(browser).collect();
        let replies = join_all(secrets.iter().map(|browser| start(&link.secret, browser))).await;
        let (won, lost): (Vec<_>, Vec<_>) = replies.into_iter().partition(|reply| reply.status == 201);
        assert_eq!((won.len(), lost.len()), (winners, 8 - winners), "{lost:?}");
        for reply in lost {
            assert_eq!(reply.refused(410, "setup_link_ended").body["details"]["reason"], "used_up");
        }
        let tokens: BTreeSet<_> = won.iter().map(|reply| reply.body["token"].as_str().unwrap()).collect();
        assert_eq!(tokens.len(), winners);
        assert_eq!(shown(&customer, &link).await["sessions"].as_array().unwrap().len(), winners);
        for token in tokens {
            let _ = customer.send(customer.request_as(token, "GET", CONFIG)).await.expect(200);
        }
    }
}

#[tokio::test]
async fn a_made_up_secret_is_unknown_and_reads_nothing() {
    let customer = world().customer().await;
    let link = link(&customer, AWS, json!({})).await;
    let mut lookalike = link.secret.clone();
    lookalike.replace_range(60..61, if &lookalike[60..61] == "a" { "b" } else { "a" });
    for secret in [lookalike.as_str(), "nonsense", customer.admin.as_str(), ""] {
        let reply = start(secret, &browser('a')).await.refused(404, "not_found");
        assert_eq!(customer.cost(&reply).await.dynamodb_calls, 0, "{secret}");
    }
    let id = CredentialId::parse(&link.id).unwrap();
    let forged = Token::of(Purpose::SetupLink, id, [7; 32]).reveal();
    let nobody = Token::of(Purpose::SetupLink, CredentialId::new(id.tenant(), [7; 8]), [7; 32]).reveal();
    for secret in [forged, nobody] {
        let _ = start(&secret, &browser('a')).await.refused(404, "not_found");
    }
    assert_eq!(shown(&customer, &link).await["sessions"], json!([]));
    // The secret of a link is no credential.
    let _ = customer.send(customer.request_as(&link.secret, "GET", CONFIG)).await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn faults_of_a_request_for_a_session_are_reported_together() {
    let reply = world().send(Request::new("POST", SESSIONS).json(&json!({"session_secret": "short"}))).await;
    let reply = reply.refused(400, "invalid_request");
    assert!(reply.body["details"]["secret"].is_string() && reply.body["details"]["session_secret"].is_string());
    let _ = world().send(Request::new("POST", SESSIONS).raw(b"{".to_vec())).await.refused(400, "invalid_json");
    let text =
        Request::new("POST", SESSIONS).json(&json!({})).without("content-type").header("content-type", "text/plain");
    let _ = world().send(text).await.refused(415, "unsupported_media_type");
}

#[tokio::test]
async fn a_link_that_has_expired_starts_no_session_and_its_session_goes_on() {
    let customer = world().customer().await;
    let link = link(&customer, AWS, json!({"max_sessions": 2})).await;
    let token = open(&link, 'a').await;
    change(&link, |link| link.expires_at = Timestamp::now()).await;
    let refused = start(&link.secret, &browser('b')).await.refused(410, "setup_link_ended");
    assert_eq!(refused.body["details"]["reason"], "expired");
    let _ = customer.send(customer.request_as(&token, "GET", CONFIG)).await.expect(200);
    assert_eq!(open(&link, 'a').await, token);
}

#[tokio::test]
async fn a_session_ends_after_its_hours() {
    let customer = world().customer().await;
    let link = link(&customer, AWS, json!({})).await;
    let token = open(&link, 'a').await;
    let started = CredentialId::parse(&token[4..42]).unwrap();
    let (tenant, _) = key(&link);
    let (table, key) = (table(world()), part(tenant).setup_session(started));
    let before = read::<Credential>(&table, &key).await;
    let end = before.value.expires_at.unwrap();
    assert_eq!(end.millis_since(before.value.created_at), 8 * 60 * 60 * 1000);
    let over = Credential { expires_at: Some(Timestamp::now()), ..before.value.clone() };
    write(&table, tenant, Writes::new().replace(&before, &over)).await;
    let _ = customer.send(customer.request_as(&token, "GET", CONFIG)).await.refused(401, "unauthenticated");
    change(&link, |link| link.sessions[0].expires_at = Timestamp::now()).await;
    let refused = start(&link.secret, &browser('a')).await.refused(410, "setup_link_ended");
    assert_eq!(refused.body["details"]["reason"], "expired");
}

async fn all_refused(customer: &Customer, tokens: &[String]) {
    for token in tokens {
        let _ = customer.send(customer.request_as(token, "GET", CONFIG)).await.refused(401, "unauthenticated");
    }
}

#[tokio::test]
async fn revocation_ends_all_sessions_with_the_next_request() {
    let customer = world().customer().await;
    let link = link(&customer, AWS, json!({"max_sessions": 10})).await;
    let mut tokens = Vec::new();
    for letter in "abcdefghij".chars() {
        tokens.push(open(&link, letter).await);
    }
    let revoked = customer.delete(&format!("{LINKS}/{}", link.id)).await.expect(204);
    let cost = customer.cost(&revoked).await;
    assert_eq!(cost.dynamodb_round_trips, 2, "{cost:?}");
    all_refused(&customer, &tokens).await;
    for letter in ['a', 'k'] {
        let refused = start(&link.secret, &browser(letter)).await.refused(410, "setup_link_ended");
        assert_eq!(refused.body["details"]["reason"], "revoked");
    }
    assert_eq!(shown(&customer, &link).await["sessions"].as_array().unwrap().len(), 10);
}

#[tokio::test]
async fn a_suspended_tenant_has_no_sessions() {
    let customer = world().customer().await;
    let link = link(&customer, AWS, json!({"max_sessions": 2})).await;
    let token = open(&link, 'a').await;
    let _ = world().invoke("suspend-tenant", &json!({"tenant_id": customer.tenant, "reason": "x"})).await.unwrap();
    let _ = start(&link.secret, &browser('b')).await.refused(403, "tenant_suspended");
    let _ = customer.send(customer.request_as(&token, "GET", CONFIG)).await.refused(403, "tenant_suspended");
}
