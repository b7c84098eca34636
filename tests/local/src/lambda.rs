//! AWS Lambda on this machine: functions, their processes, and the scheduling of invocations.

use crate::{
    Error,
    logs::Logs,
    process::{Answer, Delivery, Process},
    runtime_api,
    template::{Function, REGION},
};
use bytes::Bytes;
use serde_json::json;
use std::{
    collections::{BTreeMap, HashMap},
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::{Semaphore, oneshot};
use uuid::Uuid;

/// Largest event of a synchronous invocation, in bytes.
///
/// Sources: "Lambda quotas", AWS Lambda Developer Guide, and Lambda's error for a larger event.
pub const REQUEST_LIMIT: usize = 6 * 1024 * 1024;

/// Time limit for a process's first request for an invocation.
///
/// Source: "Lambda execution environment lifecycle", AWS Lambda Developer Guide: the init phase has 10 seconds.
const INIT_LIMIT: Duration = Duration::from_secs(10);

/// Limits on processes and concurrent invocations.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Concurrent invocations of all functions together. Each has its own process.
    pub concurrency: usize,
    /// Processes alive at the same time. At the limit, the process that was idle longest is ended.
    pub processes: usize,
    /// Time that an invocation waits at the concurrency limit before it is throttled.
    pub patience: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { concurrency: 32, processes: 48, patience: Duration::from_secs(10) }
    }
}

/// A function, with its binary and environment.
#[derive(Debug, Clone)]
pub struct Runnable {
    /// The function's properties in the template.
    pub function: Function,
    /// Path of the binary.
    pub binary: PathBuf,
    /// Environment variables: the template's, and those that direct AWS calls to this machine.
    pub environment: BTreeMap<String, String>,
}

/// Outcome of an invocation that started.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Its request id.
    pub request_id: String,
    /// The function's response, or `{"errorType", "errorMessage"}`.
    pub payload: Bytes,
    /// True if the function failed, timed out or crashed.
    pub failed: bool,
    /// The process that ran it.
    pub process: u32,
    /// Number of the log's newest line at the start of the invocation.
    pub log_start: u64,
    /// Duration since the process took the invocation.
    pub duration: Duration,
}

/// Reasons why an invocation did not start.
#[derive(Debug)]
pub enum Refusal {
    /// The function does not exist.
    Unknown,
    /// The event has this many bytes, which exceeds Lambda's limit.
    TooLarge(usize),
    /// The concurrency limit is reached.
    Throttled,
    /// The binary cannot run.
    Broken(Error),
}

/// All functions of the stack, as a cheap handle.
#[derive(Clone)]
pub struct Lambda(Arc<Inner>);

struct Inner {
    functions: BTreeMap<String, Runnable>,
    runtime_api: SocketAddr,
    limits: Limits,
    permits: Semaphore,
    logs: Logs,
    processes: Mutex<Processes>,
    /// The runtime of the stack. Processes outlive the runtime of a test that invokes a function directly.
    runtime: tokio::runtime::Handle,
}

#[derive(Default)]
struct Processes {
    running: HashMap<String, Arc<Process>>,
    /// Idle processes, the longest idle first.
    idle: Vec<Arc<Process>>,
    stopped: bool,
}

impl Lambda {
    /// Serves the Runtime API on a free port. Processes start on demand.
    pub async fn start(
        functions: BTreeMap<String, Runnable>,
        limits: Limits,
        logs: Logs,
    ) -> Result<(Self, impl Future<Output = ()> + Send + 'static), Error> {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
            .await
            .map_err(|error| Error::while_doing("listening for functions", error))?;
        let runtime_api =
            listener.local_addr().map_err(|error| Error::while_doing("listening for functions", error))?;
        let permits = Semaphore::new(limits.concurrency);
        let processes = Mutex::default();
        let runtime = tokio::runtime::Handle::current();
        let lambda = Self(Arc::new(Inner { functions, runtime_api, limits, permits, logs, processes, runtime }));
        let router = runtime_api::router(lambda.clone());
        Ok((lambda, async move {
            // It ends only with the listener, whose errors it survives.
            let _ = axum::serve(listener, router).await;
        }))
    }

    /// Finds a function by its name, its deployed name, or its ARN, with or without a qualifier.
    pub fn find(&self, name: &str) -> Option<&Runnable> {
        let name = match name.split_once(":function:") {
            Some((_, name)) => name,
            None => name,
        };
        let name = name.split(':').next().unwrap_or_default();
        let functions = &self.0.functions;
        functions
            .get(name)
            .or_else(|| functions.values().find(|runnable| runnable.function.deployed_name.as_deref() == Some(name)))
    }

    /// Iterates over the names of all functions.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.functions.keys().map(String::as_str)
    }

    /// Invokes a function with `payload` as its event, and waits for the outcome.
    pub async fn invoke(&self, name: &str, payload: Bytes) -> Result<Outcome, Refusal> {
        let runnable = self.find(name).ok_or(Refusal::Unknown)?;
        if payload.len() > REQUEST_LIMIT {
            return Err(Refusal::TooLarge(payload.len()));
        }
        let permit = tokio::time::timeout(self.0.limits.patience, self.0.permits.acquire()).await;
        // The semaphore is never closed, so an error can only be the timeout.
        let Ok(Ok(_permit)) = permit else {
            return Err(Refusal::Throttled);
        };
        let request_id = Uuid::new_v4().to_string();
        loop {
            let (process, fresh) = self.process_for(runnable).map_err(Refusal::Broken)?;
            if let Some(outcome) = self.run(runnable, &process, fresh, &request_id, payload.clone()).await {
                return Ok(outcome);
            }
        }
    }

    /// Returns the functions' log.
    pub fn logs(&self) -> &Logs {
        &self.0.logs
    }

    /// Returns the ids of the processes that run a function now.
    pub fn processes(&self, name: &str) -> Vec<u32> {
        let Some(runnable) = self.find(name) else {
            return Vec::new();
        };
        let processes = self.lock();
        let running = processes.running.values().filter(|process| process.function == runnable.function.name);
        running.map(|process| process.id).collect()
    }

    /// Kills a process, as a crash would. Returns false if there is no process with this id.
    pub fn crash(&self, id: u32) -> bool {
        let process = self.lock().running.values().find(|process| process.id == id).cloned();
        process.inspect(|process| process.kill()).is_some()
    }

    /// Kills all processes and waits until they have ended. No function can be invoked afterwards.
    pub async fn stop(&self) {
        for process in self.kill() {
            process.exited().await;
        }
    }

    /// Kills all processes without waiting.
    pub(crate) fn kill(&self) -> Vec<Arc<Process>> {
        let mut processes = self.lock();
        processes.stopped = true;
        processes.idle.clear();
        let running: Vec<_> = processes.running.values().cloned().collect();
        for process in &running {
            process.kill();
        }
        running
    }

    /// Finds the process with this `key` in the Runtime API.
    pub(crate) fn process(&self, key: &str) -> Option<Arc<Process>> {
        self.lock().running.get(key).cloned()
    }

    /// Returns the function's name after deployment.
    pub(crate) fn deployed_name<'a>(&'a self, name: &'a str) -> &'a str {
        self.find(name).and_then(|runnable| runnable.function.deployed_name.as_deref()).unwrap_or(name)
    }

    /// Passes the invocation to a process. Returns `None` if the idle process ended before it took the invocation.
    async fn run(
        &self,
        runnable: &Runnable,
        process: &Arc<Process>,
        fresh: bool,
        request_id: &str,
        payload: Bytes,
    ) -> Option<Outcome> {
        let log_start = self.0.logs.last();
        let (taken, take) = oneshot::channel();
        let (answer, mut answered) = oneshot::channel();
        let limit = runnable.function.timeout;
        let started = Instant::now();
        process.give(Delivery { id: request_id.to_owned(), payload, limit, taken, answer });
        let failed = |kind: &str, message: String| {
            let message = format!("RequestId: {request_id} Error: {message}");
            // CloudWatch shows it among the function's own lines.
            self.0.logs.add(&runnable.function.name, process.id, message.clone());
            Err(Bytes::from(json!({ "errorType": kind, "errorMessage": message }).to_string()))
        };
        let ended = |status: String| failed("Runtime.ExitError", format!("Runtime exited with error: {status}"));

        let taken = tokio::select! {
            biased;
            deadline = take => deadline.map_err(|_| String::new()),
            status = process.exited() => Err(status),
            () = tokio::time::sleep(INIT_LIMIT) => {
                process.kill();
                Err(process.exited().await)
            }
        };
        let (result, begun) = match taken {
            Err(_) if !fresh => return None,
            Err(status) => (process.init_error().map_or_else(|| ended(status), Err), started),
            Ok(deadline) => {
                let result = tokio::select! {
                    biased;
                    answer = &mut answered => match answer {
                        Ok(Answer::Response(payload)) => Ok(payload),
                        Ok(Answer::Error(payload)) => Err(payload),
                        Err(_) => ended("the next invocation was asked for before this one was answered".to_owned()),
                    },
                    status = process.exited() => ended(status),
                    () = tokio::time::sleep_until(deadline.into()) => {
                        process.kill();
                        process.exited().await;
                        failed("Sandbox.Timedout", format!("Task timed out after {:.2} seconds", limit.as_secs_f64()))
                    }
                };
                (result, deadline.checked_sub(limit).unwrap_or(started))
            }
        };
        self.give_back(process);
        let failed = result.is_err();
        let payload = result.unwrap_or_else(|error| error);
        Some(Outcome {
            request_id: request_id.to_owned(),
            payload,
            failed,
            process: process.id,
            log_start,
            duration: begun.elapsed(),
        })
    }

    /// Returns the idle process of the function that was used last, or starts a new one.
    fn process_for(&self, runnable: &Runnable) -> Result<(Arc<Process>, bool), Error> {
        let mut processes = self.lock();
        if processes.stopped {
            return Err(Error::new("the stack has stopped"));
        }
        let name = &runnable.function.name;
        if let Some(index) =
            processes.idle.iter().rposition(|process| process.function == *name && !process.has_exited())
        {
            return Ok((processes.idle.remove(index), false));
        }
        if processes.running.len() >= self.0.limits.processes && !processes.idle.is_empty() {
            processes.idle.remove(0).kill();
        }
        let key = Uuid::new_v4().simple().to_string();
        let inner = Arc::downgrade(&self.0);
        let _runtime = self.0.runtime.enter();
        let process = Process::start(
            key.clone(),
            name,
            &runnable.binary,
            self.environment(runnable, &key),
            &self.0.logs,
            move |key| {
                if let Some(inner) = inner.upgrade() {
                    let mut processes = inner.processes.lock().unwrap_or_else(PoisonError::into_inner);
                    processes.running.remove(key);
                    processes.idle.retain(|process| process.key != key);
                }
            },
        )?;
        processes.running.insert(key, Arc::clone(&process));
        Ok((process, true))
    }

    fn give_back(&self, process: &Arc<Process>) {
        let mut processes = self.lock();
        if !processes.stopped && !process.has_exited() {
            processes.idle.push(Arc::clone(process));
        }
    }

    /// Returns the variables that Lambda sets for every function, and the function's own.
    ///
    /// Source: "Defined runtime environment variables", AWS Lambda Developer Guide.
    fn environment(&self, runnable: &Runnable, key: &str) -> BTreeMap<String, String> {
        let function = &runnable.function;
        let name = self.deployed_name(&function.name);
        let task_root = runnable.binary.parent().map_or_else(String::new, |root| root.display().to_string());
        let mut environment = BTreeMap::new();
        for (variable, value) in [
            ("AWS_LAMBDA_RUNTIME_API", format!("http://{}/{key}", self.0.runtime_api)),
            ("AWS_LAMBDA_FUNCTION_NAME", name.to_owned()),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", function.memory.to_string()),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned()),
            ("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{name}")),
            ("AWS_LAMBDA_LOG_STREAM_NAME", format!("local/[$LATEST]{key}")),
            ("AWS_EXECUTION_ENV", "AWS_Lambda_provided.al2023".to_owned()),
            ("AWS_REGION", REGION.to_owned()),
            ("AWS_DEFAULT_REGION", REGION.to_owned()),
            // Nothing verifies the credentials here. They identify the platform's account as the caller.
            ("AWS_ACCESS_KEY_ID", "ASIAPLATFORM00000000".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
            ("AWS_SESSION_TOKEN", "local".to_owned()),
            ("_HANDLER", "bootstrap".to_owned()),
            ("LAMBDA_TASK_ROOT", task_root),
            ("LAMBDA_RUNTIME_DIR", "/var/runtime".to_owned()),
            ("LANG", "en_US.UTF-8".to_owned()),
            ("PATH", "/usr/local/bin:/usr/bin:/bin".to_owned()),
            ("TZ", ":UTC".to_owned()),
        ] {
            environment.insert(variable.to_owned(), value);
        }
        environment.extend(runnable.environment.clone());
        environment
    }

    fn lock(&self) -> MutexGuard<'_, Processes> {
        self.0.processes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
