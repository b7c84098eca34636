//! Responses of the customer's AWS to the calls of a connection test, before they are judged.

use super::{InstanceFacts, InstanceKind, Refusal};

/// The response to one call, and AWS's id of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Said<T> {
    /// The answer.
    pub answer: Result<T, Refusal>,
    /// AWS's id of the request, for its support.
    pub request_id: Option<String>,
}

/// An instance as the list of instances has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The account that owns it.
    pub owner_account: String,
    /// `ACTIVE` and so on; empty where AWS said nothing.
    pub status: String,
    /// Its primary region, where AWS said it.
    pub region: Option<String>,
}

/// An instance as it is described.
#[derive(Clone, Debug, PartialEq)]
pub struct Described {
    /// The facts to remember.
    pub facts: InstanceFacts,
    /// The reason for its status, where AWS named one.
    pub status_reason: Option<String>,
    /// The reason that its encryption could not be changed, where that failed.
    pub encryption_failed: Option<String>,
}

/// All that was asked, in the order of asking; `None` for what was not, because of what was said before.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    /// AssumeRole with the current ExternalId.
    pub assumed: Said<()>,
    /// The same with the pending one, while rotating.
    pub assumed_pending: Option<Said<()>>,
    /// The same with the one before the current one, where it was let in with neither of the others.
    pub assumed_retired: Option<Said<()>>,
    /// The same with none.
    pub assumed_without: Said<()>,
    /// The same with one that is nobody's.
    pub assumed_with_another: Said<()>,
    /// False where the last two were not asked again, because they were denied a short time ago.
    pub is_controlled: bool,
    /// GetCallerIdentity: the account.
    pub caller_account: Option<Said<String>>,
    /// ListInstances in the connection's region: the instance, if it is there.
    pub listed: Option<Said<Option<Listed>>>,
    /// ListInstances in all regions: the same.
    pub listed_anywhere: Option<Said<Option<Listed>>>,
    /// DescribeOrganization: the management account, if the role's account is in an organization.
    pub management_account: Option<Said<Option<String>>>,
    /// DescribeInstance.
    pub described: Option<Said<Described>>,
    /// ListPermissionSets.
    pub permission_sets: Option<Said<()>>,
    /// ListDelegatedAdministrators: true if the role's account is among them.
    pub delegated: Option<Said<bool>>,
    /// One call of each further action that the reading of an organization needs, in their order; `None` for an action that
    /// could not be tried.
    pub reading: Vec<(&'static str, Option<Said<()>>)>,
}

impl<T> Said<T> {
    /// The answer, if there is one.
    pub fn value(&self) -> Option<&T> {
        self.answer.as_ref().ok()
    }

    /// With the answer turned into another.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Said<U> {
        Said { answer: self.answer.map(change), request_id: self.request_id }
    }

    /// Reports a denial, by whatever policy.
    pub fn is_denied(&self) -> bool {
        self.answer.as_ref().is_err_and(Refusal::is_denied)
    }

    /// Reports a denial by the role's own policies.
    pub fn lacks_permission(&self) -> bool {
        self.answer.as_ref().is_err_and(|refusal| refusal.is_denied() && !refusal.is_denied_by_others())
    }
}

impl Observed {
    /// Reports a role that one of the tenant's own ExternalIds opens.
    pub fn is_let_in(&self) -> bool {
        let others = [&self.assumed_pending, &self.assumed_retired].into_iter().flatten();
        self.assumed.answer.is_ok() || others.into_iter().any(|other| other.answer.is_ok())
    }

    /// Reports a role that opens without the tenant's ExternalIds.
    pub fn is_open_to_others(&self) -> bool {
        self.assumed_without.answer.is_ok() || self.assumed_with_another.answer.is_ok()
    }

    /// Reports a role that is proven to be this tenant's to use: its ExternalId opens it, and nothing else does.
    pub fn is_own_role(&self) -> bool {
        self.is_let_in() && self.assumed_without.is_denied() && self.assumed_with_another.is_denied()
    }

    /// The kind of the instance, as far as it is known.
    pub fn kind(&self) -> Option<InstanceKind> {
        let owner = &self.listed.as_ref()?.value()?.as_ref()?.owner_account;
        let management = self.management_account.as_ref()?.value()?;
        let of_organization = management.as_ref() == Some(owner);
        Some(if of_organization { InstanceKind::Organization } else { InstanceKind::Account })
    }

    /// The facts to remember of the instance, if it was described.
    pub fn facts(&self) -> Option<InstanceFacts> {
        let described = self.described.as_ref()?.value()?;
        Some(InstanceFacts { kind: self.kind(), ..described.facts.clone() })
    }

    /// Reports a role in the organization's management account.
    pub fn is_management(&self) -> bool {
        let caller = self.caller_account.as_ref().and_then(Said::value);
        let management = self.management_account.as_ref().and_then(Said::value);
        caller.is_some() && caller == management.and_then(Option::as_ref)
    }
}
