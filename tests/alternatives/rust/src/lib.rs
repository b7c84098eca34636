//! Parts that the functions share: the credential in one read with the item, the change in one write with its audit record.

use std::collections::HashMap;
use std::sync::Arc;

use aws_config::BehaviorVersion;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, Put, TransactWriteItem};
use lambda_http::http::header::CONTENT_TYPE;
use lambda_http::{Body, Error, Request, RequestExt, RequestPayloadExt, Response, run, service_fn, tracing};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use time::macros::format_description;
use uuid::Uuid;

type Item = HashMap<String, AttributeValue>;

/// The table.
pub struct Store {
    client: Client,
    table: String,
}

/// The caller, and the item that was read with it.
pub struct Found<T> {
    pub tenant: String,
    pub caller: String,
    pub item: Option<Versioned<T>>,
}

#[derive(Clone, Serialize, Deserialize)]
pub struct Versioned<T> {
    pub version: u64,
    #[serde(flatten)]
    pub value: T,
}

#[derive(Deserialize)]
struct Credential {
    tenant_id: String,
    name: String,
    roles: Vec<String>,
}

/// A response that is no success, or a failure of the function.
pub enum Refused {
    With(u16, String),
    Failed(Error),
}

impl<E: std::error::Error + Send + Sync + 'static> From<E> for Refused {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

pub fn refused<T>(status: u16, message: impl Into<String>) -> Result<T, Refused> {
    Err(Refused::With(status, message.into()))
}

impl Store {
    /// Reads the item and the credential, which must have this role.
    pub async fn read<T: DeserializeOwned>(
        &self,
        request: &Request,
        key: &str,
        role: &str,
    ) -> Result<Found<T>, Refused> {
        let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let (scheme, token) = header("authorization").split_once(' ').unwrap_or_default();
        let tenant = header("x-tenant-id").to_owned();
        let credential_key = format!("TOKEN#{}", hex(&Sha256::digest(token)));
        let keys = KeysAndAttributes::builder()
            .keys(item_key(&credential_key, "TOKEN"))
            .keys(item_key(&format!("TENANT#{tenant}"), key))
            .build()?;
        let found = self.client.batch_get_item().request_items(&self.table, keys).send().await?;
        if found.unprocessed_keys.is_some_and(|keys| !keys.is_empty()) {
            return refused(503, "try again");
        }
        let items = found.responses.unwrap_or_default().remove(&self.table).unwrap_or_default();
        let (credential, item): (Vec<Item>, Vec<Item>) =
            items.into_iter().partition(|item| item.get("pk").and_then(|pk| pk.as_s().ok()) == Some(&credential_key));
        let Some(credential) = credential.into_iter().next().filter(|_| scheme.eq_ignore_ascii_case("bearer")) else {
            return refused(401, "the credential is missing or not valid");
        };
        let Credential { tenant_id, name, roles } = serde_dynamo::from_item(credential)?;
        if tenant_id != tenant || !roles.iter().any(|one| one == role) {
            return refused(403, "the credential may not do this");
        }
        let item = item.into_iter().next().map(serde_dynamo::from_item).transpose()?;
        Ok(Found { tenant, caller: name, item })
    }

    /// Writes the item, unless another request has changed it since it was read, and the audit record.
    pub async fn write<T: Serialize>(
        &self,
        request: &Request,
        found: &Found<T>,
        action: &str,
        key: &str,
        value: &T,
    ) -> Result<(), Refused> {
        let Found { tenant, caller, item } = found;
        let before = item.as_ref().map(|item| item.version);
        let version = before.unwrap_or_default() + 1;
        let at = now()?;
        let mut item: Item = serde_dynamo::to_item(Versioned { version, value })?;
        item.extend(item_key(&format!("TENANT#{tenant}"), key));
        let mut audit: Item = serde_dynamo::to_item(json!({
            "at": at, "action": action, "caller": caller, "resource": key,
            "request_id": request.lambda_context().request_id, "version": version,
        }))?;
        audit.extend(item_key(&format!("AUDIT#{tenant}"), &format!("{at}#{}", Uuid::new_v4())));
        let put = Put::builder().table_name(&self.table).set_item(Some(item));
        let put = match before {
            Some(version) => put
                .condition_expression("version = :version")
                .expression_attribute_values(":version", AttributeValue::N(version.to_string())),
            None => put.condition_expression("attribute_not_exists(pk)"),
        };
        let audit = Put::builder().table_name(&self.table).set_item(Some(audit));
        let items = [put.build()?, audit.build()?].map(|put| TransactWriteItem::builder().put(put).build());
        let written = self.client.transact_write_items().set_transact_items(Some(items.into())).send().await;
        match written.map_err(|error| error.into_service_error()) {
            Ok(_) => Ok(()),
            Err(error) if error.is_transaction_canceled_exception() => {
                refused(409, "the item was changed at the same time")
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Parses the body.
pub fn body<T: DeserializeOwned>(request: &Request) -> Result<T, Refused> {
    match request.json() {
        Ok(Some(body)) => Ok(body),
        Ok(None) => refused(400, "the body is missing"),
        Err(_) => refused(400, "the body is no JSON object with the documented fields"),
    }
}

/// Returns a parameter of the path.
pub fn parameter(request: &Request, name: &str) -> String {
    request.path_parameters().first(name).unwrap_or_default().to_owned()
}

pub fn is_id(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.~-".contains(&byte))
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn now() -> Result<String, time::error::Format> {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
    OffsetDateTime::now_utc().format(format)
}

fn item_key(pk: &str, sk: &str) -> Item {
    [("pk", pk), ("sk", sk)].map(|(name, value)| (name.to_owned(), AttributeValue::S(value.to_owned()))).into()
}

/// Serves what answers a request, with the dialect's error body.
pub async fn serve<F>(
    answer: impl Fn(Arc<Store>, Request) -> F,
    refusal: fn(u16, &str, &str) -> Value,
) -> Result<(), Error>
where
    F: Future<Output = Result<Value, Refused>> + Send,
{
    tracing::init_default_subscriber();
    let configuration = aws_config::load_defaults(BehaviorVersion::latest()).await;
    let store = Arc::new(Store { client: Client::new(&configuration), table: std::env::var("TABLE")? });
    run(service_fn(|request: Request| {
        let id = request.lambda_context().request_id;
        let answered = answer(Arc::clone(&store), request);
        async move {
            let (status, body) = match answered.await {
                Ok(body) => (200, body),
                Err(Refused::With(status, message)) => (status, refusal(status, &message, &id)),
                Err(Refused::Failed(error)) => return Err(error),
            };
            tracing::info!(request_id = id, status, "request");
            let response = Response::builder().status(status).header(CONTENT_TYPE, "application/json");
            Ok(response.body(Body::from(body.to_string()))?)
        }
    }))
    .await
}
