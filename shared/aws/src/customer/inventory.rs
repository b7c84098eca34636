//! Reading an organization through the tenant's role, a page at a time and slowly: IAM Identity Center allows an
//! organization some 20 calls a second from all its tools together, and this one leaves most of them to the others.

use std::time::Duration;

use aws_sdk_organizations::Client as Organizations;
use aws_sdk_ssoadmin::config::retry::RetryConfig;
use tokio::time::{Instant, sleep_until};
use trustplane_domain::arn::InstanceArn;
use trustplane_domain::inventory::{Account, PermissionSet, Principal};

use super::{Customers, IdentityCache, Session, SsoAdmin, Way, timeouts};
use crate::Counting;
use crate::error::{CustomerError, refused};

/// The time between the beginnings of two calls: eight a second.
const PACE: Duration = Duration::from_millis(125);

/// How long reading takes at most before somebody else goes on, and a little more.
const RUN: Duration = Duration::from_secs(150);

/// Permission sets of a page: each is described by a call of its own.
const SETS: i32 = 20;

/// Accounts of a page of a permission set: each is asked for its assignments.
const ACCOUNTS: i32 = 40;

/// Reads one organization.
#[derive(Debug)]
pub struct Reader {
    sso_admin: SsoAdmin,
    organizations: Organizations,
    instance: InstanceArn,
    next_call: Instant,
}

/// A page, and AWS's token of the one after it.
pub type Paged<T> = (Vec<T>, Option<String>);

impl Customers {
    /// Reads through `way`. A call, unless a session is at hand that lasts as long as a run does; three where the role is
    /// not proven.
    pub async fn reader(&self, way: &Way, instance: &InstanceArn) -> Result<Reader, CustomerError> {
        let session = match self.kept_for(way, RUN) {
            Some(session) => session,
            None => self.assume(way).await?,
        };
        let sso_admin = aws_sdk_ssoadmin::config::Builder::from(&self.sdk)
            .region(self.region(way))
            .credentials_provider(session.credentials.clone())
            .identity_cache(IdentityCache::no_cache())
            .timeout_config(timeouts())
            .retry_config(retries())
            .interceptor(Counting::other(&self.meter))
            .build();
        Ok(Reader {
            sso_admin: SsoAdmin::from_conf(sso_admin),
            organizations: self.organizations(way, &session, retries()),
            instance: instance.clone(),
            next_call: Instant::now(),
        })
    }

    /// AWS Organizations has one endpoint a partition, which the SDK knows for every region.
    pub(super) fn organizations(&self, way: &Way, session: &Session, retries: RetryConfig) -> Organizations {
        let config = aws_sdk_organizations::config::Builder::from(&self.sdk)
            .region(self.region(way))
            .credentials_provider(session.credentials.clone())
            .identity_cache(IdentityCache::no_cache())
            .timeout_config(timeouts())
            .retry_config(retries)
            .interceptor(Counting::other(&self.meter))
            .build();
        Organizations::from_conf(config)
    }
}

impl Reader {
    /// The organization's accounts.
    pub async fn accounts(&mut self, next: Option<String>) -> Result<Paged<Account>, CustomerError> {
        self.wait().await;
        let listed = self.organizations.list_accounts().set_next_token(next).send().await;
        let listed = listed.map_err(|error| refused("organizations:ListAccounts", &error))?;
        let accounts = listed.accounts().iter().map(|account| Account {
            account_id: account.id().unwrap_or_default().to_owned(),
            name: account.name().map(ToOwned::to_owned),
            email: account.email().map(ToOwned::to_owned),
            status: account.state().map(|state| state.as_str().to_owned()),
        });
        Ok((accounts.collect(), listed.next_token().map(ToOwned::to_owned)))
    }

    /// The instance's permission sets, each as it is described. One that is deleted meanwhile is left out.
    pub async fn permission_sets(&mut self, next: Option<String>) -> Result<Paged<PermissionSet>, CustomerError> {
        self.wait().await;
        let request = self.sso_admin.list_permission_sets().instance_arn(self.instance.as_str()).max_results(SETS);
        let listed = request.set_next_token(next).send().await;
        let listed = listed.map_err(|error| refused("sso:ListPermissionSets", &error))?;
        let mut sets = Vec::new();
        for arn in listed.permission_sets() {
            sets.extend(self.permission_set(arn).await?);
        }
        Ok((sets, listed.next_token().map(ToOwned::to_owned)))
    }

    async fn permission_set(&mut self, arn: &str) -> Result<Option<PermissionSet>, CustomerError> {
        self.wait().await;
        let request = self.sso_admin.describe_permission_set().instance_arn(self.instance.as_str());
        let described = match request.permission_set_arn(arn).send().await {
            Ok(described) => described,
            Err(error) => return gone(refused("sso:DescribePermissionSet", &error).into()),
        };
        let set = described.permission_set();
        let text = |value: Option<&str>| value.map(ToOwned::to_owned);
        Ok(Some(PermissionSet {
            permission_set_arn: arn.to_owned(),
            name: set.and_then(|set| text(set.name())),
            description: set.and_then(|set| text(set.description())),
            session_duration: set.and_then(|set| text(set.session_duration())),
        }))
    }

    /// The accounts that a permission set is provisioned to; none of one that is deleted.
    pub async fn accounts_with(&mut self, set: &str, next: Option<String>) -> Result<Paged<String>, CustomerError> {
        self.wait().await;
        let request = self.sso_admin.list_accounts_for_provisioned_permission_set();
        let request = request.instance_arn(self.instance.as_str()).permission_set_arn(set).max_results(ACCOUNTS);
        match request.set_next_token(next).send().await {
            Ok(listed) => Ok((listed.account_ids().to_vec(), listed.next_token().map(ToOwned::to_owned))),
            Err(error) => {
                let page = gone(refused("sso:ListAccountsForProvisionedPermissionSet", &error).into())?;
                Ok(page.unwrap_or_default())
            }
        }
    }

    /// Who has a permission set in an account.
    pub async fn assigned(&mut self, account: &str, set: &str) -> Result<Vec<Principal>, CustomerError> {
        let mut principals = Vec::new();
        let mut next = None;
        loop {
            self.wait().await;
            let request = self.sso_admin.list_account_assignments().instance_arn(self.instance.as_str());
            let request = request.account_id(account).permission_set_arn(set).max_results(100);
            let listed = match request.set_next_token(next).send().await {
                Ok(listed) => listed,
                Err(error) => {
                    let nobody = gone(refused("sso:ListAccountAssignments", &error).into())?;
                    return Ok(nobody.unwrap_or_default());
                }
            };
            principals.extend(listed.account_assignments().iter().map(|assignment| Principal {
                kind: assignment.principal_type().map(|kind| kind.as_str().to_owned()).unwrap_or_default(),
                id: assignment.principal_id().unwrap_or_default().to_owned(),
            }));
            next = listed.next_token;
            if next.is_none() {
                return Ok(principals);
            }
        }
    }

    /// Waits for the turn of the next call.
    async fn wait(&mut self) {
        sleep_until(self.next_call).await;
        self.next_call = Instant::now() + PACE;
    }
}

/// Retries with the SDK's jitter, further apart than for somebody who waits.
fn retries() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(4).with_initial_backoff(Duration::from_millis(400))
}

/// What is not there any more is nothing; all else is an error.
fn gone<T>(error: CustomerError) -> Result<Option<T>, CustomerError> {
    match error {
        CustomerError::InstanceGone => Ok(None),
        other => Err(other),
    }
}
