//! The test of a connection: the calls to the customer's AWS, in their order. The domain judges the answers.
//!
//! On the good path it takes five waits: STS with each ExternalId and twice without; then the caller, the instance's region and
//! its organization; then the instance, its permission sets, the accounts and the delegated administrators; then one permission
//! set and the accounts that have it; then who has it in one of them.

use std::time::Duration;

use aws_sdk_sts::Client as Sts;
use tokio::time::{Instant, timeout_at};
use trustplane_domain::Timestamp;
use trustplane_domain::arn::InstanceArn;
use trustplane_domain::connection::{Described, InstanceKind, Listed, Observed, Refusal, Said};
use trustplane_domain::ids::ExternalId;

use super::entry::{Pending, maybe};
use super::instances::{listed, management_account, said};
use super::{
    AccessPath, Customers, IdentityCache, Organizations, Session, SsoAdmin, encryption_failed, facts, retry_partition,
    timeouts,
};
use crate::Counting;

/// The service principal of delegated administrators.
const SERVICE_PRINCIPAL: &str = "sso.amazonaws.com";

/// A test in progress.
struct Probe<'a> {
    customers: &'a Customers,
    path: &'a AccessPath,
    arn: &'a InstanceArn,
    now: Timestamp,
    deadline: Instant,
}

impl Customers {
    /// Makes all calls of a test within `limit`. A call without an answer by then is unreachable. `stranger` is an ExternalId
    /// that no role can trust; without one, the role is not checked for being open to others: only for a role that was proven
    /// a short time ago.
    ///
    /// Thirteen calls where all is well, one more while an ExternalId is pending; fewer where the first responses leave nothing
    /// to ask. Through a role that others can assume too, nothing is asked.
    pub async fn probe(
        &self,
        path: &AccessPath,
        arn: &InstanceArn,
        stranger: Option<ExternalId>,
        now: Timestamp,
        limit: Duration,
    ) -> Observed {
        let probe = Probe { customers: self, path, arn, now, deadline: Instant::now() + limit };
        let entry = self.enter(path, stranger, Pending::Always, probe.deadline).await;
        let mut observed = entry.observed();
        if let Ok(session) = entry.admitted() {
            // A session in another account is not kept, and the report says why.
            let _ = self.keep(path, session);
            Box::pin(probe.look_around(session, &mut observed)).await;
        }
        observed
    }
}

impl Probe<'_> {
    async fn look_around(&self, session: &Session, observed: &mut Observed) {
        if session.account != self.path.role.account() {
            // Nothing but its name is asked through a session in another account.
            observed.caller_account = Some(self.within(self.caller_account(session)).await);
            return;
        }
        let organizations = self.customers.organizations(self.path, session, None);
        let (caller, found, management) = tokio::join!(
            self.within(self.caller_account(session)),
            self.within(listed(&session.sso_admin, self.arn, false)),
            self.within(management_account(&organizations)),
        );
        let account = caller.value().cloned().unwrap_or_default();
        let instance = found.answer.clone();
        observed.caller_account = Some(caller);
        observed.listed = Some(found);
        observed.management_account = Some(management);
        if account != self.path.role.account() {
            return;
        }
        let found = match instance {
            Ok(Some(found)) if self.is_home(&found) => found,
            // Permission sets are in the primary region alone.
            Ok(Some(_)) => return,
            Ok(None) => {
                observed.listed_anywhere = Some(self.within(listed(&session.sso_admin, self.arn, true)).await);
                return;
            }
            // A region that does not exist does not answer; one that is not enabled does not accept the session. The
            // platform's own region knows the instance's.
            Err(Refusal::Unreachable | Refusal::SessionOver | Refusal::RegionDisabled)
                if !self.is_platforms_region() =>
            {
                let region = self.customers.sdk.region().cloned();
                let sso_admin = self.customers.sso_admin(self.path, region, &session.credentials, None);
                observed.listed_anywhere = Some(self.within(listed(&sso_admin, self.arn, true)).await);
                return;
            }
            Err(_) => return,
        };
        let has_sets = matches!(found.status.as_str(), "" | "ACTIVE") && observed.kind() != Some(InstanceKind::Account);
        let (described, sets, accounts, delegated) = tokio::join!(
            self.within(self.described(&session.sso_admin)),
            maybe(has_sets.then(|| self.within(self.permission_sets(&session.sso_admin)))),
            maybe(has_sets.then(|| self.within(accounts(&organizations)))),
            maybe(has_sets.then(|| self.within(delegated(&organizations, &account)))),
        );
        observed.described = Some(described);
        observed.delegated = delegated;
        observed.reading = vec![("organizations:ListAccounts", accounts)];
        let set = sets.as_ref().and_then(Said::value).cloned().flatten();
        observed.permission_sets = sets.map(|sets| sets.map(drop));
        if observed.permission_sets.as_ref().is_some_and(|sets| sets.answer.is_ok()) {
            observed.reading.extend(Box::pin(self.assignments(&session.sso_admin, set)).await);
        }
    }

    /// Tries the calls about one permission set.
    async fn assignments(&self, sso_admin: &SsoAdmin, set: Option<String>) -> [(&'static str, Option<Said<()>>); 3] {
        let (instance, set) = (self.arn.as_str(), set.as_deref());
        let (described, accounts) = tokio::join!(
            maybe(set.map(|set| self.within(async move {
                said(sso_admin.describe_permission_set().instance_arn(instance).permission_set_arn(set).send().await)
                    .map(drop)
            }))),
            maybe(set.map(|set| self.within(async move {
                let request = sso_admin.list_accounts_for_provisioned_permission_set().instance_arn(instance);
                let listed = said(request.permission_set_arn(set).max_results(1).send().await);
                listed.map(|listed| listed.account_ids().first().cloned())
            }))),
        );
        let account = accounts.as_ref().and_then(Said::value).cloned().flatten();
        let assigned = maybe(account.zip(set).map(|(account, set)| {
            self.within(async move {
                let request = sso_admin.list_account_assignments().instance_arn(instance).permission_set_arn(set);
                said(request.account_id(account).max_results(1).send().await).map(drop)
            })
        }))
        .await;
        [
            ("sso:DescribePermissionSet", described),
            ("sso:ListAccountsForProvisionedPermissionSet", accounts.map(|accounts| accounts.map(drop))),
            ("sso:ListAccountAssignments", assigned),
        ]
    }

    /// Reports an instance whose primary region is the one that was asked.
    fn is_home(&self, found: &Listed) -> bool {
        let asked = self.customers.region(self.path);
        found.region.as_ref().is_none_or(|region| asked.is_none_or(|asked| asked.as_ref() == region))
    }

    /// Reports a connection whose region is the platform's own.
    fn is_platforms_region(&self) -> bool {
        self.customers.region(self.path).as_ref() == self.customers.sdk.region()
    }

    async fn caller_account(&self, session: &Session) -> Said<String> {
        let config = aws_sdk_sts::config::Builder::from(&self.customers.sdk)
            .credentials_provider(session.credentials.clone())
            .identity_cache(IdentityCache::no_cache())
            .timeout_config(timeouts())
            .retry_partition(retry_partition(self.path))
            .interceptor(Counting::other(&self.customers.meter))
            .build();
        let caller = said(Sts::from_conf(config).get_caller_identity().send().await);
        caller.map(|caller| caller.account.unwrap_or_default())
    }

    async fn described(&self, sso_admin: &SsoAdmin) -> Said<Described> {
        let described = said(sso_admin.describe_instance().instance_arn(self.arn.as_str()).send().await);
        described.map(|described| Described {
            facts: facts(self.arn, &described, self.now),
            status_reason: described.status_reason().map(ToOwned::to_owned),
            encryption_failed: encryption_failed(&described),
        })
    }

    /// The first permission set, if there is one.
    async fn permission_sets(&self, sso_admin: &SsoAdmin) -> Said<Option<String>> {
        let listed = said(sso_admin.list_permission_sets().instance_arn(self.arn.as_str()).max_results(1).send().await);
        listed.map(|listed| listed.permission_sets().first().cloned())
    }

    /// The call, if it is answered before the deadline.
    async fn within<T>(&self, call: impl Future<Output = Said<T>>) -> Said<T> {
        let late = Said { answer: Err(Refusal::Unreachable), request_id: None };
        // The SDK's futures are large, and several are waited for together.
        timeout_at(self.deadline, Box::pin(call)).await.unwrap_or(late)
    }
}

/// One page of the organization's accounts.
async fn accounts(organizations: &Organizations) -> Said<()> {
    said(organizations.list_accounts().max_results(1).send().await).map(drop)
}

/// Reports if `account` administers IAM Identity Center for the organization. AWS lets few accounts do so: one page has them.
async fn delegated(organizations: &Organizations, account: &str) -> Said<bool> {
    let listed = said(organizations.list_delegated_administrators().service_principal(SERVICE_PRINCIPAL).send().await);
    listed.map(|listed| listed.delegated_administrators().iter().any(|one| one.id() == Some(account)))
}
