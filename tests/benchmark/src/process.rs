//! One function process with its own Runtime API.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::{Mutex, mpsc};

use crate::Error;
use crate::tls::Endpoint;

/// Time limit for a start and for a response. Under valgrind, Python takes most of it.
const LIMIT: Duration = Duration::from_secs(120);

/// A function process that has requested its first event.
pub(crate) struct Process {
    child: Child,
    /// Time from the start to the first poll.
    pub(crate) ready: Duration,
    events: mpsc::Sender<String>,
    responses: mpsc::Receiver<Response>,
    polls: mpsc::Receiver<Instant>,
}

/// A function's response to an event: the result of its handler, or an error object.
pub(crate) type Response = Result<Bytes, Bytes>;

/// Returns the environment of every process.
pub(crate) fn environment(table: &Endpoint, name: &str) -> Vec<(String, String)> {
    [
        ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "example"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_LAMBDA_FUNCTION_NAME", "benchmark"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
        ("TRUSTPLANE_ACCOUNT_ID", "000000000000"),
        ("TRUSTPLANE_ARCHIVE", "benchmark.s3.us-east-1.amazonaws.com"),
        ("TRUSTPLANE_AUDIT_RETENTION_DAYS", "400"),
        ("TRUSTPLANE_BOOTSTRAP_TEMPLATE_URL", "https://benchmark.s3.us-east-1.amazonaws.com/role.yaml"),
        ("TRUSTPLANE_DEAD_LETTERS", "https://sqs.us-east-1.amazonaws.com/000000000000/benchmark"),
        ("TRUSTPLANE_EVENT_BUS", "benchmark"),
        ("TRUSTPLANE_KEY_ID", "benchmark"),
        ("TRUSTPLANE_MAC_KEY_ID", "benchmark"),
        ("TRUSTPLANE_REDIRECT_BASE", "https://auth.example.com/sso/callback/"),
        ("TRUSTPLANE_SAML_BASE", "https://auth.example.com"),
        ("TRUSTPLANE_SIGNING_KEY_ID", "benchmark"),
        ("AWS_ENDPOINT_URL", table.url.as_str()),
        ("AWS_CA_BUNDLE", table.bundle.as_str()),
        ("TRUSTPLANE_TABLE", name),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

impl Process {
    /// Starts a program and waits for its first poll.
    pub(crate) async fn start(program: &Path, environment: &[(String, String)]) -> Result<Self, Error> {
        let mut command = Command::new(program);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        Self::spawn(command, environment).await.map_err(|error| format!("{}: {error}", program.display()).into())
    }

    /// As [`Self::start`], by a command.
    pub(crate) async fn spawn(mut command: Command, environment: &[(String, String)]) -> Result<Self, Error> {
        let (events, next) = mpsc::channel::<String>(1);
        let (respond, responses) = mpsc::channel(1);
        let (polled, mut polls) = mpsc::channel(1);
        let next = Arc::new(Mutex::new(next));
        let give = move || {
            let (next, polled) = (Arc::clone(&next), polled.clone());
            async move {
                let _ = polled.try_send(Instant::now());
                let event = next.lock().await.recv().await.unwrap_or_default();
                let deadline =
                    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + Duration::from_secs(29);
                let mut headers = HeaderMap::new();
                for (name, value) in [
                    ("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd".to_owned()),
                    ("lambda-runtime-deadline-ms", deadline.as_millis().to_string()),
                    (
                        "lambda-runtime-invoked-function-arn",
                        "arn:aws:lambda:us-east-1:000000000000:function:x".to_owned(),
                    ),
                ] {
                    headers.insert(name, value.parse().unwrap_or(axum::http::HeaderValue::from_static("")));
                }
                (headers, event)
            }
        };
        let fail = respond.clone();
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(give))
            .route(
                "/2018-06-01/runtime/invocation/{id}/response",
                post(move |body: Bytes| take(respond.clone(), Ok(body))),
            )
            .route("/2018-06-01/runtime/invocation/{id}/error", post(move |body: Bytes| take(fail.clone(), Err(body))));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        tokio::spawn(async move { axum::serve(listener, router).await });

        let started = Instant::now();
        let child = command
            .env_clear()
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
            .kill_on_drop(true)
            .spawn()?;
        let polled = tokio::time::timeout(LIMIT, polls.recv()).await;
        let polled = polled.ok().flatten().ok_or("the process never polled")?;
        Ok(Self { child, ready: polled - started, events, responses, polls })
    }

    /// Waits for the poll after a response.
    pub(crate) async fn poll(&mut self) -> Result<(), Error> {
        let polled = tokio::time::timeout(LIMIT, self.polls.recv()).await;
        polled.ok().flatten().map(|_| ()).ok_or_else(|| "the process polled no more".into())
    }

    /// Asks the process to end, and waits for that.
    pub(crate) async fn end(mut self) -> Result<(), Error> {
        let id = self.child.id().ok_or("the process ended")?;
        let _ = Command::new("kill").arg(id.to_string()).status().await?;
        let _ = self.child.wait().await?;
        Ok(())
    }

    /// Sends an event and waits for the response.
    pub(crate) async fn handle(&mut self, event: &Value) -> Result<Response, Error> {
        self.events.send(event.to_string()).await?;
        let response = tokio::time::timeout(LIMIT, self.responses.recv()).await;
        let response = response.map_err(|_| "no response to the event in time")?;
        response.ok_or_else(|| "the process ended before it responded".into())
    }

    /// Returns the CPU time so far in milliseconds.
    pub(crate) fn cpu_ms(&self) -> Result<f64, Error> {
        cpu_ms(self.child.id().ok_or("the process ended")?)
    }

    /// Returns the peak resident set, in KiB.
    pub(crate) fn peak_kib(&self) -> Result<u64, Error> {
        let id = self.child.id().ok_or("the process ended")?;
        let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
        Ok(line.trim().trim_end_matches(" kB").trim().parse()?)
    }
}

/// Returns the CPU time of a process so far in milliseconds, over all threads, from the scheduler's count in nanoseconds.
pub(crate) fn cpu_ms(id: u32) -> Result<f64, Error> {
    let mut nanoseconds = 0.0;
    for task in std::fs::read_dir(format!("/proc/{id}/task"))? {
        let text = std::fs::read_to_string(task?.path().join("schedstat"))?;
        nanoseconds += text.split(' ').next().and_then(|first| first.parse::<f64>().ok()).unwrap_or_default();
    }
    Ok(nanoseconds / 1e6)
}

async fn take(respond: mpsc::Sender<Response>, response: Response) -> StatusCode {
    // Nobody waits any more for a response that took too long.
    let _ = respond.send(response).await;
    StatusCode::ACCEPTED
}
