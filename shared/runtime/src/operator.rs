//! Operators' functions: invoked directly, under IAM. JSON in and out; a failure is the function's error, with the
//! integration API's code as its type.

use std::pin::Pin;
use std::process::ExitCode;
use std::sync::Arc;

use lambda_http::{LambdaEvent, service_fn};
use lambda_runtime::Diagnostic;
use serde_json::Value;
use trustplane_domain::ids::TenantId;
use trustplane_domain::{Conflict, Failure, Fields, Timestamp};
use trustplane_policy::Grant;
use trustplane_store::{Key, Query, Read, Told, Writes};

use crate::call::{ATTEMPTS, commit_failure, random, stand_back, store_failure};
use crate::dialect::integration_parts;
use crate::serve::run;
use crate::{Platform, log};

/// An operator's request.
#[derive(Debug)]
pub struct OperatorCall {
    /// What every function process has.
    pub platform: Arc<Platform>,
    /// When it came.
    pub now: Timestamp,
    /// The payload.
    pub payload: Value,
    function: &'static str,
    request_id: String,
}

impl OperatorCall {
    /// The fields of the payload.
    pub fn fields(&self) -> Result<Fields, Failure> {
        match &self.payload {
            Value::Object(object) => Ok(Fields::of(object.clone())),
            _ => Err(Failure::InvalidJson("must be a JSON object".to_owned())),
        }
    }

    /// The operator's leave to change `tenant`: IAM has let it invoke this function.
    pub fn grant(&self, tenant: TenantId) -> Grant {
        Grant::operator(tenant, self.function, &self.request_id, self.now)
    }

    /// Writes a change with its audit record.
    pub async fn commit(&self, grant: &Grant, told: &Told<'_>, writes: Writes) -> Result<(), Failure> {
        let committed = self.platform.table.commit(grant, told, writes, None).await;
        committed.map(|_| ()).map_err(|error| commit_failure(&error))
    }

    /// Does `attempt` until it does not lose a race to somebody else's write, at most three times.
    pub async fn until_won<T>(&self, attempt: impl AsyncFn() -> Result<T, Failure>) -> Result<T, Failure> {
        for number in 1..ATTEMPTS {
            match attempt().await {
                Err(Failure::Conflict(Conflict::LostRace, _)) => stand_back(number).await,
                outcome => return outcome,
            }
        }
        attempt().await
    }

    /// Reads items by their keys.
    pub async fn read(&self, keys: &[Key]) -> Result<Read, Failure> {
        self.platform.table.read(keys, None).await.map_err(|error| store_failure(&error))
    }

    /// Reads items by their keys, and a listing at the same time.
    pub async fn read_listed(&self, keys: &[Key], query: &Query) -> Result<Read, Failure> {
        self.platform.table.read(keys, Some(query)).await.map_err(|error| store_failure(&error))
    }

    /// Random bytes.
    pub fn random<const N: usize>(&self) -> Result<[u8; N], Failure> {
        random()
    }
}

type Handler = dyn Fn(OperatorCall) -> Pin<Box<dyn Future<Output = Result<Value, Failure>>>>;

/// Serves the operator's function `name`: the body of its `main`.
pub fn operator<H, F>(name: &'static str, handler: H) -> ExitCode
where
    H: Fn(OperatorCall) -> F + 'static,
    F: Future<Output = Result<Value, Failure>> + 'static,
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
                let result = handler(call).await;
                let outcome = match &result {
                    Ok(_) => "ok",
                    Err(failure) => integration_parts(failure).1,
                };
                log::request(function.name, &request_id, None, outcome, &platform.meter.take());
                result.map_err(|failure| diagnostic(&failure))
            }
        };
        lambda_runtime::run(service_fn(serve)).await
    })
}

/// A failure as Lambda reports it: `{"errorType": code, "errorMessage": message and wrong fields}`.
fn diagnostic(failure: &Failure) -> Diagnostic {
    let (_, code, message) = integration_parts(failure);
    let error_message = match failure {
        Failure::Invalid(faults) => {
            let told: Vec<String> = faults.iter().map(|(field, fault)| format!("{field} {fault}")).collect();
            told.join("; ")
        }
        _ => message,
    };
    Diagnostic { error_type: code.to_owned(), error_message }
}
