//! DynamoDB on this machine: the embedded engine or another endpoint, with the template's tables.

use crate::{
    Error,
    http::{self, Method},
    template::Table,
};
use dynoxide::Database;
use serde_json::{Value, json};
use std::{path::Path, time::Duration};
use tokio::{sync::oneshot, task::JoinHandle};

/// Time between two deletions of expired items. DynamoDB takes up to days, so no code may rely on an early deletion.
const TTL_SWEEP: Duration = Duration::from_secs(30);
/// Time limit for the engine's shutdown.
const SHUTDOWN: Duration = Duration::from_secs(2);

/// The embedded engine.
pub struct Engine {
    endpoint: String,
    shutdown: oneshot::Sender<()>,
    server: JoinHandle<()>,
    sweeper: JoinHandle<()>,
}

impl Engine {
    /// Starts the engine on a free port, with a file or in memory.
    pub async fn start(file: Option<&Path>) -> Result<Self, Error> {
        let failed = |error: &dyn std::fmt::Display| Error::while_doing("starting the DynamoDB engine", error);
        let database = match file {
            Some(file) => Database::new(&file.to_string_lossy()),
            None => Database::memory(),
        };
        let database = database.map_err(|error| failed(&error))?;
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.map_err(|error| failed(&error))?;
        let address = listener.local_addr().map_err(|error| failed(&error))?;
        let (shutdown, stopped) = oneshot::channel::<()>();
        let swept = database.clone();
        let server = tokio::spawn(async move {
            let stopped = async move {
                // Dropping the sender stops the server as well.
                let _ = stopped.await;
            };
            if let Err(error) = dynoxide::server::serve_with_shutdown(listener, database, stopped).await {
                eprintln!("error: the DynamoDB engine stopped: {error}");
            }
        });
        let sweeper = tokio::spawn(async move {
            loop {
                tokio::time::sleep(TTL_SWEEP).await;
                let database = swept.clone();
                let swept = tokio::task::spawn_blocking(move || database.sweep_ttl()).await;
                if let Ok(Err(error)) = swept {
                    eprintln!("warning: expired items were not deleted: {error}");
                }
            }
        });
        Ok(Self { endpoint: format!("http://{address}"), shutdown, server, sweeper })
    }

    /// Returns its URL.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Completes pending work and closes the file.
    pub async fn stop(self) {
        self.sweeper.abort();
        drop(self.shutdown);
        let abort = self.server.abort_handle();
        if tokio::time::timeout(SHUTDOWN, self.server).await.is_err() {
            abort.abort();
        }
    }
}

/// Creates missing tables, and waits until they are active.
pub async fn create_tables(endpoint: &str, tables: &[Table]) -> Result<(), Error> {
    for table in tables {
        let named = json!({ "TableName": table.name });
        match call(endpoint, "DynamoDB_20120810.CreateTable", &table.create).await {
            Ok(_) => {}
            Err(Failure::Aws { kind, .. }) if kind == "ResourceInUseException" => continue,
            Err(failure) => {
                return Err(Error::while_doing(format!("creating table `{}`", table.name), failure));
            }
        }
        let mut active = false;
        for _ in 0..100 {
            let described = call(endpoint, "DynamoDB_20120810.DescribeTable", &named).await;
            let described = described
                .map_err(|failure| Error::while_doing(format!("describing table `{}`", table.name), failure))?;
            active = described.pointer("/Table/TableStatus").and_then(Value::as_str) == Some("ACTIVE");
            if active {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        if !active {
            return Err(Error::new(format!("table `{}` does not become active", table.name)));
        }
        if let Some(attribute) = &table.ttl_attribute {
            let specification = json!({ "AttributeName": attribute, "Enabled": true });
            let arguments = json!({ "TableName": table.name, "TimeToLiveSpecification": specification });
            call(endpoint, "DynamoDB_20120810.UpdateTimeToLive", &arguments)
                .await
                .map_err(|failure| Error::while_doing(format!("expiry of table `{}`", table.name), failure))?;
        }
    }
    Ok(())
}

/// An error of a call to DynamoDB or its streams.
pub(crate) enum Failure {
    /// The service returned an error.
    Aws {
        /// The exception's name, without its namespace.
        kind: String,
        /// The service's message.
        message: String,
    },
    /// The service could not be reached.
    Unreachable(Error),
}

impl std::fmt::Display for Failure {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Aws { kind, message } => write!(formatter, "{kind}: {message}"),
            Self::Unreachable(error) => error.fmt(formatter),
        }
    }
}

/// Calls an operation (`DynamoDB_20120810.DescribeTable`). The engine checks no signature.
pub(crate) async fn call(endpoint: &str, target: &str, arguments: &Value) -> Result<Value, Failure> {
    const AUTHORIZATION: &str = "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, \
                                 SignedHeaders=host;x-amz-date, Signature=0";
    let headers = [
        ("content-type", "application/x-amz-json-1.0"),
        ("x-amz-target", target),
        ("x-amz-date", "20260101T000000Z"),
        ("authorization", AUTHORIZATION),
    ];
    let reply =
        http::send(Method::POST, &format!("{}/", endpoint.trim_end_matches('/')), &headers, arguments.to_string())
            .await
            .map_err(Failure::Unreachable)?;
    let body = reply.json();
    if reply.status.is_success() {
        return Ok(body);
    }
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let kind = text("__type").rsplit('#').next().unwrap_or_default().to_owned();
    let message = if text("message").is_empty() { text("Message") } else { text("message") };
    Err(Failure::Aws { kind, message })
}
