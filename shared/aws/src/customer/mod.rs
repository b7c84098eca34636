//! The customer's AWS: the tenant's role is assumed, and IAM Identity Center is asked through it.

mod entry;
mod instances;
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
use aws_sdk_ssoadmin::types::KmsKeyStatus;
use aws_sdk_ssoadmin::{Client as SsoAdmin, config};
use trustplane_domain::Timestamp;
use trustplane_domain::arn::{InstanceArn, RoleArn};
use trustplane_domain::connection::{Connection, InstanceFacts, Refusal};
use trustplane_domain::ids::{ExternalId, TenantId};
use trustplane_domain::region::Region;

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
#[derive(Debug)]
pub struct Customers {
    sdk: SdkConfig,
    meter: Arc<Meter>,
    sessions: Sessions,
    /// Time between the beginnings of two calls of a reading.
    pace: Duration,
}

#[derive(Clone, Debug)]
struct Session {
    credentials: Credentials,
    sso_admin: SsoAdmin,
    ends: SystemTime,
    /// The account that the session is in.
    account: String,
}

impl Customers {
    /// Reached by clients of this configuration, their calls counted by `meter`.
    pub fn new(sdk: &SdkConfig, meter: Arc<Meter>) -> Self {
        Self { sdk: sdk.clone(), meter, sessions: Sessions::default(), pace: inventory::PACE }
    }

    /// With another number of calls per second of a reading, where one is given.
    #[must_use]
    pub fn with_pace(self, calls_per_second: Option<u32>) -> Self {
        let pace = calls_per_second.map(|calls| Duration::from_secs(1) / calls.max(1));
        Self { pace: pace.unwrap_or(self.pace), ..self }
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
            Err(error) if error.doubts_place() => Err(self.located(path, &session, arn, error).await),
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
                Err(error) if error.doubts_session() => {}
                outcome => return Ok((outcome, kept)),
            }
        }
        let session = self.renewed(path).await?;
        Ok((call(&session).await, session))
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

/// The reason that the instance's encryption could not be changed, where that failed.
fn encryption_failed(described: &DescribeInstanceOutput) -> Option<String> {
    let encryption = described.encryption_configuration_details();
    let failed = encryption.filter(|one| one.encryption_status() == Some(&KmsKeyStatus::UpdateFailed))?;
    Some(failed.encryption_status_reason().unwrap_or("no reason given").to_owned())
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
