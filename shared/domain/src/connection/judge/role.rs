//! The checks of the role: that it lets the platform in, and nobody who comes without the tenant's ExternalId.

use super::{ASSUME_ROLE, About, Check, CheckId, Code, Observed, Refusal, unknown};

impl About<'_> {
    pub(super) fn assume_role(&self, observed: &Observed) -> Check {
        let id = CheckId::AssumeRole;
        let current = &observed.assumed;
        let request = current.request_id.clone();
        let pending = observed.assumed_pending.as_ref();
        match (&current.answer, pending.map(|pending| &pending.answer)) {
            (Ok(()), None) => Check::pass(id, "STS lets the platform assume the role with the ExternalId.", request),
            (Ok(()), Some(Ok(()))) => Check::pass(
                id,
                "STS lets the platform assume the role with the current ExternalId and with the pending one: the rotation \
                 can be committed.",
                request,
            ),
            (Ok(()), Some(Err(Refusal::Denied(_)))) => {
                let found = "The role trusts the current ExternalId, and not yet the pending one.";
                let request = pending.and_then(|pending| pending.request_id.clone());
                self.warn(id, Code::PendingExternalIdNotTrusted, found, request)
            }
            (Err(Refusal::Denied(_)), Some(Ok(()))) => {
                let found = "The role trusts the pending ExternalId, and no longer the current one. The platform assumes the \
                             role with the pending one.";
                self.warn(id, Code::CurrentExternalIdNotTrusted, found, request)
            }
            // One answer without the other does not tell a rotation from a lockout.
            (Ok(()), Some(Err(refusal))) => {
                self.sts_refused(id, refusal, pending.and_then(|said| said.request_id.clone()))
            }
            (Err(Refusal::Denied(_)), Some(Err(refusal))) if !refusal.is_denied() => {
                self.sts_refused(id, refusal, pending.and_then(|said| said.request_id.clone()))
            }
            (Err(Refusal::Denied(_)), _) if observed.is_let_in() => {
                let found = "The role trusts the ExternalId from before the last rotation, and not the current one, or not \
                             yet. The platform assumes the role with the old one, until the next rotation is over.";
                let check = self.warn(id, Code::CurrentExternalIdNotTrusted, found, request);
                Check { remediation: Some(self.trust_current()), ..check }
            }
            (Err(Refusal::Denied(denial)), _) => {
                if let Some((refusal, request)) = unknown(observed.assumed_retired.as_ref()) {
                    return self.sts_refused(id, refusal, request);
                }
                let named = match denial.by {
                    Some(_) => format!(" {}", denial.found(ASSUME_ROLE)),
                    None => " It says the same for a role that does not exist, one that does not trust the platform, one that \
                             wants another ExternalId, and one that a policy of the organization guards."
                        .to_owned(),
                };
                let found = format!(
                    "STS does not let the platform (account {}) assume `{}`.{named}",
                    self.deployment.account.as_str(),
                    self.role()
                );
                self.fail(id, Code::AssumeRoleDenied, found, request)
            }
            (Err(refusal), _) => self.sts_refused(id, refusal, request),
        }
    }

    pub(super) fn external_id_enforced(&self, observed: &Observed) -> Check {
        let id = CheckId::ExternalIdEnforced;
        let tries = [
            (&observed.assumed_without, "without an ExternalId"),
            (&observed.assumed_with_another, "with an ExternalId that is nobody's"),
        ];
        let open: Vec<&str> = tries.iter().filter(|(tried, _)| tried.answer.is_ok()).map(|(_, how)| *how).collect();
        if !open.is_empty() {
            let request =
                tries.iter().find(|(tried, _)| tried.answer.is_ok()).and_then(|(tried, _)| tried.request_id.clone());
            let found = format!("The role can be assumed {}.", open.join(", and "));
            return self.fail(id, Code::ExternalIdNotEnforced, found, request);
        }
        if !observed.is_let_in() {
            return Check::skipped(id, format!("Not known: it needs \u{201c}{}\u{201d}.", CheckId::AssumeRole.title()));
        }
        if !observed.is_controlled {
            let found = "STS denied the role without the ExternalId in a test a short time ago. It is not asked again more than \
                         10 times per minute.";
            return Check::pass(id, found, None);
        }
        let unknown = tries.iter().find_map(|(tried, _)| match &tried.answer {
            Err(refusal) if !tried.is_denied() => Some((refusal, tried.request_id.clone())),
            _ => None,
        });
        match unknown {
            Some((refusal, request)) => self.sts_refused(id, refusal, request),
            None => {
                let request = observed.assumed_without.request_id.clone();
                Check::pass(id, "STS denies the role without the ExternalId, and with another one.", request)
            }
        }
    }
}
