//! The attempts of a request: read, ask the policies, write; again after a lost race.

use trustplane_domain::Failure;
use trustplane_policy::{Attempt, Grant, Permitted, PolicyRequest, Principal, Proposal, Question, Sealed, decide};
use trustplane_store::{CommitError, Read, Reads, TenantKeys};

use super::open::Opened;
use super::steps::{ParseBody, PlanOf, ReadsOf, SubjectOf};
use super::{Call, Context, Decision, Worked};
use crate::{Response, idempotency};

/// Attempts of a change that loses races.
pub(crate) const ATTEMPTS: usize = 3;
/// Attempts of a change that a person makes several times at once: a test that is started by each click.
pub(crate) const PATIENT_ATTEMPTS: usize = 8;

/// All steps of a request up to its plan.
pub(super) struct Attempts<'c, I, B, R: Reads, P> {
    pub(super) call: &'c Call,
    pub(super) input: Result<I, Failure>,
    pub(super) body: ParseBody<'c, B>,
    pub(super) reads: ReadsOf<'c, I, R>,
    pub(super) subject: SubjectOf<'c, I, B, R::Loaded>,
    pub(super) plan: PlanOf<'c, I, B, R::Loaded, P>,
}

/// The outcome of a plan, and the version that `If-Match` is compared with.
struct Proposed<P> {
    plan: Result<P, Failure>,
    version: Option<u64>,
}

impl<I, B, R: Reads, P> Attempts<'_, I, B, R, P> {
    /// Serves the request. `work` does the external work of a permitted plan, once per request, and `finish` makes a decision
    /// of the plan and the result of the work.
    pub(super) async fn run<M>(
        self,
        work: impl AsyncFn(&P, &Context<'_>, &Grant) -> Result<Worked<M, B>, Failure>,
        finish: impl AsyncFn(P, &M, &Context<'_>) -> Result<Decision, Failure>,
    ) -> Result<Response, Failure> {
        let Self { call, input, body, reads, subject, plan } = self;
        let keys = call.presented_keys()?;
        let mut opened = call.open(keys, input.as_ref().ok().map(|input| reads(input, keys)).as_ref()).await?;
        let (input, mut body) = call.check(input, body)?;
        let (mut attempt, mut reread, mut claim_lost, mut race_lost) = (1, false, false, false);
        let mut worked: Option<M> = None;
        loop {
            let asked = (&input, &body);
            let Opened { caller, credential, tenant, kept, read } = opened;
            let cx = Context {
                call,
                now: call.now,
                keys,
                caller: &caller,
                credential: &credential,
                tenant: &tenant,
                claim_lost,
                race_lost,
            };
            let propose = |mut read: Read| match reads(&input, keys).load(&mut read) {
                Err(absent) => {
                    let subject = subject(asked, None, &cx);
                    let outcome = Proposed { plan: Err(absent.into()), version: subject.version };
                    Proposal { question: subject.question, outcome }
                }
                Ok(loaded) => {
                    let mut subject = subject(asked, Some(&loaded), &cx);
                    let plan = plan(asked, loaded, &cx).map(|planned| {
                        subject.question.after = planned.after.or(subject.question.after.take());
                        planned.plan
                    });
                    Proposal { outcome: Proposed { plan, version: subject.version }, question: subject.question }
                }
            };
            let Permitted { grant, proposal } = call.permit(&cx, read, propose).await?;
            if let Some(kept) = kept {
                return idempotency::replay(&call.request, &kept);
            }
            let Proposed { plan, version } = proposal.outcome;
            let plan = call.precondition(version, plan)?;
            let result = match worked {
                Some(result) => result,
                None => match work(&plan, &cx, &grant).await? {
                    Worked::Done(result) => result,
                    // Read again, the work is still to be done: another request undid it.
                    Worked::ReadAgain(_) if reread => return Err(CommitError::Lost.into()),
                    Worked::ReadAgain(completed) => {
                        reread = true;
                        body = completed.unwrap_or(body);
                        opened = call.open(keys, Some(&reads(&input, keys))).await?;
                        continue;
                    }
                },
            };
            let decision = finish(plan, &result, &cx).await?.with_completion(&cx).await?;
            worked = Some(result);
            if decision.is_response_alone() {
                return Ok(decision.response);
            }
            let may_lose_claim = decision.may_lose_claim && !claim_lost;
            let may_lose_race = decision.may_lose_race && !race_lost;
            let most = if decision.may_lose_race { PATIENT_ATTEMPTS } else { ATTEMPTS };
            match call.commit(&cx, &grant, &proposal.question, decision).await {
                Ok(response) => return Ok(response),
                Err(CommitError::Claimed) if may_lose_claim => claim_lost = true,
                Err(CommitError::Lost | CommitError::InProgress) if attempt < most => {
                    stand_back(attempt).await;
                    attempt += 1;
                }
                Err(CommitError::Lost) if may_lose_race => race_lost = true,
                Err(error) => return Err(error.into()),
            }
            opened = call.open(keys, Some(&reads(&input, keys))).await?;
        }
    }
}

impl Call {
    /// Asks the policies about the proposal that `propose` makes of what was read. A denied attempt is recorded.
    async fn permit<T>(
        &self,
        cx: &Context<'_>,
        read: Read,
        propose: impl FnOnce(Read) -> Proposal<T>,
    ) -> Result<Permitted<T>, Failure> {
        let action = self.action.ok_or_else(|| Failure::internal("the function has no action"))?;
        let own_policies = self.own_policies(cx.keys, &cx.tenant.value, cx.caller, action).await?;
        let policies = own_policies.as_deref().unwrap_or(&self.policies.built_in);
        let tenant = cx.tenant.value.tenant_id;
        let request = PolicyRequest {
            tenant,
            principal: Principal::Credential(cx.caller),
            action,
            origin: &self.origin,
            at: self.now,
        };
        let decided = decide(policies, &request, Sealed::new(read), propose);
        if let Err(Failure::Forbidden(denial)) = &decided {
            self.record_denied(&Attempt::of(&request, denial)).await;
        }
        decided
    }

    /// Writes a decision with its audit records, and keeps the response if the client sent a key for retries.
    async fn commit(
        &self,
        cx: &Context<'_>,
        grant: &Grant,
        question: &Question,
        decision: Decision,
    ) -> Result<Response, CommitError> {
        let kept = idempotency::key(&self.request).ok().flatten().map(|key| {
            let kept = idempotency::keep(&self.request, decision.to_keep(), self.now);
            (cx.keys.idempotency(cx.credential.value.id, &key), kept)
        });
        decision.commit(&self.platform.table, grant, question, kept.as_ref()).await
    }

    /// The keys of the tenant that the request's credential claims to belong to.
    fn presented_keys(&self) -> Result<TenantKeys, Failure> {
        Ok(TenantKeys::presented(crate::authentication::Presented::of(&self.request)?.id()))
    }
}

/// Waits for a random time that grows with the attempts, so that requests that lost a race to each other do not meet again:
/// at most 40 milliseconds after the first.
pub(crate) async fn stand_back(attempt: usize) {
    let most = 20_u64 << attempt.min(5);
    let millis = crate::random::<8>().map_or(most, |bytes| u64::from_be_bytes(bytes) % most);
    tokio::time::sleep(std::time::Duration::from_millis(millis)).await;
}
