//! The running stack that all tests of a program share. Each test creates its own customers in it.

use std::sync::OnceLock;

use serde_json::{Value, json};
use tokio::runtime::Runtime;
use trustplane_local::{Options, Stack, binaries::workspace, wait::until};

use crate::contract::Contract;
use crate::{Cost, Customer, Reply, Request};

/// A running stack.
pub struct World {
    stack: Stack,
    // Runs the stack's tasks. Tests have their own runtimes.
    _runtime: Runtime,
}

/// Returns the stack of this test program. Starts it on first use.
pub fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| World::start(Options { streams: true, ..Options::default() }))
}

impl World {
    /// Starts a stack, for tests that need their own.
    ///
    /// `TRUSTPLANE_FUNCTIONS` names a folder with one binary per function, as `target/lambda`, from the root of the
    /// workspace. Without it, one program that is built for the tests serves all functions.
    pub fn start(mut options: Options) -> Self {
        if let (None, Some(folder)) = (&options.functions, std::env::var_os("TRUSTPLANE_FUNCTIONS")) {
            options.functions = Some(workspace().join(folder));
        }
        options.observer.get_or_insert(crate::events::observe);
        // In a new thread, because a test cannot start another runtime in its own thread.
        std::thread::scope(|scope| {
            let started = scope.spawn(|| {
                let runtime =
                    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
                let stack = runtime.block_on(Stack::start(options)).unwrap_or_else(|error| panic!("{error}"));
                (stack, runtime)
            });
            let (stack, runtime) = started.join().unwrap();
            Self { stack, _runtime: runtime }
        })
    }

    /// Stops the stack. Its data folder can be used by another one then.
    pub fn stop(self) {
        let Self { stack, _runtime: runtime, .. } = self;
        // In a new thread, because a test cannot drop another runtime in its own thread.
        let stopped = std::thread::spawn(move || runtime.block_on(stack.stop()));
        stopped.join().unwrap();
    }

    /// Returns the stack.
    pub fn stack(&self) -> &Stack {
        &self.stack
    }

    /// Creates a tenant with one credential per role.
    pub async fn customer(&'static self) -> Customer {
        Customer::new(self).await
    }

    /// Invokes a function directly. Returns its result or its error object.
    pub async fn invoke(&self, function: &str, payload: &Value) -> Result<Value, Value> {
        let path = format!("/2015-03-31/functions/{function}/invocations");
        let reply = self
            .stack
            .request(trustplane_local::http::Method::POST, &path, &[], payload.to_string())
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        let failed = reply.header("x-amz-function-error").is_some();
        if failed { Err(reply.json()) } else { Ok(reply.json()) }
    }

    /// Creates a tenant. Returns its id and ExternalId.
    pub async fn tenant(&self, name: &str) -> (String, String) {
        let made = self.invoke("create-tenant", &json!({"name": name})).await.unwrap();
        let text = |field: &str| made[field].as_str().unwrap().to_owned();
        (text("tenant_id"), text("external_id"))
    }

    /// Creates a credential of a tenant. Returns its token.
    pub async fn token(&self, tenant: &str, roles: &[&str]) -> String {
        let wanted = json!({"tenant_id": tenant, "name": roles.join(" and "), "roles": roles});
        let made = self.invoke("create-credential", &wanted).await.unwrap();
        made["token"].as_str().unwrap().to_owned()
    }

    /// Sends a request, and validates the response against the contract.
    pub async fn send(&self, request: Request) -> Reply {
        let headers: Vec<(&str, &str)> =
            request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let method = request.method.parse().unwrap();
        let reply = self
            .stack
            .request(method, &request.path, &headers, request.body.clone())
            .await
            .unwrap_or_else(|error| panic!("{} {}: {error}", request.method, request.path));
        let reply = Reply::of(reply);
        Contract::shared().hold(&request, &reply);
        reply
    }

    /// Returns the cost of the request with this id, from the function's log.
    pub async fn cost(&self, request_id: &str) -> Cost {
        Cost::of(&self.line(request_id).await)
    }

    /// Returns the log line of the request with this id. It appears in the process's output after the response.
    pub async fn line(&self, request_id: &str) -> Value {
        let mut found = None;
        until(&format!("the log line of request {request_id}"), || {
            found = self.stack.find_log(|line| {
                // Cheaper than parsing each line.
                if !line.text.contains(request_id) {
                    return None;
                }
                let line: Value = serde_json::from_str(&line.text).ok()?;
                (line["message"] == "request" && line["request_id"] == request_id).then_some(line)
            });
            found.is_some()
        })
        .await;
        found.unwrap()
    }
}
