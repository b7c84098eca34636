//! An authorisation server of an organisation: the OpenID provider that SSO configurations refer to.

use serde::{Deserialize, Serialize};

use super::fields::finish;
use super::https_url::HttpsUrl;
use super::ids::{AuthorisationServerId, OrganisationId};
use super::page::SortKey;
use super::words::words;
use crate::fields::Fields;
use crate::request::{Label, TextField as _};
use crate::{Failure, Timestamp, request, text_field};

/// Largest number of authorisation servers of an organisation.
pub const MAX_SERVERS: usize = 1_000;

/// Largest number of characters of a description.
const MAX_DESCRIPTION: usize = 2_000;

words! {
    /// Status of an authorisation server.
    ServerStatus {
        /// It is in use.
        Active = "Active",
        /// It is not in use. Everything below it is kept, but unusable until it is in use again.
        Inactive = "Inactive",
    }
}

/// An authorisation server, as it is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuthorisationServer {
    /// The organisation that it belongs to.
    pub organisation_id: OrganisationId,
    /// Its id.
    pub id: AuthorisationServerId,
    /// Its description.
    pub facts: ServerFacts,
    /// Status of the server.
    pub status: ServerStatus,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time of the last change.
    pub updated_at: Timestamp,
}

/// The owner's description of an authorisation server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerFacts {
    /// Name of the brand, for users: 1 to 255 characters.
    pub customer_friendly_name: String,
    /// Description of the brand, for users.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_friendly_description: Option<String>,
    /// Logo of the brand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_friendly_logo_uri: Option<HttpsUrl>,
    /// The issuer of its tokens. It has no query (OpenID Connect Discovery 1.0, section 3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<HttpsUrl>,
    /// URL of its discovery document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub openid_discovery_document: Option<HttpsUrl>,
}

request! {
    /// Body of a creation or an update. An update replaces the whole description: an omitted field is removed.
    pub struct WriteAuthorisationServer {
        /// Name of the brand, for users.
        required name: Label<255> = "CustomerFriendlyName",
        /// Description of the brand, for users. An empty one is none.
        optional description: Description = "CustomerFriendlyDescription",
        /// Logo of the brand. An empty one is none.
        optional logo: Logo = "CustomerFriendlyLogoUri",
        /// The issuer of its tokens. It has no query.
        optional issuer: Issuer = "Issuer",
        /// URL of its discovery document.
        optional discovery: HttpsUrl = "OpenIDDiscoveryDocument",
        /// The status. If omitted, a new server is `Active`, and that of another server does not change.
        optional status: ServerStatus = "Status",
    }
}

/// URL of a logo, as a request has it.
pub enum Logo {}

text_field!(Logo => Option<HttpsUrl>, logo, {"type": "string", "maxLength": 255});

/// A description, as a request has it.
pub enum Description {}

text_field!(Description => Option<String>, description, {"type": "string", "maxLength": MAX_DESCRIPTION});

/// An issuer, as a request has it.
pub enum Issuer {}

text_field!(Issuer => HttpsUrl, issuer);

/// A creation or an update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerRequest {
    /// The description.
    pub facts: ServerFacts,
    /// The status; `None` means `Active` for a new server, and no change for an existing one.
    pub status: Option<ServerStatus>,
}

impl ServerRequest {
    /// Parses the body of a creation or an update.
    pub fn parse(mut fields: Fields) -> Result<Self, Failure> {
        let WriteAuthorisationServer { name, description, logo, issuer, discovery, status } =
            WriteAuthorisationServer::read(&mut fields);
        let request = name.map(|customer_friendly_name| Self {
            facts: ServerFacts {
                customer_friendly_name,
                customer_friendly_description: description.flatten(),
                customer_friendly_logo_uri: logo.flatten(),
                issuer,
                openid_discovery_document: discovery,
            },
            status,
        });
        finish(fields, request)
    }
}

impl AuthorisationServer {
    /// Creates an authorisation server.
    pub fn new(
        organisation_id: OrganisationId,
        id: AuthorisationServerId,
        request: ServerRequest,
        now: Timestamp,
    ) -> Self {
        let status = request.status.unwrap_or(ServerStatus::Active);
        Self { organisation_id, id, facts: request.facts, status, created_at: now, updated_at: now }
    }

    /// Replaces the whole description by that of `request`: an omitted field is removed.
    #[must_use]
    pub fn updated(&self, request: ServerRequest, now: Timestamp) -> Self {
        let status = request.status.unwrap_or(self.status);
        let mut after = Self { facts: request.facts, status, ..self.clone() };
        if after != *self {
            after.updated_at = now;
        }
        after
    }

    /// Fields that a list can be sorted by.
    pub const SORTABLE: &[&'static str] =
        &["CustomerFriendlyName", "AuthorisationServerId", "Status", "CreatedAt", "UpdatedAt"];

    /// Returns the value of the field, one of [`AuthorisationServer::SORTABLE`], to sort by.
    pub fn sort_key(&self, field: &str) -> SortKey<'_> {
        match field {
            "CustomerFriendlyName" => self.facts.customer_friendly_name.as_str().into(),
            "AuthorisationServerId" => self.id.to_string().into(),
            "Status" => self.status.as_str().into(),
            "CreatedAt" => SortKey::Number(self.created_at.as_millis()),
            "UpdatedAt" => SortKey::Number(self.updated_at.as_millis()),
            _ => SortKey::Absent,
        }
    }
}

fn issuer(text: &str) -> Result<HttpsUrl, &'static str> {
    let url = HttpsUrl::parse(text)?;
    if url.has_query() { Err("must not have a query") } else { Ok(url) }
}

fn logo(text: &str) -> Result<Option<HttpsUrl>, &'static str> {
    if text.is_empty() {
        return Ok(None);
    }
    let url = HttpsUrl::parse(text)?;
    let is_image = [".svg", ".png", ".jpg", ".jpeg"].iter().any(|ending| url.as_str().ends_with(ending));
    if is_image { Ok(Some(url)) } else { Err("must end in `.svg`, `.png`, `.jpg` or `.jpeg`") }
}

fn description(text: &str) -> Result<Option<String>, String> {
    if text.is_empty() { Ok(None) } else { Label::<MAX_DESCRIPTION>::parse(text).map(Some) }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::fields::{of, wrong};
    use super::*;

    fn request(body: Value) -> Result<ServerRequest, Failure> {
        ServerRequest::parse(of(body))
    }

    fn server(body: Value) -> AuthorisationServer {
        let organisation = OrganisationId::parse_new("acme").unwrap();
        let now = Timestamp::from_millis(1);
        AuthorisationServer::new(organisation, AuthorisationServerId::new(now, [7; 10]), request(body).unwrap(), now)
    }

    #[test]
    fn all_faults_are_reported_at_once() {
        let fields = wrong(request(json!({
            "CustomerFriendlyName": "",
            "CustomerFriendlyLogoUri": "https://acme.example/logo.gif",
            "Issuer": "https://acme.example/?tenant=1",
            "OpenIDDiscoveryDocument": "http://acme.example/.well-known/openid-configuration",
            "Status": "Pending",
        })));
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
    fn an_empty_text_is_none() {
        let empty = json!({
            "CustomerFriendlyName": "Acme", "CustomerFriendlyDescription": "", "CustomerFriendlyLogoUri": "",
        });
        assert_eq!(server(empty), server(json!({"CustomerFriendlyName": "Acme"})));
        let long = json!({"CustomerFriendlyName": "Acme", "CustomerFriendlyDescription": "x".repeat(2_001)});
        assert_eq!(wrong(request(long)), ["CustomerFriendlyDescription"]);
    }

    #[test]
    fn what_is_kept_is_read_back() {
        let before = server(json!({
            "CustomerFriendlyName": "Acme",
            "CustomerFriendlyDescription": "Sign in with Acme",
            "CustomerFriendlyLogoUri": "https://acme.example/logo.svg",
            "OpenIDDiscoveryDocument": "https://acme.example/.well-known/openid-configuration",
        }));
        let kept = serde_json::to_value(&before).unwrap();
        assert_eq!(serde_json::from_value::<AuthorisationServer>(kept).unwrap(), before);
    }

    #[test]
    fn every_sortable_field_has_a_key() {
        let item = server(json!({"CustomerFriendlyName": "Acme"}));
        for field in AuthorisationServer::SORTABLE {
            assert_ne!(item.sort_key(field), SortKey::Absent, "{field}");
        }
    }
}
