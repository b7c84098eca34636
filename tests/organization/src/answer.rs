//! Processing of an HTTP request: finds the service and the caller, applies the caller's scenario, and runs the
//! operation.

use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::calls::{Call, Service};
use crate::role::Caller;
use crate::scenario::{Fault, Scenario};
use crate::sigv4::{Signer, signer};
use crate::state::State;
use crate::sts::Parameters;
use crate::wire::{Failure, Output, input, render};
use crate::{Organization, kms, organizations, sso_admin, sts};

/// Largest size of a request, in bytes.
const MAX_BODY: usize = 1 << 20;

/// Number of calls to keep.
const MAX_CALLS: usize = 10_000;

/// A closed connection without a response.
#[derive(Debug)]
pub(crate) struct NoReply;

impl std::fmt::Display for NoReply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the scenario closes the connection without a reply")
    }
}

impl std::error::Error for NoReply {}

/// The operation of a request.
struct ApiCall {
    service: Service,
    operation: String,
    /// The parameters of a query request.
    parameters: Parameters,
    body: Bytes,
}

/// Key that attempts of the same call share.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Attempt {
    role_arn: String,
    /// The session; for AssumeRole, the session's name.
    caller: String,
    service: Service,
    operation: String,
    external_id: Option<String>,
}

impl Organization {
    /// Serves one request.
    pub(crate) async fn answer(&self, request: Request<Body>) -> Result<Response<Body>, NoReply> {
        let (head, body) = request.into_parts();
        let Ok(body) = to_bytes(body, MAX_BODY).await else {
            return Ok(plain(StatusCode::PAYLOAD_TOO_LARGE));
        };
        if head.method != Method::POST || head.uri.path() != "/" || head.uri.query().is_some() {
            return Ok(plain(StatusCode::NOT_FOUND));
        }
        let request_id = Uuid::new_v4().to_string();
        let call = match ApiCall::parse(&head.headers, body) {
            Ok(call) => call,
            Err(failure) => return Ok(render(Service::SsoAdmin, &request_id, &Err(failure))),
        };
        let (number, plan) = self.admit(&call, &head.headers);
        let outcome = match plan {
            Err(failure) => Err(failure),
            Ok((signer, fault)) => match fault {
                Some(Fault::Unreachable) => {
                    self.note_error(number, "no reply");
                    return Err(NoReply);
                }
                Some(Fault::Throttled | Fault::ThrottledTwice) => Err(Failure::throttled(call.service)),
                Some(Fault::InternalFailure) => Err(Failure::internal(call.service)),
                Some(Fault::Refused) => Err(Failure::refused(call.service)),
                Some(Fault::ClockSkewed) => Err(Failure::clock_skewed(call.service)),
                Some(Fault::Intermediary) => {
                    self.note_error(number, "a page of HTML");
                    return Ok(page_of_html());
                }
                Some(Fault::Slow(duration)) => {
                    tokio::time::sleep(duration.min(Duration::from_secs(300))).await;
                    self.perform(&call, &signer)
                }
                None => self.perform(&call, &signer),
            },
        };
        if let Err(failure) = &outcome {
            self.note_error(number, failure.code);
        }
        Ok(render(call.service, &request_id, &outcome))
    }

    /// Identifies the caller, records the call, and determines its fault.
    fn admit(&self, call: &ApiCall, headers: &HeaderMap) -> (usize, Result<(Signer, Option<Fault>), Failure>) {
        let now = OffsetDateTime::now_utc();
        let mut state = self.state();
        let signed = signer(&state, call.service, headers, &call.body, now);
        let caller = signed.as_ref().map(|signer| signer.caller.clone()).ok();
        let role_arn = match call.operation.as_str() {
            "AssumeRole" => call.parameters.get("RoleArn").cloned(),
            _ => caller.as_ref().map(|caller| caller.role_arn.clone()),
        };
        let attempt = Attempt::of(call, caller.as_ref(), role_arn.as_deref());
        if state.calls.len() >= MAX_CALLS {
            state.calls.pop_front();
            state.forgotten += 1;
        }
        *state.counts.entry(call.operation.clone()).or_default() += 1;
        state.calls.push_back(Call {
            at: now,
            service: call.service,
            operation: call.operation.clone(),
            region: signed.as_ref().map(|signer| signer.region.clone()).unwrap_or_default(),
            account: caller.as_ref().map(|caller: &Caller| caller.account.clone()).unwrap_or_default(),
            caller: caller.map(|caller| caller.arn).unwrap_or_default(),
            role_arn: role_arn.clone(),
            external_id: call.parameters.get("ExternalId").cloned(),
            error: None,
        });
        let number = state.forgotten + state.calls.len();
        let fault =
            role_arn.as_deref().and_then(Scenario::of_role).and_then(|scenario| scenario.fault(call.service)).filter(
                |fault| match fault {
                    Fault::ThrottledTwice => {
                        let attempts = state.attempts.entry(attempt).or_default();
                        *attempts += 1;
                        !attempts.is_multiple_of(3)
                    }
                    _ => true,
                },
            );
        (number, signed.map(|signer| (signer, fault)))
    }

    fn note_error(&self, number: usize, code: &str) {
        let mut state = self.state();
        let index = number.checked_sub(state.forgotten + 1);
        if let Some(call) = index.and_then(|index| state.calls.get_mut(index)) {
            call.error = Some(code.to_owned());
        }
    }

    fn perform(&self, call: &ApiCall, signer: &Signer) -> Result<Output, Failure> {
        // Created before the state is locked, so that others need not wait for the search for primes.
        let made = matches!(call.service, Service::Kms).then(|| kms::key_pair(&call.operation)).flatten();
        let mut state = self.state();
        let Signer { caller, region } = signer;
        let json = match call.service {
            Service::Sts => {
                let now = OffsetDateTime::now_utc();
                return sts::call(&mut state, caller, region, &call.operation, &call.parameters, now);
            }
            Service::SsoAdmin | Service::Organizations => {
                return odd(&mut state, caller, region, call).map(Output::Json);
            }
            Service::Kms => kms::call(&state, caller, region, &call.operation, &call.body, made.as_ref()),
        };
        json.map(Output::Json)
    }
}

/// Performs a call to SSO Admin or Organizations, as the caller's scenario changes it.
fn odd(state: &mut State, caller: &Caller, region: &str, call: &ApiCall) -> Result<Value, Failure> {
    let oddity = caller.oddity();
    let refused = oddity.and_then(|oddity| oddity.refuses(caller, region, state, OffsetDateTime::now_utc()));
    if let Some(failure) = refused {
        return Err(failure);
    }
    if let Some(counted) = oddity.and_then(|oddity| oddity.counts(&call.operation)) {
        let attempt = Attempt::of(call, Some(caller), Some(&caller.role_arn));
        let attempt = Attempt { operation: counted.to_owned(), ..attempt };
        let attempts = state.attempts.entry(attempt).or_default();
        *attempts += 1;
        let number = *attempts;
        let refused = oddity.and_then(|oddity| oddity.refuses_number(caller, call.service, &call.operation, number));
        if let Some(failure) = refused {
            return Err(failure);
        }
    }
    if let Some(list) = oddity.and_then(|oddity| oddity.refuses_token(&call.operation, &call.body)) {
        let attempt = Attempt { external_id: Some(list), ..Attempt::of(call, Some(caller), Some(&caller.role_arn)) };
        let attempts = state.attempts.entry(attempt).or_default();
        *attempts += 1;
        if *attempts == 1 {
            return Err(Failure::token_expired(call.service));
        }
    }
    let body = oddity.map_or_else(|| call.body.clone(), |oddity| oddity.request(&call.body));
    let response = match call.service {
        Service::Organizations => organizations::call(state, caller, region, &call.operation, &body),
        _ => sso_admin::call(state, caller, region, &call.operation, &body),
    }?;
    Ok(oddity.map_or_else(|| response.clone(), |oddity| oddity.response(&call.operation, response.clone())))
}

impl Attempt {
    fn of(call: &ApiCall, caller: Option<&Caller>, role_arn: Option<&str>) -> Self {
        let parameter = |name: &str| call.parameters.get(name).cloned();
        let caller = parameter("RoleSessionName").or_else(|| caller.map(|caller| caller.arn.clone()));
        Self {
            role_arn: role_arn.unwrap_or_default().to_owned(),
            caller: caller.unwrap_or_default(),
            service: call.service,
            operation: call.operation.clone(),
            external_id: parameter("ExternalId"),
        }
    }
}

impl ApiCall {
    fn parse(headers: &HeaderMap, body: Bytes) -> Result<Self, Failure> {
        let Some(target) = headers.get("x-amz-target") else {
            let parameters: Parameters = form_urlencoded::parse(&body).into_owned().collect();
            let operation = parameters.get("Action").cloned().unwrap_or_default();
            return Ok(Self { service: Service::Sts, operation, parameters, body });
        };
        let unknown = || Failure::front_end("UnknownOperationException", "");
        let (prefix, operation) = target.to_str().ok().and_then(|target| target.split_once('.')).ok_or_else(unknown)?;
        let service = match prefix {
            "SWBExternalService" => Service::SsoAdmin,
            "AWSOrganizationsV20161128" => Service::Organizations,
            "TrentService" => Service::Kms,
            _ => return Err(unknown()),
        };
        input::<serde_json::Map<String, serde_json::Value>>(&body)?;
        Ok(Self { service, operation: operation.to_owned(), parameters: Parameters::new(), body })
    }
}

/// The page of a proxy that does not let a request through.
fn page_of_html() -> Response<Body> {
    let mut response =
        Response::new(Body::from("<!DOCTYPE html><html><body>Access denied by the network policy</body></html>"));
    *response.status_mut() = StatusCode::FORBIDDEN;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    response
}

fn plain(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
