//! Operators' functions: invoked directly, under IAM. JSON in and out; a failure is the function's error, with the
//! integration API's code as its type.

use std::pin::Pin;
use std::process::ExitCode;
use std::sync::Arc;

use lambda_http::{LambdaEvent, service_fn};
use lambda_runtime::Diagnostic;
use serde_json::Value;
use trustplane_domain::ids::TenantId;
use trustplane_domain::{Failure, Fields, Timestamp};
use trustplane_policy::Grant;
use trustplane_store::{CommitError, Reads, TenantKeys};

use crate::call::{ATTEMPTS, stand_back};
use crate::dialect::integration_parts;
use crate::log::{Line, Trace};
use crate::serve::run;
use crate::{Decision, Platform, Response, Subject, log};

/// An operator's request.
#[derive(Debug)]
pub struct OperatorCall {
    /// The clients and settings of the process.
    pub platform: Arc<Platform>,
    /// The time of the request.
    pub now: Timestamp,
    /// The payload.
    pub payload: Value,
    function: &'static str,
    request_id: String,
}

impl OperatorCall {
    /// The fields of the payload. An unknown field is a fault.
    pub fn fields(&self) -> Result<Fields, Failure> {
        match &self.payload {
            Value::Object(object) => Ok(Fields::of(object.clone()).strict()),
            _ => Err(Failure::InvalidJson("must be a JSON object".to_owned())),
        }
    }

    /// The keys of `tenant`.
    pub fn keys(&self, tenant: TenantId) -> TenantKeys {
        TenantKeys::granted(&self.grant(tenant))
    }

    /// The operator's grant to change `tenant`: IAM has permitted the invocation of this function for all tenants.
    pub fn grant(&self, tenant: TenantId) -> Grant {
        Grant::operator(tenant, self.function, &self.request_id, self.now)
    }

    /// Loads items.
    ///
    /// # Errors
    /// [`Failure::NotFound`] for the first required item that does not exist.
    pub async fn load<R: Reads>(&self, reads: R) -> Result<R::Loaded, Failure> {
        Ok(self.platform.table.load(reads).await?)
    }

    /// Changes a tenant: reads, decides, and writes with the audit record; again after a lost race, three times in all.
    ///
    /// # Errors
    /// [`Failure::NotFound`] for the first required item that does not exist; the refusals of `decide`.
    pub async fn change<R: Reads>(
        &self,
        tenant: TenantId,
        reads: impl Fn(TenantKeys) -> R,
        decide: impl Fn(R::Loaded, TenantKeys) -> Result<(Subject, Decision), Failure>,
    ) -> Result<Response, Failure> {
        let grant = self.grant(tenant);
        let keys = TenantKeys::granted(&grant);
        let mut attempt = 1;
        loop {
            let (subject, decision) = decide(self.load(reads(keys)).await?, keys)?;
            if decision.is_response_alone() {
                return Ok(decision.into_response());
            }
            match decision.commit(&self.platform.table, &grant, &subject.question, None).await {
                Err(CommitError::Lost) if attempt < ATTEMPTS => stand_back(attempt).await,
                outcome => return Ok(outcome?),
            }
            attempt += 1;
        }
    }

    /// Random bytes.
    pub fn random<const N: usize>(&self) -> Result<[u8; N], Failure> {
        crate::random()
    }
}

type Handler = dyn Fn(OperatorCall) -> Pin<Box<dyn Future<Output = Result<Response, Failure>>>>;

/// Serves the operator's function `name`: the body of its `main`.
pub fn operator<H, F>(name: &'static str, handler: H) -> ExitCode
where
    H: Fn(OperatorCall) -> F + 'static,
    F: Future<Output = Result<Response, Failure>> + 'static,
{
    serve(name, &move |call| Box::pin(handler(call)))
}

fn serve(name: &'static str, handler: &Handler) -> ExitCode {
    run(name, async |function, platform| {
        let serve = move |event: LambdaEvent<Value>| {
            let call = OperatorCall {
                platform: Arc::clone(&platform),
                now: Timestamp::now(),
                payload: event.payload,
                function: function.name,
                request_id: event.context.request_id.clone(),
            };
            let (platform, request_id) = (Arc::clone(&platform), event.context.request_id);
            async move {
                platform.meter.take();
                let trace = Trace::begin();
                let result = handler(call)
                    .await
                    .and_then(|response| serde_json::from_str::<Value>(&response.body).map_err(Failure::internal));
                let failure = result.as_ref().err();
                let fault = failure.filter(|failure| failure.cause().is_none());
                let fault = fault.map(|failure| diagnostic(failure).error_message);
                let line = Line {
                    function: function.name,
                    request_id: &request_id,
                    outcome: failure.map_or("ok", |failure| integration_parts(failure).1),
                    fault: fault.as_deref(),
                    failure,
                    failed: matches!(failure, Some(Failure::Internal(_) | Failure::Unavailable { .. })),
                    cold_start: log::is_cold_start(),
                    ..Line::default()
                };
                trace.finish(&line, &platform);
                result.map_err(|failure| diagnostic(&failure))
            }
        };
        lambda_runtime::run(service_fn(serve)).await
    })
}

/// A failure as Lambda reports it: `{"errorType": code, "errorMessage": message and wrong fields}`.
pub(crate) fn diagnostic(failure: &Failure) -> Diagnostic {
    let (_, code, message) = integration_parts(failure);
    let error_message = match failure {
        Failure::Invalid(faults) => {
            let messages: Vec<String> = faults.iter().map(|(field, fault)| format!("{field} {fault}")).collect();
            messages.join("; ")
        }
        // Operators may read the log. Without the cause, a table that does not exist looks like a fault of the code.
        _ => match failure.cause() {
            Some(cause) => format!("{message}: {cause}; `check-deployment` reports faults of the deployment"),
            None => message,
        },
    };
    Diagnostic { error_type: code.to_owned(), error_message }
}
