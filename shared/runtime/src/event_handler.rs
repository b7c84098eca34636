//! Event handlers: invoked by EventBridge or the table's stream. A failure is the invocation's error, on purpose: the
//! event source tries again, and keeps what fails for good.

use std::pin::Pin;
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use lambda_http::{LambdaEvent, service_fn};
use serde_json::Value;
use trustplane_domain::ids::TenantId;
use trustplane_domain::policy::PolicySet;
use trustplane_domain::{Failure, Timestamp};
use trustplane_policy::{
    Attempt, Grant, Origin, Policies, PolicyRequest, Principal, Proposal, Question, Sealed, decide,
};
use trustplane_store::CommitError;

use crate::log::{Line, Trace};
use crate::operator::diagnostic;
use crate::policies::compile;
use crate::serve::run;
use crate::{Platform, actions, log};

/// An event, and what its handler has to handle it.
#[derive(Debug)]
pub struct EventCall {
    /// The clients and settings of the process.
    pub platform: Arc<Platform>,
    /// The event's own time where it has one (`time` of a scheduled event), else the clock's.
    pub now: Timestamp,
    /// The event.
    pub event: Value,
    function: &'static str,
    request_id: String,
    deadline: SystemTime,
}

/// The error of an invocation: the event was not handled.
pub type EventError = lambda_runtime::Error;

impl EventCall {
    /// The function's grant to change `tenant`.
    pub fn grant(&self, tenant: TenantId) -> Grant {
        Grant::event_handler(tenant, self.function, &self.request_id, self.now)
    }

    /// Asks the policies of a tenant as the platform itself, with the tenant's own ones in `set`. Returns the grant of a
    /// permitted action. A denial is recorded in the audit log, and `None`.
    pub async fn permit(
        &self,
        tenant: TenantId,
        set: Option<&PolicySet>,
        action: &str,
        question: Question,
    ) -> Result<Option<Grant>, EventError> {
        let action =
            actions().find(|known| known.name == action).ok_or("the action is not in the table of functions")?;
        let built_in = Policies::built_in()?;
        let policies = match set {
            Some(set) => compile(&built_in, set)?,
            None => built_in,
        };
        let origin = Origin { request_id: self.request_id.clone(), ..Origin::default() };
        let request = PolicyRequest { tenant, principal: Principal::System, action, origin: &origin, at: self.now };
        match decide(&policies, &request, Sealed::new(()), |()| Proposal { question, outcome: () }) {
            Ok(permitted) => Ok(Some(permitted.grant)),
            Err(Failure::Forbidden(denial)) => {
                match self.platform.table.record_denied(&Attempt::of(&request, &denial)).await {
                    // As many as are recorded in a minute were recorded.
                    Ok(()) | Err(CommitError::Lost) => Ok(None),
                    Err(error) => Err(error.into()),
                }
            }
            Err(failure) => Err(diagnostic(&failure).error_message.into()),
        }
    }

    /// Random bytes.
    pub fn random<const N: usize>(&self) -> Result<[u8; N], EventError> {
        crate::random().map_err(|failure| diagnostic(&failure).error_message.into())
    }

    /// Time left to the invocation.
    pub fn time_left(&self) -> Duration {
        self.deadline.duration_since(SystemTime::now()).unwrap_or_default()
    }
}

type Handler = dyn Fn(EventCall) -> Pin<Box<dyn Future<Output = Result<Value, EventError>>>>;
/// Makes a handler, once the log and the settings of the process are read.
type Start = dyn FnOnce() -> Result<Box<Handler>, EventError>;

/// Serves the event handler `name`: the body of its `main`.
pub fn event_handler<H, F>(name: &'static str, handler: H) -> ExitCode
where
    H: Fn(EventCall) -> F + 'static,
    F: Future<Output = Result<Value, EventError>> + 'static,
{
    serve(name, Box::new(|| Ok(Box::new(move |call| Box::pin(handler(call))))))
}

/// As [`event_handler`], for a function that needs more than the [`Platform`]; see [`crate::http_with`].
pub fn event_handler_with<T, E, H, F>(name: &'static str, start: fn() -> Result<T, E>, handler: H) -> ExitCode
where
    T: 'static,
    E: Into<EventError> + 'static,
    H: Fn(EventCall, Rc<T>) -> F + 'static,
    F: Future<Output = Result<Value, EventError>> + 'static,
{
    let start = move || {
        let made = Rc::new(start().map_err(Into::into)?);
        let handler: Box<Handler> = Box::new(move |call| Box::pin(handler(call, Rc::clone(&made))));
        Ok(handler)
    };
    serve(name, Box::new(start))
}

fn serve(name: &'static str, start: Box<Start>) -> ExitCode {
    run(name, async |function, platform| {
        let handler = start()?;
        let handler = &*handler;
        let serve = move |event: LambdaEvent<Value>| {
            let deadline = event.context.deadline();
            let time = event.payload.get("time").and_then(Value::as_str).and_then(Timestamp::parse);
            let call = EventCall {
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
                let trace = Trace::begin();
                let result = handler(call).await;
                if let Err(error) = &result {
                    tracing::error!(error = %error, "event");
                }
                let line = Line {
                    function: function.name,
                    request_id: &request_id,
                    outcome: if result.is_ok() { "ok" } else { "error" },
                    failed: result.is_err(),
                    handled: result.as_ref().ok(),
                    cold_start: log::is_cold_start(),
                    ..Line::default()
                };
                trace.finish(&line, &platform);
                result
            }
        };
        lambda_runtime::run(service_fn(serve)).await
    })
}
