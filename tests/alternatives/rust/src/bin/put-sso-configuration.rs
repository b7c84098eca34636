//! PUT /organisations/:OrganisationId/authorisationservers/:AuthorisationServerId/sso-configuration/:ssoConfigurationId.

use std::sync::Arc;

use alternatives::{Found, Refused, Store, body, now, parameter, refused, serve};
use lambda_http::{Error, Request};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Configuration {
    display_name: String,
    contacts: Vec<String>,
    #[serde(rename = "ID")]
    id: String,
    #[serde(rename = "ServerID")]
    server_id: String,
    redirect_uri: String,
    text_record: String,
    status: Status,
    created_at: String,
    updated_at: String,
}

#[derive(Clone, Copy, Default, Serialize, Deserialize)]
enum Status {
    #[default]
    Active,
    Inactive,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Given {
    display_name: String,
    contacts: Vec<String>,
    redirect_uri_suffix: Option<String>,
    status: Option<Status>,
}

fn is_email(text: &str) -> bool {
    let (local, domain) = text.split_once('@').unwrap_or_default();
    let good = |part: &str| !part.is_empty() && !part.contains(|one: char| one == '@' || one.is_whitespace());
    text.len() <= 254 && good(local) && good(domain) && domain.trim_matches('.').contains('.')
}

impl Given {
    fn check(&self) -> Result<(), Refused> {
        if !(1..=64).contains(&self.display_name.chars().count()) {
            return refused(400, "not valid: DisplayName");
        }
        if !(1..=10).contains(&self.contacts.len()) || !self.contacts.iter().all(|one| is_email(one)) {
            return refused(400, "not valid: Contacts");
        }
        if self.redirect_uri_suffix.as_ref().is_some_and(|suffix| !(1..=40).contains(&suffix.chars().count())) {
            return refused(400, "not valid: RedirectUriSuffix");
        }
        Ok(())
    }
}

async fn put(store: Arc<Store>, request: Request) -> Result<Value, Refused> {
    let ids = ["AuthorisationServerId", "ssoConfigurationId"].map(|name| Uuid::parse_str(&parameter(&request, name)));
    let [Ok(server), Ok(id)] = ids else {
        return refused(400, "AuthorisationServerId or ssoConfigurationId is no UUID");
    };
    let key = format!("SSO#{}#{server}#{id}", parameter(&request, "OrganisationId"));
    let found: Found<Configuration> = store.read(&request, &key, "admin").await?;
    let given: Given = body(&request)?;
    given.check()?;
    let Some(mut after) = found.item.as_ref().map(|item| item.value.clone()) else {
        return refused(404, "no such SSO configuration");
    };
    after.display_name = given.display_name;
    after.contacts = given.contacts;
    after.status = given.status.unwrap_or_default();
    after.updated_at = now()?;
    if let Some(suffix) = given.redirect_uri_suffix {
        let (base, _) = after.redirect_uri.rsplit_once('/').unwrap_or_default();
        after.redirect_uri = format!("{base}/{}", urlencoding::encode(&suffix));
    }
    store.write(&request, &found, "put-sso-configuration", &key, &after).await?;
    Ok(serde_json::to_value(after)?)
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    serve(put, |_, message, _| json!({"errors": [message]})).await
}
