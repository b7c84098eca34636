//! `…/external-idp/{idp_id}/test`: tests an external identity provider, as far as that is possible from outside.

use std::rc::Rc;
use std::time::Instant;

use serde::Serialize;
use trustplane_domain::connection::CheckStatus;
use trustplane_domain::health::{Facts, Health, HealthRecord, Tested};
use trustplane_domain::identity_provider::IdentityProvider;
use trustplane_domain::service_provider::ServiceProvider;
use trustplane_domain::test_report::{TestCheck, TestReport};
use trustplane_domain::{Failure, Timestamp};
use trustplane_outbound::Client;
use trustplane_policy::{Grant, Image};
use trustplane_runtime::{Budget, Call, Context, Decision, Planned, Response};
use trustplane_store::{Reads, Slot, TenantKeys};

use crate::external_idp::{ProviderPath, subject};
use crate::store::{self, Store};

/// The report of a test.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "ExternalIdpTest"))]
pub(crate) struct Body<'a> {
    /// True if no check failed.
    success: bool,
    /// The outcome in a sentence.
    message: &'a str,
    /// Milliseconds since the epoch.
    checked_at: i64,
    /// Duration in milliseconds.
    duration_ms: u64,
    /// The checks, in their order.
    checks: Vec<CheckBody<'a>>,
}

/// A check of a report.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "ExternalIdpTestCheck"))]
struct CheckBody<'a> {
    /// Id of the check.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["metadata", "certificates", "algorithms", "login_url", "clock", "signed_requests", "settings_match"])))]
    id: &'a str,
    /// Outcome of the check.
    status: CheckStatus,
    /// The finding.
    message: &'a str,
    /// The remedy.
    remediation: Option<&'a str>,
}

/// A store with its service provider and the last test.
type Kept = Store<(Slot<ServiceProvider>, Slot<Health>)>;

/// A provider to test.
struct Plan {
    provider: IdentityProvider,
    signs_requests: bool,
    health: Slot<Health>,
    store: String,
}

/// GET: the last report.
pub async fn show(call: Call) -> Result<Response, Failure> {
    let request = call.input(ProviderPath::parse).reads(reads).subject(subject);
    store::decide(request, |(path, ()), store: Kept, _| {
        let _ = store.provider(path.provider)?;
        let report = store.service_provider.1.value().and_then(|health| health.report.as_ref());
        Ok(Response::ok(&body(report.ok_or(Failure::NotFound("test report"))?)))
    })
    .await
}

/// POST: tests the provider, and keeps the report.
pub async fn run(call: Call, client: Rc<Client>) -> Result<Response, Failure> {
    let request = call.input(ProviderPath::parse).reads(reads).subject(subject);
    let test = async |plan: &Plan, cx: &Context<'_>, grant: &Grant| {
        cx.spend(grant, Budget::OutgoingRequests).await?;
        let begun = Instant::now();
        let observed = client.identity_provider(&plan.provider, plan.signs_requests, cx.now).await;
        let duration = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(TestReport::new(plan.provider.judge(&observed, cx.now), cx.now, duration))
    };
    let plan = |(path, ()): (&ProviderPath, &()), store: Kept, cx: &Context<'_>| {
        let provider = store.provider(path.provider)?.value.clone();
        let (service_provider, health) = store.service_provider;
        let signs_requests = service_provider.value().is_some_and(|one| !one.published(cx.now).is_empty());
        Ok(Planned::new(Plan { provider, signs_requests, health, store: path.store.clone() }))
    };
    store::work(request, plan, test, |plan, report, cx| {
        let before = plan.health.value().cloned().unwrap_or_else(|| untested(&plan.store, cx.now));
        let (after, events) = before.tested(report.clone(), Facts::default(), cx.now);
        let images = (Image::of(&HealthRecord::of(&before, &[])), Image::of(&HealthRecord::of(&after, &events)));
        let decision = Decision::write(plan.health.write(&after), Response::ok(&body(report)));
        Ok(decision.audited_as(Some(images.0), Some(images.1)))
    })
    .await
}

/// The health of the provider of a store before its first test.
pub(crate) fn untested(store: &str, now: Timestamp) -> Health {
    Health::new(Tested::IdentityProvider { identity_store_id: store.to_owned() }, now)
}

fn reads(path: &ProviderPath, keys: TenantKeys) -> impl Reads<Loaded = Kept> + use<> {
    let others = (keys.service_provider(&path.store).optional(), keys.identity_provider_health(&path.store).optional());
    store::reads_with(&path.store, keys, others)
}

fn body(report: &TestReport) -> Body<'_> {
    Body {
        success: report.success,
        message: &report.message,
        checked_at: report.checked_at.as_millis(),
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
