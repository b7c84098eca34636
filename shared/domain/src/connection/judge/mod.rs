//! Judgement of the responses of the customer's AWS: the rule behind each check.

mod role;

use super::advice::About;
use super::refusal::{ASSUME_ROLE, encryption_failed};
use super::{
    Actor, Check, CheckId, CheckStatus, Code, Connection, Deployment, InstanceKind, KmsReason, Listed, Observed,
    Refusal, Said,
};

/// The checks of a test of `connection` by `deployment`. `observed` is `None` where the role is in another partition, which
/// nobody can ask.
///
/// A check is skipped where one that it needs has failed: through a role that is not the tenant's to use, nothing is asked;
/// an instance that is not there has no state.
pub fn judge(connection: &Connection, deployment: &Deployment, observed: Option<&Observed>) -> Vec<Check> {
    let about = About::of(connection, deployment);
    let Some(observed) = observed else { return about.other_partition() };
    let assume_role = about.assume_role(observed);
    let enforced = about.external_id_enforced(observed);
    let account = about.after(CheckId::AccountMatch, &[&assume_role, &enforced], |about| about.account_match(observed));
    let visible = about.after(CheckId::InstanceVisible, &[&account], |about| about.instance_visible(observed));
    let active = about.after(CheckId::InstanceActive, &[&visible], |about| about.instance_active(observed));
    let kind = about.after(CheckId::InstanceKind, &[&visible], |about| about.instance_kind(observed));
    let sets = about.after(CheckId::PermissionSets, &[&active], |about| about.permission_sets(observed));
    vec![assume_role, enforced, account, visible, active, kind, sets]
}

/// The IAM action that names the account of a session.
const CALLER: &str = "sts:GetCallerIdentity";

/// The IAM action that tells a delegated administrator's account from a member account.
const DELEGATED: &str = "organizations:ListDelegatedAdministrators";

impl About<'_> {
    fn other_partition(&self) -> Vec<Check> {
        let home = self.deployment.region.partition();
        let theirs = self.settings.role_arn.as_ref().and_then(|role| role.partition());
        let theirs =
            theirs.map_or_else(|| "another partition".to_owned(), |partition| format!("partition `{partition}`"));
        let found = format!("The role is in {theirs}, this deployment in `{home}`: it cannot be reached from here.");
        CheckId::ALL
            .into_iter()
            .map(|id| match id {
                CheckId::AccountMatch => self.fail(id, Code::PartitionUnreachable, found.clone(), None),
                _ => Check::skipped(id, "Not asked: the role is in another partition."),
            })
            .collect()
    }

    /// `check`, unless one of those before it did not come out well enough to ask.
    fn after(&self, id: CheckId, needed: &[&Check], check: impl FnOnce(&Self) -> Check) -> Check {
        let bad = |check: &&&Check| {
            matches!(check.status, CheckStatus::Fail | CheckStatus::Unavailable | CheckStatus::Skipped)
        };
        match needed.iter().find(bad) {
            Some(before) => Check::skipped(id, format!("Not asked: it needs \u{201c}{}\u{201d}.", before.title)),
            None => check(self),
        }
    }

    fn account_match(&self, observed: &Observed) -> Check {
        let id = CheckId::AccountMatch;
        let Some(caller) = &observed.caller_account else { return self.not_reached(id) };
        let request = caller.request_id.clone();
        match &caller.answer {
            Ok(account) if account == self.account() => {
                Check::pass(id, format!("The session is in account {account}."), request)
            }
            Ok(account) => {
                let found =
                    format!("The role's ARN names account {}, but its session is in {account}.", self.account());
                self.fail(id, Code::AccountMismatch, found, request)
            }
            // STS gave these credentials a moment before, and no policy can deny this call.
            Err(Refusal::SessionOver) => {
                let refusal =
                    Refusal::Internal("STS does not accept the session that it gave a moment before".to_owned());
                self.refused(id, CALLER, &refusal, request)
            }
            Err(refusal) => self.refused(id, CALLER, refusal, request),
        }
    }

    fn instance_visible(&self, observed: &Observed) -> Check {
        let id = CheckId::InstanceVisible;
        let Some(listed) = &observed.listed else { return self.not_reached(id) };
        let request = listed.request_id.clone();
        let anywhere = observed.listed_anywhere.as_ref();
        match (&listed.answer, anywhere.map(|anywhere| &anywhere.answer)) {
            // A replica is listed too; permission sets are in the primary region alone.
            (Ok(Some(Listed { region: Some(region), .. })), _) if !self.is_in(region) => {
                let found = format!(
                    "The instance's primary region is `{region}`. In {} it is replicated, without permission sets.",
                    self.region()
                );
                self.wrong_region(found, region, request)
            }
            (Ok(Some(_)), _) => Check::pass(id, format!("The instance is in {}.", self.region()), request),
            (
                Err(refusal @ (Refusal::Unreachable | Refusal::SessionOver | Refusal::RegionDisabled)),
                Some(Ok(Some(Listed { region: Some(region), .. }))),
            ) if !self.is_in(region) => {
                let why = match refusal {
                    Refusal::Unreachable => "which did not answer",
                    _ => "where AWS does not accept sessions of this account: it has not enabled that region",
                };
                let found = format!("The instance is in `{region}`, not in {}, {why}.", self.region());
                self.wrong_region(found, region, request)
            }
            (Err(refusal), _) => self.refused(id, "sso:ListInstances", refusal, request),
            (Ok(None), None) => self.not_reached(id),
            (Ok(None), Some(Err(refusal))) => {
                self.refused(id, "sso:ListInstances", refusal, anywhere.and_then(|said| said.request_id.clone()))
            }
            (Ok(None), Some(Ok(found))) => self.not_listed(found.as_ref(), anywhere),
        }
    }

    /// The check of an instance that its region does not list; `found` is its row in the list of all regions.
    fn not_listed(&self, found: Option<&Listed>, anywhere: Option<&Said<Option<Listed>>>) -> Check {
        let id = CheckId::InstanceVisible;
        let request = anywhere.and_then(|anywhere| anywhere.request_id.clone());
        match found {
            Some(Listed { region: Some(region), .. }) if self.is_in(region) => {
                let found = format!(
                    "The instance is in {}, and the list of instances there does not have it yet: it was made a short time ago.",
                    self.region()
                );
                self.fail(id, Code::InstanceNotVisible, found, request)
            }
            Some(Listed { region: Some(region), .. }) => {
                let found = format!("The instance is in `{region}`, not in {}.", self.region());
                self.wrong_region(found, region, request)
            }
            Some(Listed { region: None, .. }) => {
                self.refused(id, "sso:ListInstances", &Refusal::ListIncomplete, request)
            }
            None => {
                let found = format!(
                    "Account {} sees no instance `{}`, neither in {} nor in another region.",
                    self.account(),
                    self.instance(),
                    self.region()
                );
                self.fail(id, Code::InstanceNotFound, found, request)
            }
        }
    }

    fn wrong_region(&self, found: String, region: &str, request: Option<String>) -> Check {
        self.fail(CheckId::InstanceVisible, Code::WrongRegion, found, request).detail("region", region)
    }

    fn instance_active(&self, observed: &Observed) -> Check {
        let id = CheckId::InstanceActive;
        let Some(said) = &observed.described else { return self.not_reached(id) };
        let request = said.request_id.clone();
        let described = match &said.answer {
            Ok(described) => described,
            Err(refusal) => return self.refused(id, "sso:DescribeInstance", refusal, request),
        };
        if described.facts.status != "ACTIVE" {
            let why = described.status_reason.as_ref().map(|why| format!(" AWS says: {why}")).unwrap_or_default();
            let found = format!("The instance's status is `{}`, not `ACTIVE`.{why}", described.facts.status);
            return self.fail(id, Code::InstanceNotActive, found, request).detail("status", &described.facts.status);
        }
        let gone = observed.permission_sets.as_ref().map(|sets| &sets.answer);
        match &described.encryption_failed {
            Some(why) => {
                let key_gone = matches!(gone, Some(Err(Refusal::Kms(KmsReason::NotFound))));
                let code = if key_gone { Code::KmsNotFound } else { Code::KmsUpdateFailed };
                self.fail(id, code, encryption_failed(why), request)
            }
            None => Check::pass(id, "The instance's status is `ACTIVE`.", request),
        }
    }

    fn instance_kind(&self, observed: &Observed) -> Check {
        let id = CheckId::InstanceKind;
        let Some(organization) = &observed.management_account else { return self.not_reached(id) };
        let request = organization.request_id.clone();
        if let Err(refusal) = &organization.answer {
            return self.refused(id, "organizations:DescribeOrganization", refusal, request);
        }
        if observed.kind() == Some(InstanceKind::Account) {
            let found = "The instance is one account's own, not the organization's: it has no permission sets.";
            return self.warn(id, Code::AccountInstance, found, request);
        }
        // Nothing else tells a delegated administrator from a member.
        let unanswered = unknown(observed.delegated.as_ref()).filter(|_| lists_no_sets(observed));
        if let Some((refusal, request)) = unanswered.filter(|_| !observed.is_management()) {
            return self.refused(id, DELEGATED, refusal, request);
        }
        if is_member(observed) {
            let found = format!(
                "The instance is the organization's, and account {} neither is its management account nor administers IAM \
                 Identity Center for it.",
                self.account()
            );
            return self.warn(id, Code::NotDelegatedAdmin, found, request);
        }
        let place = match observed.is_management() {
            true => "the management account",
            false => "a delegated administrator's account",
        };
        let found = format!("The instance is the organization's, and the role is in {place}.");
        match observed.delegated.as_ref().map(|said| (&said.answer, said.request_id.clone())) {
            Some((Err(refusal), request)) if refusal.is_denied() => {
                let check = self.refused(id, DELEGATED, refusal, request);
                let message = format!(
                    "{found} {} Only this test asks for it, to tell a delegated administrator's account from a member account.",
                    check.message
                );
                Check { status: CheckStatus::Warn, message, ..check }
            }
            _ => Check::pass(id, found, request),
        }
    }

    fn permission_sets(&self, observed: &Observed) -> Check {
        let id = CheckId::PermissionSets;
        if observed.kind() == Some(InstanceKind::Account) {
            return Check::skipped(id, "Not asked: an account instance has no permission sets.");
        }
        if is_member(observed) {
            return Check::skipped(id, "Only the management account and delegated administrators may list them.");
        }
        if lists_no_sets(observed) && !observed.is_management() && unknown(observed.delegated.as_ref()).is_some() {
            return Check::skipped(
                id,
                format!("Not known: it needs \u{201c}{}\u{201d}.", CheckId::InstanceKind.title()),
            );
        }
        let Some(said) = &observed.permission_sets else { return self.not_reached(id) };
        match &said.answer {
            Ok(()) => self.reading(observed, said.request_id.clone()),
            Err(refusal) => self.refused(id, "sso:ListPermissionSets", refusal, said.request_id.clone()),
        }
    }

    /// The check of the role's permissions for a reading of the organization. The connection works without them, so what is
    /// missing is a warning.
    fn reading(&self, observed: &Observed, request: Option<String>) -> Check {
        let id = CheckId::PermissionSets;
        let refused: Vec<(&str, &Refusal, Option<String>)> = observed
            .reading
            .iter()
            .filter_map(|(action, said)| {
                let said = said.as_ref()?;
                Some((*action, said.answer.as_ref().err()?, said.request_id.clone()))
            })
            .collect();
        // A denial says more than a failure that passes.
        let first = refused.iter().find(|(_, refusal, _)| !refusal.is_passing()).or(refused.first());
        if let Some((action, refusal, request)) = first {
            let check = self.refused(id, action, refusal, request.clone());
            if check.status == CheckStatus::Unavailable {
                return check;
            }
            let lacking: Vec<&str> =
                refused.iter().filter(|(_, refusal, _)| refusal.is_denied()).map(|(action, ..)| *action).collect();
            let others = match lacking.len() {
                0 | 1 => String::new(),
                _ => format!(" Denied in all: `{}`.", lacking.join("`, `")),
            };
            let message =
                format!("{} The reading of the organization (POST /v1/aws/sync) needs it.{others}", check.message);
            let check = Check { status: CheckStatus::Warn, message, ..check };
            return if lacking.is_empty() { check } else { check.list("actions", &lacking) };
        }
        let not_tried: Vec<&str> =
            observed.reading.iter().filter(|(_, said)| said.is_none()).map(|(action, _)| *action).collect();
        let found = if not_tried.is_empty() {
            "The role may list permission sets, and do all else that the reading of the organization needs.".to_owned()
        } else {
            format!(
                "The role may list permission sets. Not tried, because there is no permission set or account to try it with: `{}`.",
                not_tried.join("`, `")
            )
        };
        Check::pass(id, found, request)
    }

    /// The check of a call to STS that was refused.
    fn sts_refused(&self, id: CheckId, refusal: &Refusal, request: Option<String>) -> Check {
        self.refused(id, ASSUME_ROLE, refusal, request)
    }

    /// The check of `action`, an IAM action, that was refused.
    fn refused(&self, id: CheckId, action: &'static str, refusal: &Refusal, request: Option<String>) -> Check {
        let (code, found, remediation) = self.explained(action, refusal);
        let check = Check { remediation: Some(remediation), ..self.fail(id, code, found, request) };
        let acts = match refusal.acts() {
            Actor::Customer => "customer",
            Actor::Aws => "aws",
            Actor::Platform => "platform",
        };
        let check = check.detail("acts", acts);
        // The region is that of IAM Identity Center: AWS Organizations has one endpoint for all of them.
        let check = match action.starts_with("sso:") {
            true => check,
            false => Check { fields: check.fields.into_iter().filter(|field| field != "region").collect(), ..check },
        };
        let check = match refusal {
            Refusal::Denied(denial) => {
                let check = check.detail("action", action);
                match &denial.policy_arn {
                    Some(arn) => check.detail("policy_arn", arn),
                    None => check,
                }
            }
            _ => check,
        };
        if refusal.is_passing() { Check { status: CheckStatus::Unavailable, ..check } } else { check }
    }

    /// Time was over before it was asked.
    fn not_reached(&self, id: CheckId) -> Check {
        Check::skipped(id, "Not asked: an earlier call gave no answer to go on from.")
    }

    fn fail(&self, id: CheckId, code: Code, found: impl Into<String>, request: Option<String>) -> Check {
        Check {
            status: CheckStatus::Fail,
            fields: code.fields().iter().map(ToString::to_string).collect(),
            code: Some(code),
            remediation: Some(self.advice(code, None)),
            ..Check::pass(id, found, request)
        }
    }

    fn warn(&self, id: CheckId, code: Code, found: impl Into<String>, request: Option<String>) -> Check {
        Check { status: CheckStatus::Warn, ..self.fail(id, code, found, request) }
    }
}

impl Check {
    /// The check of the role's use with word that another tenant uses it too. For one that passed: a tenant who is not let in
    /// through the role learns nothing about other tenants.
    #[must_use]
    pub fn shared(self, connection: &Connection, deployment: &Deployment) -> Self {
        if self.id != CheckId::AssumeRole || self.status != CheckStatus::Pass {
            return self;
        }
        let about = About::of(connection, deployment);
        let found = "The role can be assumed. Another tenant of this platform uses the same role.";
        about.warn(self.id, Code::RoleShared, found, self.aws_request_id)
    }
}

/// Reports a role in a plain member account: it may not list permission sets, and is not known to administer them.
fn is_member(observed: &Observed) -> bool {
    let delegated = observed.delegated.as_ref();
    let is_administrator = delegated.and_then(Said::value) == Some(&true) || unknown(delegated).is_some();
    lists_no_sets(observed) && !observed.is_management() && !is_administrator
}

/// Reports a role whose own policies do not let it list permission sets, or whose account may not.
fn lists_no_sets(observed: &Observed) -> bool {
    observed.permission_sets.as_ref().is_some_and(Said::lacks_permission)
}

/// The refusal of a call that is neither a success nor a denial: what it asked is not known.
fn unknown<T>(said: Option<&Said<T>>) -> Option<(&Refusal, Option<String>)> {
    let said = said?;
    let refusal = said.answer.as_ref().err().filter(|refusal| !refusal.is_denied())?;
    Some((refusal, said.request_id.clone()))
}

#[cfg(test)]
mod tests;
