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
use uuid::Uuid;

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
        match file {
            Some(file) => Self::open(&file.to_string_lossy()).await,
            None => Self::open(&in_memory()).await,
        }
    }

    /// Starts the engine on a database of SQLite.
    async fn open(name: &str) -> Result<Self, Error> {
        let failed = |error: &dyn std::fmt::Display| Error::while_doing("starting the DynamoDB engine", error);
        let database = Database::new(name).map_err(|error| failed(&error))?;
        index_streams(name).map_err(|error| failed(&error))?;
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

/// Returns a name for a new database in memory. With a name it can be opened twice. Source: "In-Memory Databases", SQLite.
fn in_memory() -> String {
    format!("file:trustplane-{}?mode=memory&cache=shared", Uuid::new_v4())
}

/// Adds an index for the engine's queries of its stream records, which have none. Without it, each write and each poll of a
/// stream reads all stream records that were ever written.
fn index_streams(database: &str) -> rusqlite::Result<()> {
    let connection = rusqlite::Connection::open(database)?;
    connection.busy_timeout(SHUTDOWN)?;
    connection.execute_batch(
        "CREATE INDEX IF NOT EXISTS _stream_records_by_sequence_number
         ON _stream_records (table_name, CAST(sequence_number AS INTEGER))",
    )
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
pub enum Failure {
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
pub async fn call(endpoint: &str, target: &str, arguments: &Value) -> Result<Value, Failure> {
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

#[cfg(test)]
mod tests {
    use rusqlite::{Connection, StatementStatus};

    use super::*;

    /// The engine's query for the number of the next stream record, once per write.
    const NEXT: &str = "SELECT COALESCE(MAX(CAST(sequence_number AS INTEGER)), 0) + 1 FROM _stream_records \
                        WHERE table_name = ?1";

    /// Returns SQLite's steps for the query.
    fn steps(database: &str) -> i32 {
        let connection = Connection::open(database).unwrap();
        let mut query = connection.prepare(NEXT).unwrap();
        let _: i64 = query.query_row(["example"], |row| row.get(0)).unwrap();
        query.get_status(StatementStatus::VmStep)
    }

    #[tokio::test]
    async fn a_write_after_100_000_writes_costs_what_the_first_ones_cost() {
        let folder = std::env::temp_dir().join(format!("trustplane-engine-{}", Uuid::new_v4()));
        std::fs::create_dir_all(&folder).unwrap();
        write_after_100_000_writes(&folder.join("table.sqlite").to_string_lossy()).await;
        std::fs::remove_dir_all(&folder).unwrap();
        write_after_100_000_writes(&in_memory()).await;
    }

    async fn write_after_100_000_writes(database: &str) {
        let engine = Engine::open(database).await.unwrap();
        let table = json!({
            "TableName": "example",
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
            "BillingMode": "PAY_PER_REQUEST",
            "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        });
        let put = async |name: &str| {
            let item = json!({"TableName": "example", "Item": {"pk": {"S": name}}});
            assert!(call(engine.endpoint(), "DynamoDB_20120810.PutItem", &item).await.is_ok());
        };
        assert!(call(engine.endpoint(), "DynamoDB_20120810.CreateTable", &table).await.is_ok());
        for name in ["a", "b", "c"] {
            put(name).await;
        }
        let first = steps(database);
        let connection = Connection::open(database).unwrap();
        connection.busy_timeout(Duration::from_secs(10)).unwrap();
        let copied = connection.execute(
            "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 100000)
             INSERT INTO _stream_records (table_name, event_name, keys_json, sequence_number, shard_id, created_at)
             SELECT table_name, event_name, keys_json, CAST(sequence_number AS INTEGER) + n, shard_id, created_at
             FROM (SELECT * FROM _stream_records ORDER BY id DESC LIMIT 1), n",
            [],
        );
        assert_eq!(copied, Ok(100_000));
        put("d").await;
        assert_eq!(steps(database), first);
        let (records, numbers): (i64, i64) = connection
            .query_row("SELECT COUNT(*), COUNT(DISTINCT sequence_number) FROM _stream_records", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .unwrap();
        assert_eq!((records, numbers), (100_004, 100_004));
        // Without the index, the query reads all records.
        connection.execute("DROP INDEX _stream_records_by_sequence_number", []).unwrap();
        assert!(steps(database) > 100_000);
        drop(connection);
        engine.stop().await;
    }
}
