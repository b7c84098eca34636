//! The way into a customer's account, which the connection test, the reading and the identity source share: the role is assumed
//! here alone, and STS's answers are judged here.
//!
//! STS is asked in the platform's own region: its sessions are good in every region of the partition ("Manage AWS STS in an
//! AWS Region", IAM User Guide), while STS of a region that an account has to opt in to answers only accounts that did.

use std::time::SystemTime;

use aws_sdk_ssoadmin::config::Credentials;
use aws_sdk_sts::Client as Sts;
use aws_sdk_sts::operation::RequestId as _;
use aws_sdk_sts::operation::assume_role::AssumeRoleOutput;
use tokio::time::{Instant, timeout_at};
use trustplane_domain::connection::refusal::ASSUME_ROLE;
use trustplane_domain::connection::{Observed, Refusal, Said};
use trustplane_domain::ids::ExternalId;

use super::{AccessPath, Customers, SESSION_SECONDS, Session, WHOLE, retry_partition, timeouts};
use crate::Counting;
use crate::error::{CustomerError, refused};

/// The time at which the pending ExternalId is asked with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pending {
    /// Beside the current one: a test reports both.
    Always,
    /// After the current one is denied.
    IfDenied,
}

/// STS's answers to the requests for a session of the role.
#[derive(Debug)]
pub(super) struct Entry {
    current: Try,
    pending: Option<Try>,
    /// With the ExternalId before the current one, where the others are denied.
    retired: Option<Try>,
    /// Without an ExternalId, and with one that is nobody's.
    strangers: Option<[Try; 2]>,
}

/// STS's answer to one request for a session of the role.
#[derive(Debug)]
struct Try {
    answer: Result<Session, CustomerError>,
    request_id: Option<String>,
}

impl Customers {
    /// Opens a session of the role and keeps it. A role that is not proven has to deny requests without an ExternalId, and with
    /// another.
    pub(super) async fn assume(&self, path: &AccessPath) -> Result<Session, CustomerError> {
        let stranger = if path.proven { None } else { Some(stranger()?) };
        let entry = self.enter(path, stranger, Pending::IfDenied, Instant::now() + WHOLE).await;
        let session = entry.admitted()?;
        self.keep(path, session)?;
        Ok(session.clone())
    }

    /// Replaces a session that AWS refused, which the customer may have ended.
    pub(super) async fn renewed(&self, path: &AccessPath) -> Result<Session, CustomerError> {
        self.sessions.forget(path);
        self.assume(path).await
    }

    /// Keeps a session, if it is in the account that the role's ARN names.
    pub(super) fn keep(&self, path: &AccessPath, session: &Session) -> Result<(), CustomerError> {
        if session.account != path.role.account() {
            let refusal = Refusal::AccountMismatch(session.account.clone());
            return Err(CustomerError::new(ASSUME_ROLE, refusal, "the session is in another account"));
        }
        self.sessions.keep(path, session.clone());
        Ok(())
    }

    /// Checks that the role trusts `external_id`. One call; the session is not kept.
    pub async fn trusts(&self, path: &AccessPath, external_id: ExternalId) -> Result<(), CustomerError> {
        let asked = self.ask(&self.sts(path), path, Some(external_id), Instant::now() + WHOLE).await;
        asked.answer.map(drop)
    }

    /// Asks STS for a session: with the current ExternalId, or where that is denied with another of the tenant's; and with a
    /// `stranger` also without an ExternalId and with that one. An answer that does not come before the deadline is
    /// unreachable.
    pub(super) async fn enter(
        &self,
        path: &AccessPath,
        stranger: Option<ExternalId>,
        pending: Pending,
        deadline: Instant,
    ) -> Entry {
        let sts = &self.sts(path);
        let ask = |external_id| self.ask(sts, path, external_id, deadline);
        let own = async {
            let beside = path.external_id_pending.filter(|_| pending == Pending::Always);
            let (current, beside) = tokio::join!(ask(Some(path.external_id)), maybe(beside.map(|id| ask(Some(id)))));
            let after = path.external_id_pending.filter(|_| beside.is_none() && current.is_denied());
            let pending = match beside {
                Some(beside) => Some(beside),
                None => maybe(after.map(|id| ask(Some(id)))).await,
            };
            let is_out = current.is_denied() && pending.as_ref().is_none_or(Try::is_denied);
            let retired = maybe(path.external_id_retired.filter(|_| is_out).map(|id| ask(Some(id)))).await;
            (current, pending, retired)
        };
        let strangers = stranger.map(|stranger| async move { tokio::join!(ask(None), ask(Some(stranger))) });
        // The SDK's futures are large.
        let ((current, pending, retired), strangers) = tokio::join!(Box::pin(own), Box::pin(maybe(strangers)));
        Entry { current, pending, retired, strangers: strangers.map(<[Try; 2]>::from) }
    }

    async fn ask(&self, sts: &Sts, path: &AccessPath, external_id: Option<ExternalId>, deadline: Instant) -> Try {
        let request = sts
            .assume_role()
            .role_arn(path.role.as_str())
            // Shown in the customer's CloudTrail: 47 of 64 characters.
            .role_session_name(format!("trustplane-{}", path.tenant))
            .set_external_id(external_id.map(|id| id.to_string()))
            .duration_seconds(SESSION_SECONDS);
        match timeout_at(deadline, Box::pin(request.send())).await {
            Ok(Ok(assumed)) => {
                let request_id = assumed.request_id().map(ToOwned::to_owned);
                Try { answer: self.session(path, assumed), request_id }
            }
            Ok(Err(error)) => {
                let request_id = error.request_id().map(ToOwned::to_owned);
                let error = refused(ASSUME_ROLE, &error, false);
                let refusal = error.refusal.clone().of_assume_role();
                Try { answer: Err(error.with(refusal)), request_id }
            }
            Err(_elapsed) => {
                let late =
                    CustomerError::new(ASSUME_ROLE, Refusal::Unreachable, "no answer in the time of the request");
                Try { answer: Err(late), request_id: None }
            }
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

    /// Makes a session of a response of STS, for this access path alone.
    fn session(&self, path: &AccessPath, assumed: AssumeRoleOutput) -> Result<Session, CustomerError> {
        let none = || CustomerError::new(ASSUME_ROLE, Refusal::Unavailable, "AssumeRole gave no credentials");
        let credentials = assumed.credentials.ok_or_else(none)?;
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
        Ok(Session { credentials, sso_admin, ends, account })
    }
}

impl Entry {
    /// The session, if the role lets the platform in and, as far as that was asked, nobody else.
    pub(super) fn admitted(&self) -> Result<&Session, CustomerError> {
        let others = [&self.pending, &self.retired].into_iter().flatten();
        let own = || std::iter::once(&self.current).chain(others.clone());
        let session = match own().find_map(|one| one.answer.as_ref().ok()) {
            Some(session) => session,
            // Each is asked after the one before is denied, so the last answer is the reason.
            None => own().last().unwrap_or(&self.current).answer.as_ref().map_err(Clone::clone)?,
        };
        for stranger in self.strangers.iter().flatten() {
            match &stranger.answer {
                Ok(_) => {
                    let message = "assumed with a foreign ExternalId";
                    return Err(CustomerError::new(ASSUME_ROLE, Refusal::NotEnforced, message));
                }
                Err(error) if !error.is_denied() => return Err(error.clone()),
                Err(_) => {}
            }
        }
        Ok(session)
    }

    /// The answers, for the report of a test. Where no strangers were sent, they count as denied.
    pub(super) fn observed(&self) -> Observed {
        let not_repeated = || Said { answer: Err(Refusal::denied()), request_id: None };
        let [without, with_another] = match &self.strangers {
            Some(strangers) => strangers.each_ref().map(Try::said),
            None => [not_repeated(), not_repeated()],
        };
        Observed {
            assumed: self.current.said(),
            assumed_pending: self.pending.as_ref().map(Try::said),
            assumed_retired: self.retired.as_ref().map(Try::said),
            assumed_without: without,
            assumed_with_another: with_another,
            is_controlled: self.strangers.is_some(),
            caller_account: None,
            listed: None,
            listed_anywhere: None,
            management_account: None,
            described: None,
            permission_sets: None,
            delegated: None,
            reading: Vec::new(),
        }
    }
}

impl Try {
    fn is_denied(&self) -> bool {
        self.answer.as_ref().is_err_and(CustomerError::is_denied)
    }

    fn said(&self) -> Said<()> {
        let answer = self.answer.as_ref().map(drop).map_err(|error| error.refusal.clone());
        Said { answer, request_id: self.request_id.clone() }
    }
}

/// Returns a random ExternalId, which no role trusts.
fn stranger() -> Result<ExternalId, CustomerError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| {
        CustomerError::new(ASSUME_ROLE, Refusal::Internal("it has no randomness".to_owned()), error.to_string())
    })?;
    Ok(ExternalId::from_random(bytes))
}

/// Awaits the future, if there is one.
pub(super) async fn maybe<F: Future>(future: Option<F>) -> Option<F::Output> {
    match future {
        Some(future) => Some(future.await),
        None => None,
    }
}
