//! One request on its way: read, decided, written, answered.

mod answer;
mod failures;
mod open;
mod precondition;

use std::sync::Arc;
use std::time::Duration;

use trustplane_domain::policy::PolicySet;
use trustplane_domain::{Failure, Timestamp};
use trustplane_policy::{
    Action, Asked, Attempt, Change, Decided, Grant, Origin, Policies, PoliciesError, Resource, Sealed, decide,
};
use trustplane_store::{CommitError, Key, Query, Read, StoreError, Told, Writes, keys};

pub use answer::{Answer, Permitted};
pub use failures::commit_failure;
pub(crate) use failures::store_failure;
use open::Opened;

use crate::authentication::Presented;
use crate::policies::{Known, compile};
use crate::{Dialect, Platform, Reply, Request, idempotency};

/// How often a change that lost a race is read, decided and written again.
pub(crate) const ATTEMPTS: usize = 3;

/// A request, and what its function has to serve it.
#[derive(Debug)]
pub struct Call {
    /// What every function process has.
    pub platform: Arc<Platform>,
    /// The request.
    pub request: Request,
    /// When it came.
    pub now: Timestamp,
    pub(crate) policies: Arc<Known>,
    pub(crate) origin: Origin,
    pub(crate) dialect: Dialect,
    pub(crate) action: Option<Action>,
    /// The media type of the good reply.
    pub(crate) produces: &'static str,
}

impl Call {
    /// Serves a request that changes something: reads `keys` with the credential, has `change` say what becomes of it,
    /// asks the policies, and writes it with its audit record. Two round trips.
    ///
    /// `input` is what was sent, or what is wrong with it: said once the credential stands, before the policies are
    /// asked. `change` is called again when somebody else wrote in between.
    pub async fn change<I>(
        &self,
        keys: impl Fn(keys::Tenant, &I) -> Vec<Key>,
        input: Result<I, Failure>,
        change: impl Fn(&mut Read, &I, keys::Tenant) -> Result<Change<Answer>, StoreError>,
    ) -> Result<Reply, Failure> {
        let permitted = self.permit(&keys, None, &input, &change).await?;
        self.settle(permitted, keys, input, change).await
    }

    /// Writes and answers what [`Self::permit`] allowed; where somebody else wrote in between, reads and decides again.
    pub async fn settle<I>(
        &self,
        mut permitted: Permitted<Answer>,
        keys: impl Fn(keys::Tenant, &I) -> Vec<Key>,
        input: Result<I, Failure>,
        change: impl Fn(&mut Read, &I, keys::Tenant) -> Result<Change<Answer>, StoreError>,
    ) -> Result<Reply, Failure> {
        let mut attempt = 1;
        loop {
            match self.write_once(permitted, async |answer, _| Ok(answer)).await? {
                Ok(reply) => return Ok(reply),
                Err(lost) => self.stand_back(&mut attempt, &lost).await?,
            }
            permitted = self.permit(&keys, None, &input, &change).await?;
        }
    }

    /// As [`Self::settle`], where what is written has to be made elsewhere first: `make` is asked for it, once, when the
    /// policies allow the change and it can be done, and `write` makes the answer of it.
    pub async fn settle_made<I, T, M>(
        &self,
        mut permitted: Permitted<T>,
        keys: impl Fn(keys::Tenant, &I) -> Vec<Key>,
        input: Result<I, Failure>,
        change: impl Fn(&mut Read, &I, keys::Tenant) -> Result<Change<T>, StoreError>,
        make: impl AsyncFn(&Grant) -> Result<M, Failure>,
        write: impl Fn(T, &M) -> Result<Answer, Failure>,
    ) -> Result<Reply, Failure> {
        let mut made = None;
        let mut attempt = 1;
        loop {
            let answer = async |planned: T, grant: &Grant| {
                let made = match &mut made {
                    Some(made) => made,
                    none => none.insert(make(grant).await?),
                };
                write(planned, made)
            };
            match self.write_once(permitted, answer).await? {
                Ok(reply) => return Ok(reply),
                Err(lost) => self.stand_back(&mut attempt, &lost).await?,
            }
            permitted = self.permit(&keys, None, &input, &change).await?;
        }
    }

    /// As [`Self::change`], with a listing that is read beside the items, in the same round trip.
    pub async fn change_listed<I>(
        &self,
        keys: impl Fn(keys::Tenant, &I) -> Vec<Key>,
        query: Option<&dyn Fn(keys::Tenant, &I) -> Query>,
        input: Result<I, Failure>,
        change: impl Fn(&mut Read, &I, keys::Tenant) -> Result<Change<Answer>, StoreError>,
    ) -> Result<Reply, Failure> {
        self.change_answered(keys, query, input, change, async |answer, _| Ok(answer)).await
    }

    /// As [`Self::change`], where what was read names more that has to be read before it can be written: `further` says
    /// which items, and `write` makes the answer of them. Three round trips where there are any, else two.
    pub async fn change_further<I, T>(
        &self,
        keys: impl Fn(keys::Tenant, &I) -> Vec<Key>,
        query: Option<&dyn Fn(keys::Tenant, &I) -> Query>,
        input: Result<I, Failure>,
        change: impl Fn(&mut Read, &I, keys::Tenant) -> Result<Change<T>, StoreError>,
        further: impl Fn(&T, keys::Tenant) -> Vec<Key>,
        write: impl Fn(T, &mut Read, keys::Tenant) -> Result<Answer, StoreError>,
    ) -> Result<Reply, Failure> {
        self.change_answered(keys, query, input, change, async |planned, grant| {
            let tenant = keys::Tenant::granted(grant);
            let mut read = self.read(&further(&planned, tenant), None).await?;
            write(planned, &mut read, tenant).map_err(|error| store_failure(&error))
        })
        .await
    }

    /// As [`Self::change`], where the answer to an allowed change is waited for: `answer` asks for what it takes.
    pub async fn change_answered<I, T>(
        &self,
        keys: impl Fn(keys::Tenant, &I) -> Vec<Key>,
        query: Option<&dyn Fn(keys::Tenant, &I) -> Query>,
        input: Result<I, Failure>,
        change: impl Fn(&mut Read, &I, keys::Tenant) -> Result<Change<T>, StoreError>,
        answer: impl AsyncFn(T, &Grant) -> Result<Answer, Failure>,
    ) -> Result<Reply, Failure> {
        let mut attempt = 1;
        loop {
            let permitted = self.permit(&keys, query, &input, &change).await?;
            match self.write_once(permitted, &answer).await? {
                Ok(reply) => return Ok(reply),
                Err(lost) => self.stand_back(&mut attempt, &lost).await?,
            }
        }
    }

    /// Waits before a lost race is run again; its failure, where that was the last attempt.
    async fn stand_back(&self, attempt: &mut usize, lost: &CommitError) -> Result<(), Failure> {
        if *attempt == ATTEMPTS {
            return Err(commit_failure(lost));
        }
        stand_back(*attempt).await;
        *attempt += 1;
        Ok(())
    }

    /// Writes and answers what is permitted. The inner error where somebody else wrote in between.
    async fn write_once<T>(
        &self,
        permitted: Permitted<T>,
        answer: impl AsyncFnOnce(T, &Grant) -> Result<Answer, Failure>,
    ) -> Result<Result<Reply, CommitError>, Failure> {
        if let Some(replay) = permitted.replay {
            return Ok(Ok(replay));
        }
        let Change { resource, before, after, etag, outcome, .. } = permitted.change;
        let planned = self.precondition(etag, outcome)?;
        let answer = answer(planned, &permitted.grant).await?;
        if answer.writes.is_empty() && !answer.is_told {
            return Ok(Ok(answer.reply));
        }
        let told = Told { resource: &resource, before: before.as_ref(), after: after.as_ref() };
        match self.commit(&permitted.grant, told, answer).await {
            Ok(reply) => Ok(Ok(reply)),
            Err(lost @ (CommitError::Lost | CommitError::InProgress)) => Ok(Err(lost)),
            Err(error) => Err(commit_failure(&error)),
        }
    }

    /// Serves a request that only looks. One round trip, `query` included.
    pub async fn view<I>(
        &self,
        keys: impl Fn(keys::Tenant, &I) -> Vec<Key>,
        query: Option<&dyn Fn(keys::Tenant, &I) -> Query>,
        input: Result<I, Failure>,
        view: impl Fn(&mut Read, &I, keys::Tenant) -> Result<Change<Reply>, StoreError>,
    ) -> Result<Reply, Failure> {
        self.permit(&keys, query, &input, &view).await?.change.outcome
    }

    /// Reads, and asks the policies: for requests that do more between reading and writing.
    pub async fn permit<I, T>(
        &self,
        keys: &impl Fn(keys::Tenant, &I) -> Vec<Key>,
        query: Option<&dyn Fn(keys::Tenant, &I) -> Query>,
        input: &Result<I, Failure>,
        change: impl Fn(&mut Read, &I, keys::Tenant) -> Result<Change<T>, StoreError>,
    ) -> Result<Permitted<T>, Failure> {
        let action = self.action.ok_or(Failure::Internal)?;
        let Opened { credential, tenant, kept, read } = self.open(keys, query, input).await?;
        let input = self.checked(input)?;
        let part = keys::Tenant::presented(credential.id);
        let own_policies = self.own_policies(part, &tenant.value, &credential, action).await?;
        let asked = Asked {
            tenant: tenant.value.tenant_id,
            credential: &credential,
            action,
            origin: &self.origin,
            at: self.now,
        };
        let mut broken = None;
        let decided = decide(
            own_policies.as_deref().unwrap_or(&self.policies.built_in),
            &asked,
            Sealed::new(read),
            |mut read| match change(&mut read, input, part) {
                Ok(change) => change,
                Err(error) => {
                    let failure = store_failure(&error);
                    broken = Some(failure.clone());
                    Change::new(Resource::new(action.resource, ""), Err(failure))
                }
            },
        );
        if let Some(failure) = broken {
            return Err(failure);
        }
        let Decided { grant, change } = match decided {
            Err(Failure::Forbidden(denial)) => {
                self.record_denied(&Attempt::of(&asked, &denial)).await;
                return Err(Failure::Forbidden(denial));
            }
            decided => decided?,
        };
        let replay = kept.map(|kept| idempotency::replay(&self.request, &kept)).transpose()?;
        Ok(Permitted { grant, change, replay })
    }

    /// Writes a change with its audit record, and keeps the reply if the client sent a key for retries.
    pub async fn commit(&self, grant: &Grant, told: Told<'_>, answer: Answer) -> Result<Reply, CommitError> {
        let kept = idempotency::key(&self.request).ok().flatten().and_then(|key| {
            let id = trustplane_domain::ids::CredentialId::parse(&grant.actor().id)?;
            let reply = answer.kept.as_ref().unwrap_or(&answer.reply);
            Some((
                keys::Tenant::granted(grant).idempotency(id, &key),
                idempotency::keep(&self.request, reply, self.now),
            ))
        });
        let keep = kept.as_ref().map(|(key, reply)| (key, reply));
        let also = answer.also.iter().map(|(resource, before, after)| Told {
            resource,
            before: before.as_ref(),
            after: after.as_ref(),
        });
        let told: Vec<Told<'_>> = std::iter::once(told).chain(also).collect();
        self.platform.table.commit_all(grant, &told, answer.writes, keep).await?;
        Ok(answer.reply)
    }

    /// The policies of a tenant that has this set: the built-in ones and those of the set that are in force.
    pub fn policies_with(&self, set: &PolicySet) -> Result<Policies, PoliciesError> {
        compile(&self.policies.built_in, set)
    }

    /// The key of the credential that the request presents. It is among what was read, whatever keys were asked for.
    pub fn credential(&self, tenant: keys::Tenant) -> Option<Key> {
        Presented::of(&self.request).ok().map(|presented| tenant.credential(presented.id()))
    }

    /// The credential that the request presents.
    pub fn presented(&self) -> Option<trustplane_domain::ids::CredentialId> {
        Presented::of(&self.request).ok().map(|presented| presented.id())
    }

    /// Where the request came from.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Random bytes.
    pub fn random<const N: usize>(&self) -> Result<[u8; N], Failure> {
        random()
    }

    /// Reads items that only became known on the way: not one of the keys that a request names.
    pub async fn read_more(&self, keys: &[Key]) -> Result<Read, Failure> {
        self.read(keys, None).await
    }

    /// Writes what was merely seen, with no audit record. `Ok(false)` where somebody else wrote in between.
    pub async fn note(&self, grant: &Grant, writes: Writes) -> Result<bool, Failure> {
        match self.platform.table.note(grant, writes).await {
            Ok(_) => Ok(true),
            Err(CommitError::Lost) => Ok(false),
            Err(error) => Err(commit_failure(&error)),
        }
    }

    async fn read(&self, keys: &[Key], query: Option<&Query>) -> Result<Read, Failure> {
        self.platform.table.read(keys, query).await.map_err(|error| store_failure(&error))
    }
}

/// Waits a random time, longer from attempt to attempt, so that those who lost a race do not meet again in step: at most 40
/// milliseconds after the first.
pub(crate) async fn stand_back(attempt: usize) {
    let most = 20_u64 << attempt.min(5);
    let millis = random::<8>().map_or(most, |bytes| u64::from_be_bytes(bytes) % most);
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

/// Random bytes from the system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| Failure::Internal)?;
    Ok(bytes)
}
