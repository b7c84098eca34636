//! An authorisation server of an organisation: the OpenID provider that SSO configurations speak of.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::fields::{Fields, string, words};
use super::https_url::HttpsUrl;
use super::ids::{AuthorisationServerId, OrganisationId};
use crate::credential::parse_label;
use crate::{Faults, Timestamp};

/// Authorisation servers that an organisation may have.
pub const MOST_SERVERS: usize = 1_000;

words! {
    /// Whether an authorisation server is in use.
    ServerStatus {
        /// It is.
        Active = "Active",
        /// It is not. What is below it is kept and unusable, until it is in use again.
        Inactive = "Inactive",
    }
}

/// An authorisation server as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuthorisationServer {
    /// Whose it is.
    pub organisation_id: OrganisationId,
    /// Its id.
    pub id: AuthorisationServerId,
    /// What it is.
    pub facts: ServerFacts,
    /// Whether it is in use.
    pub status: ServerStatus,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// What the owner says of an authorisation server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerFacts {
    /// The brand that people know it by: 1 to 255 characters.
    pub customer_friendly_name: String,
    /// An image of the brand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_friendly_logo_uri: Option<HttpsUrl>,
    /// The issuer of its tokens. No query (OpenID Connect Discovery 1.0, section 3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<HttpsUrl>,
    /// Where its discovery document is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub openid_discovery_document: Option<HttpsUrl>,
}

/// The body of a creation or an update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerRequest {
    /// What it is to be.
    pub facts: ServerFacts,
    /// `None`: `Active` for a new one, as it was for another.
    pub status: Option<ServerStatus>,
}

impl ServerRequest {
    /// Reads the body of a creation or an update.
    pub fn parse(body: &Map<String, Value>) -> Result<Self, Faults> {
        let mut fields = Fields::new(body);
        let name = fields.required("CustomerFriendlyName", |value| parse_label(string(value)?, 255));
        let logo = fields.optional("CustomerFriendlyLogoUri", logo);
        let issuer = fields.optional("Issuer", issuer);
        let discovery = fields.optional("OpenIDDiscoveryDocument", |value| HttpsUrl::parse(string(value)?));
        let status = fields.optional("Status", |value| ServerStatus::parse(string(value)?));
        let request = name.map(|customer_friendly_name| Self {
            facts: ServerFacts {
                customer_friendly_name,
                customer_friendly_logo_uri: logo,
                issuer,
                openid_discovery_document: discovery,
            },
            status,
        });
        fields.finish(request)
    }
}

impl AuthorisationServer {
    /// A new authorisation server.
    pub fn new(
        organisation_id: OrganisationId,
        id: AuthorisationServerId,
        request: ServerRequest,
        now: Timestamp,
    ) -> Self {
        let status = request.status.unwrap_or(ServerStatus::Active);
        Self { organisation_id, id, facts: request.facts, status, created_at: now, updated_at: now }
    }

    /// This server with `request`, which stands for all its facts: one that is not named is gone.
    #[must_use]
    pub fn updated(&self, request: ServerRequest, now: Timestamp) -> Self {
        let status = request.status.unwrap_or(self.status);
        let mut after = Self { facts: request.facts, status, ..self.clone() };
        if after != *self {
            after.updated_at = now;
        }
        after
    }
}

fn issuer(value: &Value) -> Result<HttpsUrl, &'static str> {
    let url = HttpsUrl::parse(string(value)?)?;
    if url.has_query() { Err("must not have a query") } else { Ok(url) }
}

fn logo(value: &Value) -> Result<HttpsUrl, &'static str> {
    let url = HttpsUrl::parse(string(value)?)?;
    let is_image = [".svg", ".png", ".jpg", ".jpeg"].iter().any(|ending| url.as_str().ends_with(ending));
    if is_image { Ok(url) } else { Err("must end in `.svg`, `.png`, `.jpg` or `.jpeg`") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request(body: Value) -> Result<ServerRequest, Faults> {
        ServerRequest::parse(body.as_object().unwrap())
    }

    fn server(body: Value) -> AuthorisationServer {
        let organisation = OrganisationId::parse_new("acme").unwrap();
        let now = Timestamp::from_millis(1);
        AuthorisationServer::new(organisation, AuthorisationServerId::new(now, [7; 10]), request(body).unwrap(), now)
    }

    #[test]
    fn all_faults_are_told_at_once() {
        let faults = request(json!({
            "CustomerFriendlyName": "",
            "CustomerFriendlyLogoUri": "https://acme.example/logo.gif",
            "Issuer": "https://acme.example/?tenant=1",
            "OpenIDDiscoveryDocument": "http://acme.example/.well-known/openid-configuration",
            "Status": "Pending",
        }))
        .unwrap_err();
        let fields: Vec<&str> = faults.iter().map(|(field, _)| field).collect();
        let expected =
            ["CustomerFriendlyLogoUri", "CustomerFriendlyName", "Issuer", "OpenIDDiscoveryDocument", "Status"];
        assert_eq!(fields, expected);
    }

    #[test]
    fn an_update_replaces_the_facts_and_keeps_a_status_it_does_not_name() {
        let before = server(json!({
            "CustomerFriendlyName": "Acme",
            "Issuer": "https://acme.example",
            "Status": "Inactive",
        }));
        let update = request(json!({"CustomerFriendlyName": "Acme"})).unwrap();
        let after = before.updated(update.clone(), Timestamp::from_millis(2));
        assert_eq!((after.facts.issuer.as_ref(), after.status), (None, ServerStatus::Inactive));
        assert_eq!(after.updated_at, Timestamp::from_millis(2));
        assert_eq!(after.updated(update, Timestamp::from_millis(3)), after);
    }

    #[test]
    fn what_is_kept_is_read_back() {
        let before = server(json!({
            "CustomerFriendlyName": "Acme",
            "CustomerFriendlyLogoUri": "https://acme.example/logo.svg",
            "OpenIDDiscoveryDocument": "https://acme.example/.well-known/openid-configuration",
        }));
        let kept = serde_json::to_value(&before).unwrap();
        assert_eq!(serde_json::from_value::<AuthorisationServer>(kept).unwrap(), before);
    }
}
