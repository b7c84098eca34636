//! The customer's AWS: the tenant's role is assumed, and IAM Identity Center is asked through it.

mod inventory;
mod probe;
mod sessions;

pub use inventory::Reader;

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_organizations::Client as Organizations;
use aws_sdk_ssoadmin::config::retry::RetryPartition;
use aws_sdk_ssoadmin::config::{Credentials, IdentityCache, Region as SdkRegion};
use aws_sdk_ssoadmin::operation::describe_instance::DescribeInstanceOutput;
use aws_sdk_ssoadmin::{Client as SsoAdmin, config};
use aws_sdk_sts::Client as Sts;
use aws_sdk_sts::error::SdkError as StsSdkError;
use aws_sdk_sts::operation::assume_role::{AssumeRoleError, AssumeRoleOutput};
use trustplane_domain::Timestamp;
use trustplane_domain::arn::{InstanceArn, RoleArn};
use trustplane_domain::connection::refusal::ASSUME_ROLE;
use trustplane_domain::connection::{Connection, InstanceFacts, Refusal};
use trustplane_domain::ids::{ExternalId, TenantId};
use trustplane_domain::region::Region;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use self::sessions::Sessions;
use crate::error::{CustomerError, refused};
use crate::{Counting, Meter};

/// Time limits of one call, retries included, and of each of its attempts.
const CALL: Duration = Duration::from_secs(5);
const ATTEMPT: Duration = Duration::from_millis(3_500);

/// Time limit for all calls of one request: well under the 29 seconds that API Gateway waits.
const WHOLE: Duration = Duration::from_secs(9);

/// Length of a session, in seconds: the shortest that STS gives.
const SESSION_SECONDS: i32 = 900;

/// A session that ends sooner than this is not used any more.
const MARGIN: Duration = Duration::from_secs(60);

/// Retry budgets of a process. The SDK keeps one per service and region, so that one customer's throttled calls would spend
/// the retries of all; here they are spread over this many.
const RETRY_PARTITIONS: u64 = 64;

/// Pages of ListInstances that are looked through: an account sees a handful of instances.
const PAGES: usize = 10;

/// Access path to a customer's instance.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AccessPath {
    /// The tenant.
    pub tenant: TenantId,
    /// The role in the customer's account.
    pub role: RoleArn,
    /// The current ExternalId.
    pub external_id: ExternalId,
    /// The pending ExternalId: tried where the current one is denied.
    pub external_id_pending: Option<ExternalId>,
    /// The ExternalId before the current one: tried last.
    pub external_id_retired: Option<ExternalId>,
    /// The instance's region; the platform's own where none is saved.
    pub region: Option<Region>,
    /// True if the role was seen to deny strangers. Where it was not, that is checked before anything is asked through it: it
    /// could be another tenant's, whose owner forgot to demand the ExternalId.
    pub proven: bool,
}

impl AccessPath {
    /// Returns the access path of a connection; `None` where it names no role.
    pub fn of(tenant: TenantId, connection: &Connection) -> Option<Self> {
        let role = connection.settings.role_arn.clone()?;
        let Connection { external_id, external_id_pending, external_id_retired, role_proven: proven, .. } = *connection;
        let region = connection.settings.region.clone();
        Some(Self { tenant, role, external_id, external_id_pending, external_id_retired, region, proven })
    }
}

/// The customers' accounts, as far as their roles let the platform in.
///
/// A warm process keeps sessions until shortly before they end. One is found again by its whole
/// [`AccessPath`], tenant and ExternalId included, so it never serves another tenant. Only sessions of roles that are proven are
/// kept.
///
/// STS is asked in the platform's own region: its sessions are good in every region of the partition ("Manage AWS STS in an
/// AWS Region", IAM User Guide), while STS of a region that an account has to opt in to answers only accounts that did.
#[derive(Debug)]
pub struct Customers {
    sdk: SdkConfig,
    meter: Arc<Meter>,
    sessions: Sessions,
}

#[derive(Clone, Debug)]
struct Session {
    credentials: Credentials,
    sso_admin: SsoAdmin,
    ends: SystemTime,
    /// The account that the session is in.
    account: String,
}

/// The error of a role that was not assumed.
type NotAssumed = StsSdkError<AssumeRoleError, HttpResponse>;

impl Customers {
    /// Reached by clients of this configuration, their calls counted by `meter`.
    pub fn new(sdk: &SdkConfig, meter: Arc<Meter>) -> Self {
        Self { sdk: sdk.clone(), meter, sessions: Sessions::default() }
    }

    /// Describes the instance `arn`, as of `now`. Two calls, or one where a session is at hand, and two more
    /// at the same time where the role is not proven; takes at most 9 seconds.
    pub async fn instance(
        &self,
        path: &AccessPath,
        arn: &InstanceArn,
        now: Timestamp,
    ) -> Result<InstanceFacts, CustomerError> {
        match tokio::time::timeout(WHOLE, self.describe(path, arn)).await {
            Ok(described) => Ok(facts(arn, &described?, now)),
            Err(_elapsed) => {
                Err(CustomerError::new("sso:DescribeInstance", Refusal::Unreachable, "no answer in 9 seconds"))
            }
        }
    }

    async fn describe(&self, path: &AccessPath, arn: &InstanceArn) -> Result<DescribeInstanceOutput, CustomerError> {
        let describe = async |session: &Session| {
            let described = session.sso_admin.describe_instance().instance_arn(arn.as_str()).send().await;
            described.map_err(|error| refused("sso:DescribeInstance", &error, false))
        };
        let (described, session) = self.through(path, MARGIN, describe).await?;
        match described {
            // AWS denies a thing that does not exist as it denies one that the role may not see; the list tells them apart.
            Err(denied) if denied.is_denied() => Err(match self.lists(&session.sso_admin, arn).await {
                Ok(false) => CustomerError::instance_gone(),
                Ok(true) => denied,
                Err(other) if other.is_denied() => denied,
                Err(other) => other,
            }),
            described => described,
        }
    }

    /// Makes a call through a session that lasts for `time`, and returns that session beside the call's result. A kept session
    /// that is denied or over is replaced once: the customer can end sessions before their time.
    async fn through<T>(
        &self,
        path: &AccessPath,
        time: Duration,
        call: impl AsyncFn(&Session) -> Result<T, CustomerError>,
    ) -> Result<(Result<T, CustomerError>, Session), CustomerError> {
        if let Some(kept) = self.sessions.get(path, time) {
            match call(&kept).await {
                Err(error) if error.doubts_session() => self.sessions.forget(path),
                outcome => return Ok((outcome, kept)),
            }
        }
        let session = self.assume(path).await?;
        Ok((call(&session).await, session))
    }

    /// Looks the instance up in the list of instances.
    async fn lists(&self, session: &SsoAdmin, arn: &InstanceArn) -> Result<bool, CustomerError> {
        let mut next = None;
        for _ in 0..PAGES {
            let with_token = next.is_some();
            let page = session.list_instances().set_next_token(next).send().await;
            let page = page.map_err(|error| refused("sso:ListInstances", &error, with_token))?;
            if page.instances().iter().any(|instance| instance.instance_arn() == Some(arn.as_str())) {
                return Ok(true);
            }
            next = page.next_token;
            if next.is_none() {
                return Ok(false);
            }
        }
        Ok(false)
    }

    /// Checks that the role trusts `external_id`. One call; the session is not kept.
    pub async fn trusts(&self, path: &AccessPath, external_id: ExternalId) -> Result<(), CustomerError> {
        match self.assume_role(&self.sts(path), path, Some(external_id)).await {
            Ok(_) => Ok(()),
            Err(error) => Err(not_assumed(&error)),
        }
    }

    /// Assumes the role: with the current ExternalId, or where that is denied with another of the tenant's. A role that is not
    /// proven has to deny requests without an ExternalId, and with another.
    async fn assume(&self, path: &AccessPath) -> Result<Session, CustomerError> {
        let sts = self.sts(path);
        let (assumed, guarded) = if path.proven {
            (self.come_in(&sts, path).await, Ok(()))
        } else {
            let stranger = stranger()?;
            let (assumed, without, with_another) = tokio::join!(
                self.come_in(&sts, path),
                self.is_kept_out(&sts, path, None),
                self.is_kept_out(&sts, path, Some(stranger)),
            );
            (assumed, without.and(with_another))
        };
        let assumed = assumed.map_err(|error| not_assumed(&error))?;
        guarded?;
        let session = self.session(path, assumed);
        let session = session
            .ok_or_else(|| CustomerError::new(ASSUME_ROLE, Refusal::Unavailable, "AssumeRole gave no credentials"))?;
        if session.account != path.role.account() {
            let refusal = Refusal::AccountMismatch(session.account);
            return Err(CustomerError::new(ASSUME_ROLE, refusal, "the session is in another account"));
        }
        self.sessions.keep(path, session.clone());
        Ok(session)
    }

    async fn come_in(&self, sts: &Sts, path: &AccessPath) -> Result<AssumeRoleOutput, NotAssumed> {
        let mut assumed = self.assume_role(sts, path, Some(path.external_id)).await;
        for other in [path.external_id_pending, path.external_id_retired].into_iter().flatten() {
            match &assumed {
                Err(error) if not_assumed(error).is_denied() => {
                    assumed = self.assume_role(sts, path, Some(other)).await;
                }
                _ => break,
            }
        }
        assumed
    }

    /// Checks that STS denies the role with this ExternalId, or without one.
    async fn is_kept_out(
        &self,
        sts: &Sts,
        path: &AccessPath,
        external_id: Option<ExternalId>,
    ) -> Result<(), CustomerError> {
        match self.assume_role(sts, path, external_id).await {
            Ok(_) => Err(CustomerError::new(ASSUME_ROLE, Refusal::NotEnforced, "assumed with a foreign ExternalId")),
            Err(error) => match not_assumed(&error) {
                denied if denied.is_denied() => Ok(()),
                other => Err(other),
            },
        }
    }

    /// STS in the platform's region.
    fn sts(&self, path: &AccessPath) -> Sts {
        let config = aws_sdk_sts::config::Builder::from(&self.sdk)
            .timeout_config(timeouts())
            .retry_partition(retry_partition(path))
            .interceptor(Counting::other(&self.meter))
            .build();
        Sts::from_conf(config)
    }

    async fn assume_role(
        &self,
        sts: &Sts,
        path: &AccessPath,
        external_id: Option<ExternalId>,
    ) -> Result<AssumeRoleOutput, NotAssumed> {
        sts.assume_role()
            .role_arn(path.role.as_str())
            // Shown in the customer's CloudTrail: 47 of 64 characters.
            .role_session_name(format!("trustplane-{}", path.tenant))
            .set_external_id(external_id.map(|id| id.to_string()))
            .duration_seconds(SESSION_SECONDS)
            .send()
            .await
    }

    /// Makes a session of a response of STS, for this access path alone.
    fn session(&self, path: &AccessPath, assumed: AssumeRoleOutput) -> Option<Session> {
        let credentials = assumed.credentials?;
        // `arn:aws:sts::123456789012:assumed-role/Role/session`.
        let arn = assumed.assumed_role_user.map(|user| user.arn).unwrap_or_default();
        let account = arn.split(':').nth(4).unwrap_or_default().to_owned();
        let ends = SystemTime::try_from(credentials.expiration).unwrap_or(SystemTime::UNIX_EPOCH);
        let credentials = Credentials::new(
            credentials.access_key_id,
            credentials.secret_access_key,
            Some(credentials.session_token),
            Some(ends),
            "AssumeRole",
        );
        let sso_admin = self.sso_admin(path, self.region(path), &credentials, None);
        Some(Session { credentials, sso_admin, ends, account })
    }

    /// IAM Identity Center in a region, for a session.
    fn sso_admin(
        &self,
        path: &AccessPath,
        region: Option<SdkRegion>,
        credentials: &Credentials,
        retries: Option<RetryConfig>,
    ) -> SsoAdmin {
        let config = config::Builder::from(&self.sdk)
            .region(region)
            .credentials_provider(credentials.clone())
            // The shared cache would keep every session for the life of the process.
            .identity_cache(IdentityCache::no_cache())
            .timeout_config(timeouts())
            .retry_config(retries.unwrap_or_else(|| self.retries()))
            .retry_partition(retry_partition(path))
            .interceptor(Counting::other(&self.meter))
            .build();
        SsoAdmin::from_conf(config)
    }

    /// AWS Organizations has one endpoint per partition, which the SDK knows for every region.
    fn organizations(&self, path: &AccessPath, session: &Session, retries: Option<RetryConfig>) -> Organizations {
        let config = aws_sdk_organizations::config::Builder::from(&self.sdk)
            .region(self.region(path))
            .credentials_provider(session.credentials.clone())
            .identity_cache(IdentityCache::no_cache())
            .timeout_config(timeouts())
            .retry_config(retries.unwrap_or_else(|| self.retries()))
            .retry_partition(retry_partition(path))
            .interceptor(Counting::other(&self.meter))
            .build();
        Organizations::from_conf(config)
    }

    fn retries(&self) -> RetryConfig {
        self.sdk.retry_config().cloned().unwrap_or_else(RetryConfig::standard)
    }

    fn region(&self, path: &AccessPath) -> Option<SdkRegion> {
        match &path.region {
            Some(region) => Some(SdkRegion::new(region.as_str().to_owned())),
            None => self.sdk.region().cloned(),
        }
    }
}

/// The retry budget of a tenant.
fn retry_partition(path: &AccessPath) -> RetryPartition {
    let mut hasher = DefaultHasher::new();
    path.tenant.hash(&mut hasher);
    RetryPartition::new(format!("customer-{}", hasher.finish() % RETRY_PARTITIONS))
}

/// Returns a random ExternalId, which no role trusts.
fn stranger() -> Result<ExternalId, CustomerError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| {
        CustomerError::new(ASSUME_ROLE, Refusal::Platform("no randomness".to_owned()), error.to_string())
    })?;
    Ok(ExternalId::from_random(bytes))
}

/// Converts an AssumeRole error. STS that does not accept the credentials of AssumeRole does not accept the platform's own.
fn not_assumed(error: &NotAssumed) -> CustomerError {
    let error = refused(ASSUME_ROLE, error, false);
    match error.refusal {
        Refusal::SessionOver => error.with(own_credentials()),
        _ => error,
    }
}

/// The refusal of the platform's own credentials.
fn own_credentials() -> Refusal {
    Refusal::Platform("the platform's credentials are not accepted".to_owned())
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_millis(1_500))
        .operation_attempt_timeout(ATTEMPT)
        .operation_timeout(CALL)
        .build()
}

fn facts(arn: &InstanceArn, described: &DescribeInstanceOutput, now: Timestamp) -> InstanceFacts {
    let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
    InstanceFacts {
        instance_id: arn.instance_id().to_owned(),
        identity_store_id: text(described.identity_store_id()),
        owner_account: text(described.owner_account_id()),
        name: described.name().filter(|name| !name.is_empty()).map(ToOwned::to_owned),
        status: text(described.status().map(|status| status.as_str())),
        regions: regions(described),
        kind: None,
        seen_at: now,
    }
}

/// The regions of an instance, the primary one first.
fn regions(described: &DescribeInstanceOutput) -> Vec<String> {
    let primary = described.primary_region().map(ToOwned::to_owned);
    let others = described.regions().iter().filter_map(|region| region.region_name()).map(ToOwned::to_owned);
    let others: Vec<String> = others.filter(|other| Some(other) != primary.as_ref()).collect();
    primary.into_iter().chain(others).collect()
}
