//! Event functions: invoked by EventBridge or the table's stream. A failure is the invocation's error, on purpose: the
//! event source tries again, and keeps what fails for good.

use std::pin::Pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use lambda_http::{LambdaEvent, service_fn};
use serde_json::Value;
use trustplane_domain::Timestamp;
use trustplane_domain::ids::TenantId;
use trustplane_policy::Grant;

use crate::serve::run;
use crate::{Platform, log};

/// An event on its way.
#[derive(Debug)]
pub struct Reaction {
    /// What every function process has.
    pub platform: Arc<Platform>,
    /// The event's own time where it has one (`time` of a scheduled event), else the clock's.
    pub now: Timestamp,
    /// The event.
    pub event: Value,
    function: &'static str,
    request_id: String,
    deadline: SystemTime,
}

/// Why an event was not handled: the invocation's error.
pub type ReactionError = lambda_runtime::Error;

impl Reaction {
    /// The function's leave to change `tenant`.
    pub fn grant(&self, tenant: TenantId) -> Grant {
        Grant::reaction(tenant, self.function, &self.request_id, self.now)
    }

    /// How long the invocation may still take.
    pub fn time_left(&self) -> Duration {
        self.deadline.duration_since(SystemTime::now()).unwrap_or_default()
    }
}

type Handler = dyn Fn(Reaction) -> Pin<Box<dyn Future<Output = Result<Value, ReactionError>>>>;

/// Serves the event function `name`: the body of its `main`.
pub fn reaction<H, F>(name: &'static str, handler: H) -> ExitCode
where
    H: Fn(Reaction) -> F + 'static,
    F: Future<Output = Result<Value, ReactionError>> + 'static,
{
    serve(name, &move |call| Box::pin(handler(call)))
}

fn serve(name: &'static str, handler: &Handler) -> ExitCode {
    run(name, async |function, platform| {
        let serve = move |event: LambdaEvent<Value>| {
            let deadline = event.context.deadline();
            let time = event.payload.get("time").and_then(Value::as_str).and_then(Timestamp::parse);
            let reaction = Reaction {
                platform: Arc::clone(&platform),
                now: time.unwrap_or_else(Timestamp::now),
                event: event.payload,
                function: function.name,
                request_id: event.context.request_id.clone(),
                deadline,
            };
            let (platform, request_id) = (Arc::clone(&platform), event.context.request_id);
            async move {
                platform.meter.take();
                let result = handler(reaction).await;
                if let Err(error) = &result {
                    tracing::error!(error = %error, "reaction");
                }
                let outcome = if result.is_ok() { "ok" } else { "error" };
                log::request(function.name, &request_id, None, outcome, &platform.meter.take());
                result
            }
        };
        lambda_runtime::run(service_fn(serve)).await
    })
}
