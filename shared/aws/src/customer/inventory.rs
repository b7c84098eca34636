//! Reading an organization through the tenant's role, one call at a time and slowly: IAM Identity Center allows an organization
//! about 20 calls per second from all its tools together, and this one leaves most of them to the others.

use std::time::Duration;

use aws_sdk_organizations::Client as Organizations;
use aws_sdk_ssoadmin::config::retry::RetryConfig;
use tokio::time::{Instant, sleep_until};
use trustplane_domain::arn::InstanceArn;
use trustplane_domain::inventory::{Account, Answer, Ask, MAX_PRINCIPALS, PermissionSet, Principal};

use super::{AccessPath, Customers, Session, SsoAdmin, encryption_failed};
use crate::error::{CustomerError, refused};

/// Time between the beginnings of two calls: eight per second.
pub(super) const PACE: Duration = Duration::from_millis(125);

/// Time that a session has to last at the start of a run: a little more than a run takes.
const RUN: Duration = Duration::from_secs(150);

/// Time after a new session that did not help, in which another one is not opened.
const FUTILE: Duration = Duration::from_secs(60);

/// Rows of a page of IAM Identity Center.
const PAGE: i32 = 100;

/// Reads one organization.
#[derive(Debug)]
pub struct Reader<'a> {
    customers: &'a Customers,
    path: AccessPath,
    instance: InstanceArn,
    session: Session,
    clients: Clients,
    /// True while the session has not been refused: a refusal may be the session's fault.
    is_trusted: bool,
    /// The time at which a new session was denied what the one before was denied.
    futile_at: Option<Instant>,
    /// True if the last call was denied.
    was_denied: bool,
    /// True once AWS answered a call to IAM Identity Center: the instance is there, in this region.
    is_located: bool,
    next_call: Instant,
}

#[derive(Debug)]
struct Clients {
    sso_admin: SsoAdmin,
    organizations: Organizations,
}

impl Customers {
    /// Opens a reader. One call, or none if a session is kept that lasts as long as a run; three where the role is not proven.
    pub async fn reader(&self, path: &AccessPath, instance: &InstanceArn) -> Result<Reader<'_>, CustomerError> {
        let kept = self.sessions.get(path, RUN);
        let is_trusted = kept.is_some();
        let session = match kept {
            Some(session) => session,
            None => self.assume(path).await?,
        };
        Ok(Reader {
            customers: self,
            // Proven now: a session that this run opens later is not proven once more.
            path: AccessPath { proven: true, ..path.clone() },
            instance: instance.clone(),
            clients: self.clients(path, &session),
            session,
            is_trusted,
            futile_at: None,
            was_denied: false,
            is_located: false,
            next_call: Instant::now(),
        })
    }

    fn clients(&self, path: &AccessPath, session: &Session) -> Clients {
        Clients {
            sso_admin: self.sso_admin(path, self.region(path), &session.credentials, Some(retries())),
            organizations: self.organizations(path, session, Some(retries())),
        }
    }
}

impl Reader<'_> {
    /// Asks AWS. `None` for questions to the table.
    ///
    /// A session that worked and is denied or over is replaced once, then the answer counts: the customer can end sessions
    /// before their time. Where a new session is denied the same, the next one is not opened within a minute, unless calls are
    /// denied one after the other: so rows that a policy denies one by one do not each open a session.
    ///
    /// Until AWS has answered about the instance, a refusal is looked at in the light of the list of instances.
    pub async fn ask(&mut self, ask: &Ask) -> Option<Result<Answer, CustomerError>> {
        let answer = match self.ask_once(ask).await? {
            Err(error) if error.doubts_session() && self.may_renew() => {
                match self.customers.renewed(&self.path).await {
                    Ok(session) => self.renew(session),
                    Err(error) => return Some(Err(error)),
                }
                let answer = self.ask_once(ask).await?;
                self.futile_at = answer.as_ref().is_err_and(CustomerError::doubts_session).then(Instant::now);
                answer
            }
            answer => answer,
        };
        self.was_denied = answer.as_ref().is_err_and(CustomerError::is_denied);
        self.is_trusted |= answer.is_ok();
        Some(match answer {
            Err(error) if !self.is_located && error.doubts_place() => {
                Err(self.customers.located(&self.path, &self.session, &self.instance, error).await)
            }
            answer => {
                self.is_located |= answer.is_ok() && !matches!(ask, Ask::Accounts { .. });
                answer
            }
        })
    }

    /// Reports a session that the customer may have ended.
    fn may_renew(&self) -> bool {
        self.is_trusted && (self.was_denied || self.futile_at.is_none_or(|futile_at| futile_at.elapsed() > FUTILE))
    }

    fn renew(&mut self, session: Session) {
        self.clients = self.customers.clients(&self.path, &session);
        self.session = session;
        self.is_trusted = false;
    }

    async fn ask_once(&mut self, ask: &Ask) -> Option<Result<Answer, CustomerError>> {
        if ask.is_of_table() {
            return None;
        }
        sleep_until(self.next_call).await;
        self.next_call = Instant::now() + self.customers.pace;
        Some(match ask.clone() {
            Ask::Accounts { next } => self.accounts(next).await,
            Ask::PermissionSets { next } => self.permission_sets(next).await,
            Ask::PermissionSet { arn } => self.permission_set(arn).await,
            Ask::Instance => self.described().await,
            Ask::AccountsOf { set, next } => self.accounts_of(set, next).await,
            Ask::Assigned { account, set, next } => self.assigned(account, set, next).await,
            Ask::NextSet { .. } | Ask::Sweep { .. } => return None,
        })
    }

    async fn accounts(&self, next: Option<String>) -> Result<Answer, CustomerError> {
        let with_token = next.is_some();
        let listed = self.clients.organizations.list_accounts().set_next_token(next).send().await;
        let listed = listed.map_err(|error| refused("organizations:ListAccounts", &error, with_token))?;
        let accounts = listed.accounts().iter().map(|account| Account {
            account_id: account.id().unwrap_or_default().to_owned(),
            name: account.name().map(ToOwned::to_owned),
            email: account.email().map(ToOwned::to_owned),
            status: account.state().map(|state| state.as_str().to_owned()),
        });
        Ok(Answer::Accounts(accounts.collect(), listed.next_token().map(ToOwned::to_owned)))
    }

    async fn permission_sets(&self, next: Option<String>) -> Result<Answer, CustomerError> {
        let with_token = next.is_some();
        let request = self.clients.sso_admin.list_permission_sets().instance_arn(self.instance.as_str());
        let listed = request.max_results(PAGE).set_next_token(next).send().await;
        let listed = listed.map_err(|error| refused("sso:ListPermissionSets", &error, with_token))?;
        Ok(Answer::PermissionSets(listed.permission_sets().to_vec(), listed.next_token().map(ToOwned::to_owned)))
    }

    async fn permission_set(&self, arn: String) -> Result<Answer, CustomerError> {
        let request = self.clients.sso_admin.describe_permission_set().instance_arn(self.instance.as_str());
        let described = request.permission_set_arn(&arn).send().await;
        let described = described.map_err(|error| refused("sso:DescribePermissionSet", &error, false))?;
        let set = described.permission_set();
        let text = |value: Option<&str>| value.map(ToOwned::to_owned);
        Ok(Answer::PermissionSet(PermissionSet {
            permission_set_arn: arn,
            name: set.and_then(|set| text(set.name())),
            description: set.and_then(|set| text(set.description())),
            session_duration: set.and_then(|set| text(set.session_duration())),
            unreadable: None,
        }))
    }

    async fn described(&self) -> Result<Answer, CustomerError> {
        let described = self.clients.sso_admin.describe_instance().instance_arn(self.instance.as_str()).send().await;
        let described = described.map_err(|error| refused("sso:DescribeInstance", &error, false))?;
        Ok(Answer::Instance {
            status: described.status().map(|status| status.as_str().to_owned()).unwrap_or_default(),
            encryption_failed: encryption_failed(&described),
        })
    }

    async fn accounts_of(&self, set: String, next: Option<String>) -> Result<Answer, CustomerError> {
        let with_token = next.is_some();
        let request = self.clients.sso_admin.list_accounts_for_provisioned_permission_set();
        let request = request.instance_arn(self.instance.as_str()).permission_set_arn(set).max_results(PAGE);
        let listed = request.set_next_token(next).send().await;
        let listed =
            listed.map_err(|error| refused("sso:ListAccountsForProvisionedPermissionSet", &error, with_token))?;
        Ok(Answer::AccountsOf(listed.account_ids().to_vec(), listed.next_token().map(ToOwned::to_owned)))
    }

    async fn assigned(&self, account: String, set: String, next: Option<String>) -> Result<Answer, CustomerError> {
        let with_token = next.is_some();
        let request = self.clients.sso_admin.list_account_assignments().instance_arn(self.instance.as_str());
        let request = request.account_id(account).permission_set_arn(set).max_results(MAX_PRINCIPALS);
        let listed = request.set_next_token(next).send().await;
        let listed = listed.map_err(|error| refused("sso:ListAccountAssignments", &error, with_token))?;
        let principals = listed.account_assignments().iter().map(|assignment| Principal {
            kind: assignment.principal_type().map(|kind| kind.as_str().to_owned()).unwrap_or_default(),
            id: assignment.principal_id().unwrap_or_default().to_owned(),
        });
        Ok(Answer::Assigned(principals.collect(), listed.next_token().map(ToOwned::to_owned)))
    }
}

/// Retries with the SDK's jitter, further apart than for a client that waits.
fn retries() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(4).with_initial_backoff(Duration::from_millis(400))
}
