//! Tests of setup links and their sessions.

mod changes;
mod links;
mod permissions;
mod progress;
mod sessions;

use serde_json::{Value, json};
use trustplane_domain::ids::{CredentialId, TenantId};
use trustplane_domain::setup::SetupLink;
use trustplane_end_to_end::{Customer, Reply, Request, world};
use trustplane_store::{Key, Writes};

use crate::table::{part, read, table, write};

pub const LINKS: &str = "/v1/setup-links";
pub const SESSIONS: &str = "/v1/setup-sessions";

/// A link, and the secret of its URL.
pub struct Link {
    pub id: String,
    pub secret: String,
}

/// Creates a link for these sections, with further fields.
pub async fn link(customer: &Customer, sections: &[&str], more: Value) -> Link {
    let mut body = json!({"sections": sections, "label": "Ada at Acme"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let made = customer.post(LINKS, &body).await.expect(201);
    let secret = made.body["url"].as_str().unwrap().split_once('#').unwrap().1.to_owned();
    Link { id: made.body["id"].as_str().unwrap().to_owned(), secret }
}

/// The secret of a browser: another one for each letter.
pub fn browser(letter: char) -> String {
    // The last digit has two bits that are zero.
    format!("{}A", letter.to_string().repeat(42))
}

/// Asks for a session.
pub async fn start(secret: &str, browser: &str) -> Reply {
    let body = json!({"secret": secret, "session_secret": browser});
    world().send(Request::new("POST", SESSIONS).header("user-agent", "Browser/1").json(&body)).await
}

/// Starts the session of a new link. Returns its token.
pub async fn session(customer: &Customer, sections: &[&str], more: Value) -> String {
    let link = link(customer, sections, more).await;
    open(&link, 'a').await
}

/// Starts a session. Returns its token.
pub async fn open(link: &Link, letter: char) -> String {
    start(&link.secret, &browser(letter)).await.expect(201).body["token"].as_str().unwrap().to_owned()
}

/// The link as the API shows it.
pub async fn shown(customer: &Customer, link: &Link) -> Value {
    customer.get(&format!("{LINKS}/{}", link.id)).await.expect(200).body
}

/// The key of a link.
pub fn key(link: &Link) -> (TenantId, Key<SetupLink>) {
    let id = CredentialId::parse(&link.id).unwrap();
    (id.tenant(), part(id.tenant()).setup_link(id))
}

/// Changes the stored link.
pub async fn change(link: &Link, change: impl FnOnce(&mut SetupLink)) {
    let (tenant, key) = key(link);
    let table = table(world());
    let before = read::<SetupLink>(&table, &key).await;
    let mut after = before.value.clone();
    change(&mut after);
    write(&table, tenant, Writes::new().replace(&before, &after)).await;
}
