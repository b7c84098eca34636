//! The demo tenant: a customer of the local organization, with a connection to it and a valid token.
//!
//! It is set up with the same calls that an operator and a customer make: the functions that list and create tenants
//! and credentials, and the API. Only the ExternalIds of its connection are read from the table directly.

use crate::{
    Error, Stack,
    bus::event_time,
    engine::call,
    http::{Method, Reply, StatusCode},
    identity_provider::IdentityProvider,
};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};
use trustplane_organization::{IDENTITY_STORE_ID, INSTANCE_ARN, REGION, ROLE_ARN};

/// Name of the demo tenant.
const NAME: &str = "demo";
/// Validity of the token that each start creates.
const TOKEN_LIFE: Duration = Duration::days(30);

/// The demo tenant, and access to it.
#[derive(Debug, Clone)]
pub struct Demo {
    /// Its id.
    pub tenant_id: String,
    /// A bearer token with the role `admin`, created at this start.
    pub token: String,
    /// The URL of a setup link, created at this start.
    pub setup_url: String,
}

/// The stored connection of a tenant.
struct Connection {
    external_ids: Vec<String>,
    ever_saved: bool,
}

impl Demo {
    /// Finds or creates the demo tenant, creates a token, and saves its connection if it never had one.
    pub async fn set_up(stack: &Stack) -> Result<Self, Error> {
        let tenant_id = match find(stack).await? {
            Some(tenant_id) => tenant_id,
            None => text(&invoke(stack, "create-tenant", &json!({ "name": NAME })).await?, "tenant_id")?,
        };
        let expires_at = event_time(OffsetDateTime::now_utc() + TOKEN_LIFE);
        let credential = json!({
            "tenant_id": tenant_id,
            "name": "cargo local",
            "roles": ["admin"],
            "expires_at": expires_at,
        });
        let token = text(&invoke(stack, "create-credential", &credential).await?, "token")?;
        let mut demo = Self { tenant_id, token, setup_url: String::new() };

        let connection = demo.connection(stack).await?;
        let external_ids: Vec<_> = connection.external_ids.iter().map(String::as_str).collect();
        stack.organization().trust_role(ROLE_ARN, &external_ids);
        for external_id in external_ids {
            stack.organization().trust_external_id(external_id);
        }
        if !connection.ever_saved {
            demo.save_connection(stack).await?;
        }
        demo.setup_url = demo.setup_link(stack).await?;
        Ok(demo)
    }

    /// Returns the output of `--json`.
    pub fn ready_line(&self, stack: &Stack) -> Value {
        json!({
            "url": stack.url(),
            "tenant_id": self.tenant_id,
            "token": self.token,
            "setup_url": self.setup_url,
            "instance_id": instance_id(),
            "identity_store_id": IDENTITY_STORE_ID,
            "role_arn": ROLE_ARN,
            "sso_instance_arn": INSTANCE_ARN,
            "region": REGION,
            "endpoint": stack.endpoint(),
            "receiver_url": stack.receiver_url(),
            "dynamodb_endpoint": stack.dynamodb_endpoint(),
            "table": stack.table(),
            "metadata_url": stack.identity_provider().map(IdentityProvider::metadata_url),
            "issuer": stack.identity_provider().map(IdentityProvider::issuer),
        })
    }

    async fn connection(&self, stack: &Stack) -> Result<Connection, Error> {
        let key = json!({ "pk": {"S": format!("TENANT#{}", self.tenant_id)}, "sk": {"S": "CONNECTION"} });
        let arguments = json!({ "TableName": stack.table(), "Key": key, "ConsistentRead": true });
        let read = call(stack.dynamodb_endpoint(), "DynamoDB_20120810.GetItem", &arguments).await;
        let read = read.map_err(|failure| Error::while_doing("reading the demo tenant's connection", failure))?;
        let text = |pointer: &str| read.pointer(pointer).and_then(Value::as_str);
        let ids = ["/Item/external_id/S", "/Item/external_id_pending/S"];
        let external_ids: Vec<String> = ids.into_iter().filter_map(text).map(str::to_owned).collect();
        if external_ids.is_empty() {
            return Err(Error::new("the demo tenant in the table has no connection: start with another --data"));
        }
        Ok(Connection {
            external_ids,
            ever_saved: text("/Item/config_version/N").is_some_and(|version| version != "0"),
        })
    }

    async fn save_connection(&self, stack: &Stack) -> Result<(), Error> {
        let body = json!({ "sso_instance_arn": INSTANCE_ARN, "role_arn": ROLE_ARN, "region": REGION });
        let path = "/v1/integrations/aws-identity-center/config";
        let reply = self.send(stack, Method::PUT, path, &body).await?;
        match reply.status {
            StatusCode::OK => Ok(()),
            status => Err(Error::new(format!("saving the demo tenant's connection: {status} {}", reply.text()))),
        }
    }

    /// Creates a setup link, and returns its URL.
    async fn setup_link(&self, stack: &Stack) -> Result<String, Error> {
        let body = json!({
            "label": "cargo local", "sections": ["aws-identity-center", "identity-provider"], "max_sessions": 10,
            "allow_changes": true,
        });
        let reply = self.send(stack, Method::POST, "/v1/setup-links", &body).await?;
        match reply.status {
            StatusCode::CREATED => text(&reply.json(), "url"),
            status => Err(Error::new(format!("creating the demo tenant's setup link: {status} {}", reply.text()))),
        }
    }

    async fn send(&self, stack: &Stack, method: Method, path: &str, body: &Value) -> Result<Reply, Error> {
        let authorization = format!("Bearer {}", self.token);
        let headers = [
            ("authorization", authorization.as_str()),
            ("x-tenant-id", self.tenant_id.as_str()),
            ("content-type", "application/json"),
        ];
        stack.request(method, path, &headers, body.to_string()).await
    }
}

/// Returns the local instance's id, for the APIs that take no ARN.
pub fn instance_id() -> &'static str {
    INSTANCE_ARN.rsplit('/').next().unwrap_or_default()
}

/// Finds the oldest tenant with the demo's name, and returns its id.
async fn find(stack: &Stack) -> Result<Option<String>, Error> {
    /// A stack that developers run has fewer.
    const MAX_PAGES: usize = 1_000;
    let mut cursor = Value::Null;
    for _ in 0..MAX_PAGES {
        let page = invoke(stack, "list-tenants", &json!({ "limit": 100, "cursor": cursor })).await?;
        let tenants = page.get("data").and_then(Value::as_array);
        let found = tenants.into_iter().flatten().find(|tenant| tenant.get("name").is_some_and(|name| name == NAME));
        if let Some(tenant) = found {
            return text(tenant, "tenant_id").map(Some);
        }
        match page.get("next_cursor") {
            Some(next) if next.is_string() => cursor = next.clone(),
            _ => return Ok(None),
        }
    }
    Err(Error::new(format!("function `list-tenants`: the list has no end after {MAX_PAGES} pages")))
}

async fn invoke(stack: &Stack, function: &str, event: &Value) -> Result<Value, Error> {
    let failed = |why: String| Error::new(format!("function `{function}`: {why}"));
    let outcome = stack.invoke(function, event).await.map_err(|refusal| failed(crate::delivery::reason(&refusal)))?;
    if outcome.failed {
        return Err(failed(String::from_utf8_lossy(&outcome.payload).into_owned()));
    }
    serde_json::from_slice(&outcome.payload).map_err(|error| failed(error.to_string()))
}

fn text(reply: &Value, name: &str) -> Result<String, Error> {
    let text = reply.get(name).and_then(Value::as_str).map(str::to_owned);
    text.ok_or_else(|| Error::new(format!("the reply has no `{name}`")))
}
