//! `/v1/integrations/aws-identity-center/test`: tests the connection; each check that fails says what is wrong and what to do.

use std::time::{Duration, Instant};

use serde::Serialize;
use trustplane_aws::AccessPath;
use trustplane_domain::connection::{
    Check, CheckStatus, Code, Connection, Deployment, Health, HealthChange, Observed, Report, RoleClaim, judge,
};
use trustplane_domain::ids::ExternalId;
use trustplane_domain::region::Region;
use trustplane_domain::setup::Section;
use trustplane_domain::{Conflict, Failure, Timestamp};
use trustplane_policy::{Grant, Image};
use trustplane_runtime::{Budget, Call, Context, Decision, Planned, Response, Worked};
use trustplane_store::{Reads, Slot, Stored, TenantKeys, Writes};

use crate::config::subject;

/// Time limit for the customer's AWS to answer everything: with the read before and the write after it well below the 29
/// seconds that API Gateway waits.
const LIMIT: Duration = Duration::from_secs(23);

/// The connection, and the report of its last test.
struct Kept {
    connection: Stored<Connection>,
    report: Slot<Report>,
}

/// A test that was run.
struct Tested {
    /// The connection that was tested.
    connection: Connection,
    /// The settings and the end of the test whose report was kept when this one began; `None` if there was none.
    kept: Option<(u64, Timestamp)>,
    report: Report,
    /// The report if the role is another tenant's.
    report_if_claimed: Report,
    /// The connection with what AWS said of its instance.
    seen: Option<Connection>,
    /// The role is proven to be the tenant's to use.
    is_own_role: bool,
}

/// The last report, and the health of the connection.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "TestReport"))]
pub(crate) struct Body<'a> {
    #[serde(flatten)]
    report: &'a Report,
    /// Health at the last test that AWS answered; null before one.
    health: Option<Health>,
    /// Time of that test.
    last_verified_at: Option<Timestamp>,
    /// Changes of health of these settings, oldest first.
    #[cfg_attr(feature = "schema", schemars(length(max = trustplane_domain::connection::MAX_HISTORY)))]
    history: &'a [HealthChange],
}

/// A test in the audit log: the health and the codes after it.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "ConnectionTestImage"))]
pub(crate) struct View {
    health: Option<Health>,
    codes: Vec<Code>,
}

/// GET: the last report.
pub async fn show(call: Call) -> Result<Response, Failure> {
    call.no_input()
        .reads(|(), keys| Kept::reads(keys))
        .subject(|_, kept, _| subject(kept.map(|kept| &kept.connection)))
        .decide(|_, kept, _| match kept.report.value() {
            Some(report) => Ok(Response::ok(&body(report, &kept.connection.value))),
            None => Err(Failure::NotFound("test report")),
        })
        .await
}

/// POST: tests the connection, and keeps the report. Two round trips to the table and one per budget, and five
/// to AWS if all is well.
///
/// The role is claimed for the tenant once it is proven to be the tenant's to use. If another tenant holds it, the report
/// says so.
///
/// Tests may run at the same time. Each is answered with its own report; the one of the test that ended last is kept, and
/// the others have their audit record alone.
pub async fn run(call: Call) -> Result<Response, Failure> {
    call.no_input()
        .reads(|(), keys| Kept::reads(keys))
        .subject(|_, kept, _| subject(kept.map(|kept| &kept.connection)))
        .plan(|_, kept, _| {
            if kept.connection.value.settings.configured() {
                Ok(Planned::new(kept))
            } else {
                Err(Failure::conflict(Conflict::NotConfigured, "no configuration is saved that could be tested"))
            }
        })
        .then(async |kept: &Kept, cx: &Context<'_>, grant: &Grant| Ok(Worked::Done(test(cx, grant, kept).await?)))
        .decide(|kept, tested, cx| Ok(tested.decision(&kept, cx)))
        .await
}

/// Tests a connection: asks the customer's AWS if it can be reached from here, and judges what it says.
async fn test(cx: &Context<'_>, grant: &Grant, kept: &Kept) -> Result<Tested, Failure> {
    let connection = &kept.connection.value;
    let begun = Instant::now();
    let deployment = deployment(cx)?;
    let observed = observe(cx, grant, &deployment, connection, begun).await?;
    let duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let report = |checks| Report::new(checks, connection.config_version, cx.now, duration_ms);
    let checks = judge(connection, &deployment, observed.as_ref());
    for check in checks.iter().filter(|check| matches!(check.status, CheckStatus::Fail | CheckStatus::Unavailable)) {
        let code = check.code.map(tracing::field::display);
        tracing::warn!(code, aws_request_id = check.aws_request_id, "connection test");
    }
    let shared = checks.iter().cloned().map(|check: Check| check.shared(connection, &deployment)).collect();
    let seen = match observed.as_ref().and_then(Observed::facts) {
        Some(facts) => Some(cx.call().remembering(grant, connection, facts).await),
        None => None,
    };
    Ok(Tested {
        connection: connection.clone(),
        kept: kept.last(),
        report: report(checks),
        report_if_claimed: report(shared),
        seen,
        is_own_role: observed.is_some_and(|observed| observed.is_own_role()),
    })
}

/// Asks the customer's AWS, within the time limit since `begun`; `None` if it is of another partition.
async fn observe(
    cx: &Context<'_>,
    grant: &Grant,
    deployment: &Deployment,
    connection: &Connection,
    begun: Instant,
) -> Result<Option<Observed>, Failure> {
    let arn = connection.settings.sso_instance_arn.as_ref();
    let Some((arn, path)) = arn.zip(AccessPath::of(grant.tenant(), connection)) else {
        return Err(Failure::internal("a configured connection without an instance or a role"));
    };
    if path.role.partition() != Some(deployment.region.partition()) {
        return Ok(None);
    }
    cx.spend(grant, Budget::CustomersAws).await?;
    // A role that was not seen to deny strangers is not used before it is.
    let is_controlled = if connection.role_proven {
        cx.may_spend(grant, Budget::NegativeControl).await?
    } else {
        cx.spend(grant, Budget::NegativeControl).await?;
        true
    };
    let stranger = if is_controlled { Some(ExternalId::from_random(cx.call().random()?)) } else { None };
    // The budgets take time while other tests run.
    let left = LIMIT.saturating_sub(begun.elapsed());
    Ok(Some(cx.platform().customers.probe(&path, arn, stranger, cx.now, left).await))
}

/// The account and the region of this function. Lambda always names the region.
pub(crate) fn deployment(cx: &Context<'_>) -> Result<Deployment, Failure> {
    let region = cx.platform().sdk.region().map(ToString::to_string).unwrap_or_default();
    let region = Region::parse(&region).map_err(|error| Failure::internal(format!("the region `{region}` {error}")))?;
    Ok(Deployment { account: cx.platform().account.clone(), region })
}

impl Tested {
    /// Keeps the report, and the connection as it is known now if the settings that were tested are still current.
    fn decision(&self, kept: &Kept, cx: &Context<'_>) -> Decision {
        let report = if cx.claim_lost { &self.report_if_claimed } else { &self.report };
        let report = &report.clone().after(kept.report.value());
        let now = &kept.connection;
        let passed = report.success && report.config_version == now.value.config_version;
        let is_current = now.value.config_version == self.connection.config_version;
        let claims = is_current && self.is_own_role && !cx.claim_lost;
        let role = self.connection.settings.role_arn.clone();
        let role = role.filter(|role| claims && now.value.claimed_role.as_ref() != Some(role));
        // Beside another test that ended later, or at last beside others without end, the report is not kept.
        let is_kept = !cx.race_lost && !self.is_superseded(report, kept);
        let health = report.health().or(now.value.health);
        let image = if is_kept { View { health, ..View::of(report) }.image() } else { kept.image() };
        let decide = |decision: Decision| {
            decision
                .completing(Section::AwsIdentityCenter, passed)
                .audited_as(Some(kept.image()), Some(image))
                .may_lose_race()
        };
        if !is_kept && role.is_none() {
            return decide(Decision::respond(response(report, &now.value)).recorded());
        }
        let writes = if is_kept { kept.report.write(report) } else { Writes::new() };
        if !is_current {
            return decide(Decision::write(writes, response(report, &now.value)));
        }
        let mut after = now.value.clone();
        if is_kept {
            let seen = self.seen.as_ref().unwrap_or(&now.value);
            (after.instance, after.provider_enabled) = (seen.instance.clone(), seen.provider_enabled);
            after = after.tested(report);
        }
        let mut claim = Writes::new();
        if let Some(role) = role {
            let claimed = RoleClaim { tenant_id: cx.keys.id(), claimed_at: cx.now };
            claim = claim.claim(&cx.keys.role_claim(&role), &claimed);
            after.claimed_role = Some(role);
        }
        let response = response(report, &after);
        decide(Decision::write(writes, response)).and(claim.replace(now, &after)).may_lose_claim()
    }

    /// Returns true if another test of these settings or of newer ones was kept meanwhile, and ended later.
    fn is_superseded(&self, report: &Report, kept: &Kept) -> bool {
        let other = kept.last().filter(|_| kept.last() != self.kept);
        other.is_some_and(|other| other > (report.config_version, report.ended_at()))
    }
}

impl Kept {
    fn reads(keys: TenantKeys) -> impl Reads<Loaded = Self> {
        let own = (keys.connection().expected(), keys.connection_report().optional());
        own.map(|(connection, report)| Self { connection, report })
    }

    /// The settings and the end of the last test; `None` if there was none.
    fn last(&self) -> Option<(u64, Timestamp)> {
        self.report.value().map(|report| (report.config_version, report.ended_at()))
    }

    /// The last test in the audit log.
    fn image(&self) -> Image {
        let codes = self.report.value().map(|report| View::of(report).codes).unwrap_or_default();
        View { health: self.connection.value.health, codes }.image()
    }
}

/// The response with the report. An outage says when to test again.
fn response(report: &Report, connection: &Connection) -> Response {
    let response = Response::ok(&body(report, connection));
    match report.retry_after() {
        Some(seconds) => response.header("retry-after", seconds.to_string()),
        None => response,
    }
}

fn body<'a>(report: &'a Report, connection: &'a Connection) -> Body<'a> {
    let Connection { health, last_verified_at, health_history, .. } = connection;
    Body { report, health: *health, last_verified_at: *last_verified_at, history: health_history }
}

impl View {
    fn of(report: &Report) -> Self {
        Self { health: report.health(), codes: report.checks.iter().filter_map(|check| check.code).collect() }
    }

    fn image(&self) -> Image {
        Image::of(self)
    }
}
