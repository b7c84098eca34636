//! Serves HTTP events, and starts the processes of all functions.

use std::pin::Pin;
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use lambda_http::{Context, LambdaEvent, service_fn};
use trustplane_domain::{Failure, Timestamp};
use trustplane_functions::JSON;
use trustplane_policy::{Origin, Policies, PoliciesError};

use crate::dialect::{About, HttpResponse, integration_parts};
use crate::log::{Line, Trace};
use crate::panics::Serving;
use crate::policies::Known;
use crate::{
    Call, Dialect, Function, HttpEvent, Platform, Request, Response, Trigger, denial, dialect, function, log, panics,
};

/// Time kept for rendering and sending the response when a handler takes too long.
const MARGIN: Duration = Duration::from_millis(500);

type Handler = dyn Fn(Call) -> Pin<Box<dyn Future<Output = Result<Response, Failure>>>>;
/// Makes a handler, once the log and the settings of the process are read.
type Start = dyn FnOnce() -> Result<Box<Handler>, lambda_runtime::Error>;

/// Serves the HTTP function `name`: the body of its `main`. Ends only with an error.
pub fn http<H, F>(name: &'static str, handler: H) -> ExitCode
where
    H: Fn(Call) -> F + 'static,
    F: Future<Output = Result<Response, Failure>> + 'static,
{
    // Boxed here, so that all that follows is compiled once and not again for each function.
    serve(name, Policies::tabulated, Box::new(|| Ok(Box::new(move |call| Box::pin(handler(call))))))
}

/// As [`http`], for a function that needs more than the [`Platform`], such as a client of outgoing requests. `start` makes
/// it once, before the first event; its error ends the process. So only functions that need it link it.
pub fn http_with<T, E, H, F>(name: &'static str, start: fn() -> Result<T, E>, handler: H) -> ExitCode
where
    T: 'static,
    E: Into<lambda_runtime::Error> + 'static,
    H: Fn(Call, Rc<T>) -> F + 'static,
    F: Future<Output = Result<Response, Failure>> + 'static,
{
    serve(name, Policies::tabulated, started(start, handler))
}

/// As [`http`], for a function that needs no credential and so decides nothing: without policies, and without what
/// evaluates them in its binary.
pub fn public<H, F>(name: &'static str, handler: H) -> ExitCode
where
    H: Fn(Call) -> F + 'static,
    F: Future<Output = Result<Response, Failure>> + 'static,
{
    serve(name, || Ok(Policies::none()), Box::new(|| Ok(Box::new(move |call| Box::pin(handler(call))))))
}

/// As [`public`], for a function that needs more than the [`Platform`]: `start` makes it once, before the first event.
pub fn public_with<T, E, H, F>(name: &'static str, start: fn() -> Result<T, E>, handler: H) -> ExitCode
where
    T: 'static,
    E: Into<lambda_runtime::Error> + 'static,
    H: Fn(Call, Rc<T>) -> F + 'static,
    F: Future<Output = Result<Response, Failure>> + 'static,
{
    serve(name, || Ok(Policies::none()), started(start, handler))
}

/// The start of a handler that needs what `start` makes.
fn started<T, E, H, F>(start: fn() -> Result<T, E>, handler: H) -> Box<Start>
where
    T: 'static,
    E: Into<lambda_runtime::Error> + 'static,
    H: Fn(Call, Rc<T>) -> F + 'static,
    F: Future<Output = Result<Response, Failure>> + 'static,
{
    Box::new(move || {
        let made = Rc::new(start().map_err(Into::into)?);
        let handler: Box<Handler> = Box::new(move |call| Box::pin(handler(call, Rc::clone(&made))));
        Ok(handler)
    })
}

fn serve(name: &'static str, policies: fn() -> Result<Policies, PoliciesError>, start: Box<Start>) -> ExitCode {
    run(name, async |function, platform| {
        let policies = Arc::new(Known::new(policies()?));
        let handler = start()?;
        let handler = &*handler;
        // Each of its requests begins with a read: that of the credential.
        if matches!(&function.trigger, Trigger::Http(route) if route.action.is_some()) {
            platform.table.connect().await;
        }
        let serve = move |event: LambdaEvent<HttpEvent>| {
            let (platform, policies) = (Arc::clone(&platform), Arc::clone(&policies));
            async move {
                // Boxed: a handler's future, laid out within all of this, goes deeper than the compiler looks.
                let response =
                    Box::pin(respond(function, platform, policies, handler, event.payload, &event.context)).await;
                Ok::<HttpResponse, lambda_runtime::Error>(response)
            }
        };
        lambda_runtime::run(service_fn(serve)).await
    })
}

/// Starts a process: log, settings, then `serve` until it ends.
pub(crate) fn run<S>(name: &'static str, serve: S) -> ExitCode
where
    S: AsyncFnOnce(&'static Function, Arc<Platform>) -> Result<(), lambda_runtime::Error>,
{
    log::start();
    let Some(function) = function(name) else {
        tracing::error!(name, "not in the table of functions");
        return ExitCode::FAILURE;
    };
    panics::end_the_process(function);
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "no async runtime");
            return ExitCode::FAILURE;
        }
    };
    let ended = runtime.block_on(async {
        let platform = Arc::new(Box::pin(Platform::from_env(function)).await?);
        serve(function, platform).await
    });
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = %error, "function ends");
            ExitCode::FAILURE
        }
    }
}

/// Serves one HTTP event: parse, handle, render. Never fails: a timeout is rendered too, and `panics.rs` renders a panic.
async fn respond(
    function: &'static Function,
    platform: Arc<Platform>,
    policies: Arc<Known>,
    handler: &Handler,
    event: HttpEvent,
    context: &Context,
) -> HttpResponse {
    platform.meter.take();
    let trace = Rc::new(Trace::begin());
    let source_ip = Some(event.request_context.http.source_ip.clone()).filter(|ip| !ip.is_empty());
    let user_agent = event.request_context.http.user_agent.as_ref().map(|agent| agent.chars().take(256).collect());
    let strict_queries = match &function.trigger {
        Trigger::Http(route) if route.is_strict() => Some(route.queries),
        _ => None,
    };
    let request = Request::of(event).with_strictness(strict_queries.is_some());
    let (dialect, action, produces, route) = match &function.trigger {
        Trigger::Http(route) => {
            (route.dialect, route.action, route.produces, Some(format!("{} {}", route.method, route.path)))
        }
        _ => (Dialect::of_path(&request.path), None, &[JSON][..], None),
    };
    let interaction_id = dialect::interaction_id(dialect, &request, uuid::Uuid::new_v4().to_string());
    let mut about = About { request_id: context.request_id.clone(), interaction_id, sealed_denial: None };
    let origin = Origin {
        request_id: about.request_id.clone(),
        interaction_id: (dialect == Dialect::Directory).then(|| about.interaction_id.clone()),
        source_ip,
        user_agent,
    };
    let call = Call {
        platform: Arc::clone(&platform),
        policies,
        request,
        now: Timestamp::now(),
        origin,
        dialect,
        action,
        strict_queries,
        produces,
        trace: Rc::clone(&trace),
    };

    let serving = Serving::begin(dialect, &about);
    let result = match tokio::time::timeout(time_left(context), handler(call)).await {
        Ok(result) => result,
        Err(_elapsed) => Err(Failure::unavailable(1, "the handler ran out of time")),
    };
    if let Err(failure) = &result
        && dialect == Dialect::IdentitySource
    {
        let action = action.map(|action| action.name);
        about.sealed_denial = denial::sealed(&platform, failure, action, &about.request_id).await;
    }
    let response = dialect::render(dialect, &result, &about);
    drop(serving);
    let failure = result.as_ref().err();
    let line = Line {
        function: function.name,
        route,
        request_id: &about.request_id,
        interaction_id: (dialect == Dialect::Directory).then_some(about.interaction_id.as_str()),
        status: Some(response.status_code),
        outcome: failure.map_or("ok", |failure| integration_parts(failure).1),
        failure,
        cold_start: log::is_cold_start(),
        ..Line::default()
    };
    trace.finish(&line, &platform);
    response
}

/// The time until Lambda kills the function, less a margin.
fn time_left(context: &Context) -> Duration {
    context.deadline().duration_since(SystemTime::now()).unwrap_or_default().saturating_sub(MARGIN).max(MARGIN)
}
