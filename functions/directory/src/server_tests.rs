//! `…/authorisationservers/{AuthorisationServerId}/test`: tests an authorisation server by its discovery document and keys.

use std::rc::Rc;
use std::time::Instant;

use serde::Serialize;
use trustplane_domain::connection::CheckStatus;
use trustplane_domain::directory::authorisation_server::AuthorisationServer;
use trustplane_domain::directory::organisation::Organisation;
use trustplane_domain::directory::server_test;
use trustplane_domain::health::{Facts, Health, HealthRecord, Tested};
use trustplane_domain::outbound::OutboundUrl;
use trustplane_domain::test_report::{TestCheck, TestReport};
use trustplane_domain::{Conflict, Failure, Timestamp};
use trustplane_outbound::Client;
use trustplane_policy::{Grant, Image};
use trustplane_runtime::{Budget, Call, Context, Decision, Planned, Response, Subject, Worked};
use trustplane_store::{Reads, Slot, Stored, TenantKeys};

use crate::authorisation_servers::{image, subject};
use crate::path::{self, ServerPath};

/// The report of a test.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "AuthorisationServerTest"))]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Body<'a> {
    /// True if no check failed.
    success: bool,
    /// The outcome in a sentence.
    message: &'a str,
    /// Time of the test.
    checked_at: Timestamp,
    /// Duration in milliseconds.
    duration_ms: u64,
    /// The checks, in their order.
    checks: Vec<CheckBody<'a>>,
}

/// A check of a report.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "AuthorisationServerTestCheck"))]
#[serde(rename_all = "PascalCase")]
struct CheckBody<'a> {
    /// Id of the check.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["discovery_reachable", "issuer_match", "endpoints", "code_flow", "client_authentication", "signing_keys", "clock"])))]
    id: &'a str,
    /// Outcome of the check.
    status: CheckStatus,
    /// The finding.
    message: &'a str,
    /// The remedy.
    #[serde(skip_serializing_if = "Option::is_none")]
    remediation: Option<&'a str>,
}

/// A server, and its last test.
struct Kept {
    server: Stored<AuthorisationServer>,
    health: Slot<Health>,
}

/// A test that was run.
struct Run {
    report: TestReport,
    facts: Facts,
}

/// GET: the last report.
pub async fn show(call: Call) -> Result<Response, Failure> {
    call.input(path::server)
        .reads(Kept::reads)
        .subject(|(path, ()), kept, _| about(path, kept))
        .decide(|_, kept, _| match kept.health.value().and_then(|health| health.report.as_ref()) {
            Some(report) => Ok(Response::ok(&body(report))),
            None => Err(Failure::NotFound("test report")),
        })
        .await
}

/// POST: tests the server, and keeps the report.
pub async fn run(call: Call, client: Rc<Client>) -> Result<Response, Failure> {
    call.input(path::server)
        .reads(Kept::reads)
        .subject(|(path, ()), kept, _| about(path, kept))
        .plan(|_, kept, _| {
            let url = kept.server.value.facts.openid_discovery_document.as_ref().ok_or_else(|| {
                let message = "The authorisation server has no OpenIDDiscoveryDocument: set it first";
                Failure::conflict(Conflict::WrongState, message)
            })?;
            let url = OutboundUrl::parse(url.as_str())
                .map_err(|fault| Failure::conflict(Conflict::WrongState, format!("OpenIDDiscoveryDocument {fault}")))?;
            Ok(Planned::new((url, kept)))
        })
        .then(async |(url, kept): &(OutboundUrl, Kept), cx: &Context<'_>, grant: &Grant| {
            cx.spend(grant, Budget::OutgoingRequests).await?;
            let begun = Instant::now();
            let observed = client.authorisation_server(url).await;
            let checks = server_test::judge(&kept.server.value.facts, url, &observed, cx.now);
            let duration = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
            let (report, facts) = (TestReport::new(checks, cx.now, duration), server_test::facts(&observed));
            Ok(Worked::Done(Run { report, facts }))
        })
        .decide(|(_, kept), run, cx| {
            let server = &kept.server.value;
            let before = kept.health.value().cloned().unwrap_or_else(|| untested(server, cx.now));
            let (after, events) = before.tested(run.report.clone(), run.facts.clone(), cx.now);
            let images = (Image::of(&HealthRecord::of(&before, &[])), Image::of(&HealthRecord::of(&after, &events)));
            let response = Response::ok(&body(&run.report));
            Ok(Decision::write(kept.health.write(&after), response).audited_as(Some(images.0), Some(images.1)))
        })
        .await
}

impl Kept {
    fn reads(path: &ServerPath, keys: TenantKeys) -> impl Reads<Loaded = Self> + use<> {
        let health = keys.authorisation_server_health(&path.organisation, path.server).optional();
        let (organisation, server) = path.reads(keys);
        (organisation, server, health).map(|(_, server, health): (Stored<Organisation>, _, _)| Self { server, health })
    }
}

/// The health of a server before its first test.
pub(crate) fn untested(server: &AuthorisationServer, now: Timestamp) -> Health {
    let (organisation_id, server_id) = (server.organisation_id.clone(), server.id);
    Health::new(Tested::AuthorisationServer { organisation_id, server_id }, now)
}

fn about(path: &ServerPath, kept: Option<&Kept>) -> Subject {
    subject(path.server).stored(kept.map(|kept| &kept.server), image)
}

fn body(report: &TestReport) -> Body<'_> {
    Body {
        success: report.success,
        message: &report.message,
        checked_at: report.checked_at,
        duration_ms: report.duration_ms,
        checks: report.checks.iter().map(CheckBody::of).collect(),
    }
}

impl<'a> CheckBody<'a> {
    fn of(check: &'a TestCheck) -> Self {
        let TestCheck { id, status, message, remediation } = check;
        Self { id, status: *status, message, remediation: remediation.as_deref() }
    }
}
