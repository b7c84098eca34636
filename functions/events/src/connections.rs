//! `check-connections`: tests connections again that a user has tested, once per day.
//!
//! A connection is due about a day after its last test, spread over tenants, or sooner where AWS did not answer: 30 minutes,
//! then twice as long, eight hours at most. So a tenant costs one test per day. A run tests 10 connections side by side and
//! 1,000 at most; the others are tested by the next runs, the longest due first. The role is tested without its ExternalId only if that was not done since the settings changed.
//!
//! Health changes by what AWS answers alone. A change is an audit record, written in the transaction that moves the
//! connection's place on the due list, so each is recorded once.

use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::Value;
use trustplane_aws::AccessPath;
use trustplane_domain::Timestamp;
use trustplane_domain::connection::{Code, Connection, Deployment, Health, Report, judge};
use trustplane_domain::ids::{ExternalId, TenantId};
use trustplane_domain::region::Region;
use trustplane_policy::{Image, Kind, Resource};
use trustplane_runtime::{EventCall, EventError};
use trustplane_store::{Stored, TenantKeys, Writes};

use crate::due::{Budget, Change, Decision, Fault, sweep};

/// The budget of a run. A tenant has one connection, so its own budget is one test per run, and one per day while AWS answers.
const BUDGET: Budget = Budget { at_once: 10, most: 1_000 };
/// Time limit for a customer's AWS to answer.
const LIMIT: Duration = Duration::from_secs(20);

/// The id of the resource in the audit log.
const RESOURCE: &str = "aws-identity-center";

/// The health of a connection in the audit log, and the codes of the test that found it.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "ConnectionHealthImage"))]
pub(crate) struct View {
    health: Option<Health>,
    #[serde(skip_serializing_if = "Option::is_none")]
    codes: Option<Vec<Code>>,
}

/// Tests every connection that is due: `{checked, suspended, left}`.
pub async fn check(event: EventCall) -> Result<Value, EventError> {
    let region = event.platform.sdk.region().map(ToString::to_string).unwrap_or_default();
    let region = Region::parse(&region).map_err(|error| format!("the region `{region}` {error}"))?;
    let deployment = Deployment { account: event.platform.account.clone(), region };
    sweep(&event, BUDGET, async |connection| checked(&event, &deployment, connection).await).await.response("checked")
}

/// The connection after its test; `None` if it is not due.
async fn checked(
    event: &EventCall,
    deployment: &Deployment,
    stored: &Stored<Connection>,
) -> Result<Option<Decision<Connection>>, Fault> {
    let before = &stored.value;
    let tenant = stored.key.tenant().ok_or("a connection without a tenant")?;
    if before.next_check_at.is_none_or(|at| at > event.now) {
        return Ok(None);
    }
    let Some(report) = tested(event, deployment, tenant, before).await? else {
        // Nothing is saved any more.
        let after = Connection { next_check_at: None, ..before.clone() };
        return Ok(Some(Decision { after, changes: Vec::new(), count: 0, grant: None, writes: Writes::new() }));
    };
    let after = before.tested(&report);
    let change = (after.health != before.health).then(|| {
        let codes = report.checks.iter().filter_map(|check| check.code).collect();
        Change {
            resource: Resource::new(Kind::Integration, RESOURCE),
            before: Some(Image::of(&View { health: before.health, codes: None })),
            after: Some(Image::of(&View { health: after.health, codes: Some(codes) })),
        }
    });
    let key = TenantKeys::granted(&event.grant(tenant)).connection_report();
    let writes = Writes::new().put(&key, &report);
    Ok(Some(Decision { after, changes: change.into_iter().collect(), count: 1, grant: None, writes }))
}

/// Tests a connection; `None` where none is saved.
async fn tested(
    event: &EventCall,
    deployment: &Deployment,
    tenant: TenantId,
    connection: &Connection,
) -> Result<Option<Report>, Fault> {
    let arn = connection.settings.sso_instance_arn.as_ref();
    let Some((arn, path)) = arn.zip(AccessPath::of(tenant, connection)) else { return Ok(None) };
    let (begun, now) = (Instant::now(), event.now.max(Timestamp::now()));
    let observed = if path.role.partition() == Some(deployment.region.partition()) {
        let stranger = if connection.role_proven { None } else { Some(stranger()?) };
        Some(event.platform.customers.probe(&path, arn, stranger, now, LIMIT).await)
    } else {
        None
    };
    let duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let checks = judge(connection, deployment, observed.as_ref());
    Ok(Some(Report::new(checks, connection.config_version, now, duration_ms)))
}

/// An ExternalId that no role can trust.
fn stranger() -> Result<ExternalId, Fault> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    Ok(ExternalId::from_random(bytes))
}
