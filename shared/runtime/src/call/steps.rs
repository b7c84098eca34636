//! The steps of a request: what it reads, what it is about, and what it decides. See [`crate::call`] for an example.

use trustplane_domain::Failure;
use trustplane_policy::Grant;
use trustplane_store::{Reads, TenantKeys};

use super::attempt::Attempts;
use super::{Call, Context, Decision, Planned, Subject};
use crate::{Request, Response};

pub(super) type ParseBody<'c, B> = Box<dyn FnOnce(&Request) -> Result<B, Failure> + 'c>;
pub(super) type ReadsOf<'c, I, R> = Box<dyn Fn(&I, TenantKeys) -> R + 'c>;
pub(super) type SubjectOf<'c, I, B, L> = Box<dyn Fn((&I, &B), Option<&L>, &Context<'_>) -> Subject + 'c>;
pub(super) type PlanOf<'c, I, B, L, P> = Box<dyn Fn((&I, &B), L, &Context<'_>) -> Result<Planned<P>, Failure> + 'c>;

/// The input of a request and the items that it reads.
#[must_use = "a request does nothing before it is decided"]
pub struct Reading<'c, I, B, R> {
    call: &'c Call,
    input: Result<I, Failure>,
    body: ParseBody<'c, B>,
    reads: ReadsOf<'c, I, R>,
}

/// A request whose subject is known: ready to decide or to plan.
#[must_use = "a request does nothing before it is decided"]
pub struct Deciding<'c, I, B, R: Reads> {
    reading: Reading<'c, I, B, R>,
    subject: SubjectOf<'c, I, B, R::Loaded>,
}

/// A request with a plan: external work or further reads follow once the policies permit it.
#[must_use = "a request does nothing before it is decided"]
pub struct Planning<'c, I, B, R: Reads, P> {
    attempts: Attempts<'c, I, B, R, P>,
}

/// A request with external work between the policies and the decision.
#[must_use = "a request does nothing before it is decided"]
pub struct Working<'c, I, B, R: Reads, P, W> {
    attempts: Attempts<'c, I, B, R, P>,
    work: W,
}

/// A request with further reads between the policies and the decision.
#[must_use = "a request does nothing before it is decided"]
pub struct Further<'c, I, B, R: Reads, P, M> {
    attempts: Attempts<'c, I, B, R, P>,
    reads: Box<dyn Fn(&P, TenantKeys) -> M + 'c>,
}

/// The outcome of external work.
#[derive(Debug)]
pub enum Worked<M, B> {
    /// The result. It is kept if the write loses a race: the work is done once per request.
    Done(M),
    /// The request starts over, once: the work changed what it reads, or found what its body lacked. It goes on with this
    /// body, or with its own.
    ReadAgain(Option<B>),
}

impl Call {
    /// Begins the steps of a request. `parse` reads the path and the query, and of the body only fields that a key
    /// depends on. Its faults are reported once the credential is verified.
    pub fn input<I>(&self, parse: impl FnOnce(&Request) -> Result<I, Failure>) -> Reading<'_, I, (), ()> {
        Reading { call: self, input: parse(&self.request), body: Box::new(|_| Ok(())), reads: Box::new(|_, _| ()) }
    }

    /// Begins the steps of a request without input.
    pub fn no_input(&self) -> Reading<'_, (), (), ()> {
        self.input(|_| Ok(()))
    }
}

impl<'c, I, B, R> Reading<'c, I, B, R> {
    /// Parses the body. It runs once the credential is verified and before the policies are asked, so it may be
    /// expensive: XML, X.509, policies. Its faults are reported together with those of the input.
    pub fn body<T>(self, parse: impl FnOnce(&Request) -> Result<T, Failure> + 'c) -> Reading<'c, I, T, R> {
        Reading { call: self.call, input: self.input, body: Box::new(parse), reads: self.reads }
    }

    /// Names what the request reads, in one round trip with its credential and tenant.
    pub fn reads<T: Reads>(self, reads: impl Fn(&I, TenantKeys) -> T + 'c) -> Reading<'c, I, B, T> {
        Reading { call: self.call, input: self.input, body: self.body, reads: Box::new(reads) }
    }
}

impl<'c, I, B, R: Reads> Reading<'c, I, B, R> {
    /// Names the resource that the policies are asked about. The items are `None` where a required one does not exist.
    pub fn subject(
        self,
        subject: impl Fn((&I, &B), Option<&R::Loaded>, &Context<'_>) -> Subject + 'c,
    ) -> Deciding<'c, I, B, R> {
        Deciding { reading: self, subject: Box::new(subject) }
    }
}

impl<'c, I, B, R: Reads> Deciding<'c, I, B, R> {
    /// Decides and serves the request: a pure function from the items to a [`Decision`] or a [`Response`].
    ///
    /// It is called again with fresh items after a lost race, at most three times in all.
    ///
    /// # Errors
    /// Every refusal, in the order of checks that [`crate::call`] lists.
    pub async fn decide<D: Into<Decision>>(
        self,
        decide: impl Fn((&I, &B), R::Loaded, &Context<'_>) -> Result<D, Failure> + 'c,
    ) -> Result<Response, Failure> {
        let plan = move |asked: (&I, &B), loaded, cx: &Context<'_>| Ok(decide(asked, loaded, cx)?.into().into());
        let attempts = self.plan::<Decision>(plan).attempts;
        let finish = async |decision: Decision, (): &(), _: &Context<'_>| Ok(decision);
        Box::pin(attempts.run(no_work, finish)).await
    }

    /// Plans the request, where external work or further reads come between the policies and the writes.
    pub fn plan<P>(
        self,
        plan: impl Fn((&I, &B), R::Loaded, &Context<'_>) -> Result<Planned<P>, Failure> + 'c,
    ) -> Planning<'c, I, B, R, P> {
        let Reading { call, input, body, reads } = self.reading;
        let attempts = Attempts { call, input, body, reads, subject: self.subject, plan: Box::new(plan) };
        Planning { attempts }
    }
}

impl<'c, I, B, R: Reads, P> Planning<'c, I, B, R, P> {
    /// Does external work once the policies permit the request and `If-Match` holds: KMS, STS, DNS. Its result survives a
    /// lost race.
    pub fn then<M, W>(self, work: W) -> Working<'c, I, B, R, P, W>
    where
        W: AsyncFn(&P, &Context<'_>, &Grant) -> Result<Worked<M, B>, Failure>,
    {
        Working { attempts: self.attempts, work }
    }

    /// Reads items that the plan names, once more per attempt.
    pub fn further<M: Reads>(self, reads: impl Fn(&P, TenantKeys) -> M + 'c) -> Further<'c, I, B, R, P, M> {
        Further { attempts: self.attempts, reads: Box::new(reads) }
    }
}

impl<I, B, R: Reads, P, W> Working<'_, I, B, R, P, W> {
    /// Decides with the result of the work, and serves the request.
    ///
    /// # Errors
    /// Every refusal, in the order of checks that [`crate::call`] lists; and those of the work.
    pub async fn decide<M, D: Into<Decision>>(
        self,
        decide: impl Fn(P, &M, &Context<'_>) -> Result<D, Failure>,
    ) -> Result<Response, Failure>
    where
        W: AsyncFn(&P, &Context<'_>, &Grant) -> Result<Worked<M, B>, Failure>,
    {
        let finish = async |plan: P, result: &M, cx: &Context<'_>| Ok(decide(plan, result, cx)?.into());
        Box::pin(self.attempts.run(self.work, finish)).await
    }
}

impl<I, B, R: Reads, P, M: Reads> Further<'_, I, B, R, P, M> {
    /// Decides with the further items, and serves the request.
    ///
    /// # Errors
    /// Every refusal, in the order of checks that [`crate::call`] lists.
    pub async fn decide<D: Into<Decision>>(
        self,
        decide: impl Fn(P, M::Loaded, &Context<'_>) -> Result<D, Failure>,
    ) -> Result<Response, Failure> {
        let reads = &self.reads;
        let finish = async |plan: P, (): &(), cx: &Context<'_>| {
            let loaded = cx.load(reads(&plan, cx.keys)).await?;
            Ok(decide(plan, loaded, cx)?.into())
        };
        Box::pin(self.attempts.run(no_work, finish)).await
    }
}

/// The work of a request that has none.
async fn no_work<P, B>(_: &P, _: &Context<'_>, _: &Grant) -> Result<Worked<(), B>, Failure> {
    Ok(Worked::Done(()))
}
