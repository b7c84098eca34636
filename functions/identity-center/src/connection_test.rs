//! `/v1/integrations/aws-identity-center/test`: does the connection work, and if not, what is wrong, where, and what to do.

use std::time::{Duration, Instant};

use serde::Serialize;
use trustplane_aws::Way;
use trustplane_domain::connection::{
    Check, CheckStatus, Code, Connection, Deployment, Health, Observed, Report, RoleClaim, judge,
};
use trustplane_domain::ids::ExternalId;
use trustplane_domain::region::Region;
use trustplane_domain::{Conflict, Failure};
use trustplane_policy::{Change, Grant, Image};
use trustplane_runtime::{Answer, Call, Response, commit_failure};
use trustplane_store::{CommitError, Read, StoreError, Stored, AuditedChange, Writes, keys};

use crate::config::{connection, image, resource};

/// What the customer's AWS is given to answer everything: with the reading before and the writing after well below the 29
/// seconds that API Gateway waits.
const LIMIT: Duration = Duration::from_secs(23);

/// How often a report is written again that lost a race.
const ATTEMPTS: usize = 3;

/// What is kept of a connection and of its last test.
struct Kept {
    connection: Stored<Connection>,
    report: Option<Stored<Report>>,
}

/// How a test changed what is known, as the audit log has it.
#[derive(Debug, Serialize)]
struct View {
    health: Option<Health>,
    codes: Vec<Code>,
}

/// GET: the last report.
pub async fn show(call: Call) -> Result<Response, Failure> {
    call.view(keys_of, None, Ok(()), |read, (), tenant| {
        let Kept { connection, report } = Kept::take(read, tenant)?;
        let outcome = report.map(|report| Response::ok(&report.value)).ok_or(Failure::NotFound("test report"));
        Ok(Change::new(resource(), outcome).before(Some(image(&connection.value.settings))))
    })
    .await
}

/// POST: tests what is saved, and remembers how it went. Two waits for the table, three for AWS where all is well.
pub async fn run(call: Call) -> Result<Response, Failure> {
    let permitted = call
        .permit(&keys_of, None, &Ok(()), |read, (), tenant| {
            let kept = Kept::take(read, tenant)?;
            let image = image(&kept.connection.value.settings);
            let outcome = if kept.connection.value.settings.configured() {
                Ok(kept)
            } else {
                Err(Failure::conflict(Conflict::NotConfigured, "no configuration is saved that could be tested"))
            };
            Ok(Change::new(resource(), outcome).before(Some(image)))
        })
        .await?;
    if let Some(replay) = permitted.replay() {
        return Ok(replay.clone());
    }
    let grant = permitted.grant;
    let kept = permitted.change.outcome?;
    let begun = Instant::now();
    let deployment = deployment(&call)?;
    let (checks, observed) = test(&call, &grant, &deployment, &kept.connection.value).await?;
    let duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let report = Report::new(checks, kept.connection.value.config_version, call.now, duration_ms);
    for check in report.checks.iter().filter(|check| check.status == CheckStatus::Fail) {
        tracing::warn!(code = ?check.code, aws_request_id = check.aws_request_id, "connection test");
    }
    remember(&call, &grant, &deployment, kept, report, observed.as_ref()).await
}

/// Asks the customer's AWS, where it can be reached, and judges what it says.
async fn test(
    call: &Call,
    grant: &Grant,
    deployment: &Deployment,
    connection: &Connection,
) -> Result<(Vec<Check>, Option<Observed>), Failure> {
    let arn = connection.settings.sso_instance_arn.as_ref().ok_or(Failure::Internal)?;
    let way = Way::of(grant.tenant(), connection).ok_or(Failure::Internal)?;
    let observed = if way.role.partition() == Some(deployment.region.partition()) {
        let stranger = ExternalId::from_random(call.random()?);
        Some(call.platform.customers.probe(&way, arn, stranger, call.now, LIMIT).await)
    } else {
        None
    };
    let checks = judge(connection, deployment, observed.as_ref());
    Ok((checks, observed))
}

/// Where this function runs. Lambda always says which region that is.
fn deployment(call: &Call) -> Result<Deployment, Failure> {
    let region = call.platform.sdk.region().and_then(|region| Region::parse(region.as_ref()).ok());
    let Some(region) = region else {
        tracing::error!(region = ?call.platform.sdk.region(), "setting");
        return Err(Failure::Internal);
    };
    Ok(Deployment { account: call.platform.account.clone(), region })
}

/// Writes the report, and the connection as it is known now: if the settings that were tested still stand. The role is
/// claimed for the tenant when it is proven to be the tenant's to use; that another tenant holds it is told then.
async fn remember(
    call: &Call,
    grant: &Grant,
    deployment: &Deployment,
    mut kept: Kept,
    mut report: Report,
    observed: Option<&Observed>,
) -> Result<Response, Failure> {
    let tenant = TenantKeys::granted(grant);
    let tested = kept.connection.value.clone();
    let seen = match observed.and_then(Observed::facts) {
        Some(facts) => Some(call.remembering(grant, &tested, facts).await),
        None => None,
    };
    let mut claims = observed.is_some_and(Observed::is_own_role);
    for _ in 0..ATTEMPTS {
        let now = &kept.connection;
        let after = (now.value.config_version == tested.config_version).then(|| {
            let known = seen.as_ref().map(|seen| (seen.instance.clone(), seen.provider_enabled));
            let (instance, provider_enabled) =
                known.unwrap_or_else(|| (now.value.instance.clone(), now.value.provider_enabled));
            Connection { instance, provider_enabled, ..now.value.clone() }.tested(&report)
        });
        let writes = kept.writes(tenant, after, &report, claims, call).map_err(|error| Failure::from(&error))?;
        let (before, after) = (kept.view(), View::of(&report));
        let told = AuditedChange { resource: &resource(), before: Some(&before), after: Some(&Image::of(&after)) };
        match call.commit(grant, told, Answer::new(writes, Response::ok(&report))).await {
            Ok(reply) => return Ok(reply),
            Err(CommitError::Claimed) => {
                claims = false;
                let shared = |check: Check| check.shared(&tested, deployment);
                let checks = report.checks.into_iter().map(shared).collect();
                report = Report::new(checks, report.config_version, report.checked_at, report.duration_ms);
            }
            Err(CommitError::Lost) => {}
            Err(error) => return Err(commit_failure(&error)),
        }
        let mut read = call.read_more(&keys_of(tenant, &())).await?;
        kept = Kept::take(&mut read, tenant).map_err(|error| Failure::from(&error))?;
    }
    Err(Failure::conflict(Conflict::LostRace, "somebody else changed the connection at the same time, try again"))
}

impl Kept {
    fn take(read: &mut Read, tenant: TenantKeys) -> Result<Self, StoreError> {
        Ok(Self { connection: connection(read, tenant)?, report: read.take(&tenant.connection_report())? })
    }

    /// What a test writes; `after` is the connection, where it is still the one that was tested.
    fn writes(
        &self,
        tenant: TenantKeys,
        after: Option<Connection>,
        report: &Report,
        claims: bool,
        call: &Call,
    ) -> Result<Writes, StoreError> {
        let mut writes = match &self.report {
            Some(last) => Writes::new().replace(last, report)?,
            None => Writes::new().create(&tenant.connection_report(), report)?,
        };
        let Some(mut after) = after else { return Ok(writes) };
        let role = after.settings.role_arn.clone().filter(|role| claims && after.claimed_role.as_ref() != Some(role));
        if let Some(role) = role {
            let claim = RoleClaim { tenant_id: tenant.id(), claimed_at: call.now };
            writes = writes.claim(&tenant.role_claim(&role), &claim)?;
            after.claimed_role = Some(role);
        }
        writes.replace(&self.connection, &after)
    }

    /// How the last test left it.
    fn view(&self) -> Image {
        let codes = self.report.as_ref().map(|report| View::of(&report.value).codes).unwrap_or_default();
        Image::of(&View { health: self.connection.value.health, codes })
    }
}

impl View {
    fn of(report: &Report) -> Self {
        Self { health: Some(report.health()), codes: report.checks.iter().filter_map(|check| check.code).collect() }
    }
}

fn keys_of(tenant: TenantKeys, (): &()) -> Vec<trustplane_store::Key> {
    vec![tenant.connection(), tenant.connection_report()]
}
