//! One request on its way: read, decided, written, answered.

use std::sync::Arc;
use std::time::Duration;

use trustplane_aws::CustomerError;
use trustplane_domain::credential::Credential;
use trustplane_domain::failure::Denial;
use trustplane_domain::policy::PolicySet;
use trustplane_domain::tenant::Tenant;
use trustplane_domain::{Conflict, Failure, Timestamp};
use trustplane_policy::{
    Action, Asked, Attempt, Change, Decided, Grant, Image, Origin, Policies, Resource, Sealed, decide,
};
use trustplane_store::{CommitError, Idempotency, Key, Query, Read, StoreError, Stored, Told, Writes, keys};

use crate::authentication::{Presented, check_tenant};
use crate::{Dialect, Platform, Reply, Request, idempotency};

/// How often a change that lost a race is read, decided and written again.
pub(crate) const ATTEMPTS: usize = 3;

/// What noting the day of a credential's use may take.
const NOTE: Duration = Duration::from_millis(500);

/// What the recording of a denied attempt may take.
const RECORD: Duration = Duration::from_secs(1);

/// A request, and what its function has to serve it.
#[derive(Debug)]
pub struct Call {
    /// What every function process has.
    pub platform: Arc<Platform>,
    /// The request.
    pub request: Request,
    /// When it came.
    pub now: Timestamp,
    pub(crate) origin: Origin,
    pub(crate) dialect: Dialect,
    pub(crate) action: Option<Action>,
    /// The media type of the good reply.
    pub(crate) produces: &'static str,
}

/// What a change writes, and what is answered once it is written.
#[derive(Debug)]
pub struct Answer {
    /// What to write; nothing, where all is as it should be already.
    pub writes: Writes,
    /// What to answer.
    pub reply: Reply,
    /// What to keep for a retry, where that is not the reply itself: a secret is shown once.
    pub kept: Option<Reply>,
    /// What else has changed by it, each before and after: an audit record each.
    pub also: Vec<(Resource, Option<Image>, Option<Image>)>,
    /// Whether it has an audit record though nothing is written.
    is_told: bool,
}

/// A change that policies allow, not yet written.
#[derive(Debug)]
pub struct Permitted<T> {
    /// The leave.
    pub grant: Grant,
    /// The change.
    pub change: Change<T>,
    replay: Option<Reply>,
}

/// What is known once the credential has been verified.
struct Opened {
    /// Who acts: the credential that was read, or what may be done of it by a temporary key.
    credential: Credential,
    tenant: Stored<Tenant>,
    kept: Option<Idempotency>,
    read: Read,
}

impl Answer {
    /// Write this, then answer that.
    pub fn new(writes: Writes, reply: Reply) -> Self {
        Self { writes, reply, kept: None, also: Vec::new(), is_told: false }
    }

    /// Write nothing but the audit record of what happened, then answer that.
    pub fn told(reply: Reply) -> Self {
        Self { is_told: true, ..Self::new(Writes::new(), reply) }
    }

    /// With another reply to keep for a retry.
    #[must_use]
    pub fn keeping(mut self, kept: Reply) -> Self {
        self.kept = Some(kept);
        self
    }

    /// With something else that changes by it, and has an audit record of its own.
    #[must_use]
    pub fn telling(mut self, resource: Resource, before: Option<Image>, after: Option<Image>) -> Self {
        self.also.push((resource, before, after));
        self
    }
}

impl<T> Permitted<T> {
    /// The same leave for what becomes of the change once more was learnt than the table knows.
    pub fn map<U>(
        self,
        make: impl FnOnce(Change<T>) -> Result<Change<U>, StoreError>,
    ) -> Result<Permitted<U>, Failure> {
        let change = make(self.change).map_err(|error| store_failure(&error))?;
        Ok(Permitted { grant: self.grant, change, replay: self.replay })
    }

    /// The reply that was kept of this very request, if it came before: nothing more is to be done for it.
    pub fn replay(&self) -> Option<&Reply> {
        self.replay.as_ref()
    }

    /// Whether it is a retry, which is answered as the first request was: nothing needs to be learnt for it.
    pub fn is_retry(&self) -> bool {
        self.replay.is_some()
    }
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
        for attempt in 1..=ATTEMPTS {
            let written = self.write_once(permitted, async |answer, _| Ok(answer)).await?;
            match written {
                Some(reply) => return Ok(reply),
                None if attempt == ATTEMPTS => break,
                None => stand_back(attempt).await,
            }
            permitted = self.permit(&keys, None, &input, &change).await?;
        }
        Err(lost_race())
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
        for attempt in 1..=ATTEMPTS {
            let answer = async |planned: T, grant: &Grant| {
                let made = match &mut made {
                    Some(made) => made,
                    none => none.insert(make(grant).await?),
                };
                write(planned, made)
            };
            match self.write_once(permitted, answer).await? {
                Some(reply) => return Ok(reply),
                None if attempt == ATTEMPTS => break,
                None => stand_back(attempt).await,
            }
            permitted = self.permit(&keys, None, &input, &change).await?;
        }
        Err(lost_race())
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
        for attempt in 1..=ATTEMPTS {
            let permitted = self.permit(&keys, query, &input, &change).await?;
            if let Some(reply) = self.write_once(permitted, &answer).await? {
                return Ok(reply);
            }
            if attempt < ATTEMPTS {
                stand_back(attempt).await;
            }
        }
        Err(lost_race())
    }

    /// Writes and answers what is permitted. `None` where somebody else wrote in between.
    async fn write_once<T>(
        &self,
        permitted: Permitted<T>,
        answer: impl AsyncFnOnce(T, &Grant) -> Result<Answer, Failure>,
    ) -> Result<Option<Reply>, Failure> {
        if let Some(replay) = permitted.replay {
            return Ok(Some(replay));
        }
        let Change { resource, before, after, etag, outcome, .. } = permitted.change;
        let planned = self.precondition(etag, outcome)?;
        let answer = answer(planned, &permitted.grant).await?;
        if answer.writes.is_empty() && !answer.is_told {
            return Ok(Some(answer.reply));
        }
        let told = Told { resource: &resource, before: before.as_ref(), after: after.as_ref() };
        match self.commit(&permitted.grant, told, answer).await {
            Err(CommitError::Lost) => Ok(None),
            Ok(reply) => Ok(Some(reply)),
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
            own_policies.as_deref().unwrap_or(&self.platform.policies),
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

    /// The key of the credential that the request presents. It is among what was read, whatever keys were asked for.
    pub fn credential(&self, tenant: keys::Tenant) -> Option<Key> {
        Presented::of(&self.request).ok().map(|presented| tenant.credential(presented.id()))
    }

    /// The credential that the request presents.
    pub fn presented(&self) -> Option<trustplane_domain::ids::CredentialId> {
        Presented::of(&self.request).ok().map(|presented| presented.id())
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

    /// Logs what the customer's AWS said, and tells the client what it may know.
    pub fn customer_failure(&self, error: &CustomerError) -> Failure {
        tracing::warn!(error = %error, "customer");
        match error {
            CustomerError::Denied(action) => Failure::AwsDenied(format!(
                "Only the organization's management account or a delegated administrator account may do this: AWS \
                 denies `{action}` to the role of the connection"
            )),
            CustomerError::Refused(_) => {
                Failure::AwsDenied("AWS refuses to describe the instance to the role of the connection".to_owned())
            }
            CustomerError::InstanceGone => Failure::NotFound("instance"),
            CustomerError::Throttled(_) | CustomerError::Unavailable(_) => Failure::Unavailable { retry_after: 5 },
            CustomerError::Unreachable(_) => Failure::AwsUnreachable,
        }
    }

    /// Reads everything in one round trip, and verifies the credential before anything else is said.
    async fn open<I>(
        &self,
        keys: &impl Fn(keys::Tenant, &I) -> Vec<Key>,
        query: Option<&dyn Fn(keys::Tenant, &I) -> Query>,
        input: &Result<I, Failure>,
    ) -> Result<Opened, Failure> {
        let presented = Presented::of(&self.request)?;
        presented.check_window(self.now)?;
        let part = keys::Tenant::presented(presented.id());
        let (credential_key, tenant_key) = (part.credential(presented.id()), part.tenant());
        let retry_key = idempotency::key(&self.request).ok().flatten();
        let kept_key = retry_key.map(|key| part.idempotency(presented.id(), &key));
        let mut wanted = vec![credential_key.clone(), tenant_key.clone()];
        wanted.extend(kept_key.clone());
        let listed = match input {
            Ok(input) => {
                wanted.extend(keys(part, input));
                query.map(|query| query(part, input))
            }
            Err(_) => None,
        };
        let (read, secret) = tokio::join!(self.read(&wanted, listed.as_ref()), presented.secret(&self.platform));
        let mut read = read?;

        let credential = read.look::<Credential>(&credential_key).map_err(|error| store_failure(&error))?;
        let kept = credential.as_ref().map(|stored| &stored.value);
        let acting = presented.verify(kept, secret, &self.request, self.now)?;
        let tenant = read.look::<Tenant>(&tenant_key).map_err(|error| store_failure(&error))?;
        let status = tenant.as_ref().map(|stored| &stored.value);
        check_tenant(self.dialect, &self.request, presented.id().tenant(), status)?;
        let (Some(credential), Some(tenant)) = (credential, tenant) else { return Err(Failure::Internal) };
        let kept = match &kept_key {
            Some(key) => read.take::<Idempotency>(key).map_err(|error| store_failure(&error))?,
            None => None,
        };
        let kept = kept.map(|stored| stored.value).filter(|kept| self.now < kept.kept_until);
        if credential.value.last_used_at.is_none_or(|day| day < self.now.day_start()) {
            self.note_use(&credential_key).await;
        }
        Ok(Opened { credential: acting, tenant, kept, read })
    }

    /// Records a denied attempt, outside of any transaction of the request's. What keeps it from being recorded (too many
    /// in a minute, somebody else's at the same time, a table that is away) changes nothing for the client.
    async fn record_denied(&self, attempt: &Attempt) {
        let recorded = async {
            match self.platform.table.record_denied(attempt).await {
                // Two at the same time get in each other's way.
                Err(CommitError::Lost) => self.platform.table.record_denied(attempt).await,
                recorded => recorded,
            }
        };
        match tokio::time::timeout(RECORD, recorded).await {
            Ok(Ok(()) | Err(CommitError::Lost)) => {}
            Ok(Err(error)) => tracing::warn!(error = %error, "a denied attempt is not recorded"),
            Err(_elapsed) => tracing::warn!("a denied attempt is not recorded in time"),
        }
    }

    /// The policies of a tenant that has own ones. One more call where this process has not yet seen their version.
    ///
    /// A set that does not compile denies every request, as a policy that cannot be evaluated does: it was valid when it
    /// was written.
    async fn own_policies(
        &self,
        part: keys::Tenant,
        tenant: &Tenant,
        credential: &Credential,
        action: Action,
    ) -> Result<Option<Arc<Policies>>, Failure> {
        let version = tenant.policies_version;
        if version == 0 {
            return Ok(None);
        }
        let compiled = &self.platform.compiled;
        if let Some(policies) = compiled.find(tenant.tenant_id, version) {
            return Ok(Some(policies));
        }
        let key = part.policies();
        let set = self.read(std::slice::from_ref(&key), None).await?.take::<PolicySet>(&key);
        let set = set.map_err(|error| store_failure(&error))?.map(|stored| stored.value);
        // It is written in one transaction with the tenant: what is read after the tenant is of its version, or newer.
        let set = set.filter(|set| set.version >= version).ok_or_else(|| {
            tracing::error!(version, "the policies that the tenant names are not there");
            Failure::Internal
        })?;
        match compiled.compile(&self.platform.policies, tenant.tenant_id, &set) {
            Ok(policies) => Ok(Some(policies)),
            Err(error) => {
                tracing::error!(error = %error, tenant = %tenant.tenant_id, "policies do not compile");
                Err(Failure::Forbidden(Denial {
                    evaluation_failed: true,
                    principal: credential.id.to_string(),
                    action: action.name.to_owned(),
                    resource: (action.resource.as_str(), String::new()),
                    ..Denial::default()
                }))
            }
        }
    }

    /// Notes that the credential was used today. What keeps it from being noted keeps nobody from being served.
    async fn note_use(&self, credential: &Key) {
        let noted = self.platform.table.note_use(credential, self.now.day_start());
        match tokio::time::timeout(NOTE, noted).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(error = %error, "the day of a credential's use is not noted"),
            Err(_elapsed) => tracing::warn!("the day of a credential's use is not noted in time"),
        }
    }

    async fn read(&self, keys: &[Key], query: Option<&Query>) -> Result<Read, Failure> {
        self.platform.table.read(keys, query).await.map_err(|error| store_failure(&error))
    }

    /// The input, if nothing is wrong with it or with the headers; else all that is.
    fn checked<'i, I>(&self, input: &'i Result<I, Failure>) -> Result<&'i I, Failure> {
        let headers = self.dialect.check_headers(&self.request, self.produces).err();
        let retry_key = idempotency::key(&self.request).err();
        let wrong = [headers, retry_key, input.as_ref().err().cloned()].into_iter().flatten().reduce(Failure::joined);
        wrong.map_or_else(|| input.as_ref().map_err(Clone::clone), Err)
    }

    /// 404 before 412 before 409.
    fn precondition<T>(&self, etag: Option<u64>, outcome: Result<T, Failure>) -> Result<T, Failure> {
        let outcome = match outcome {
            Err(Failure::NotFound(what)) => return Err(Failure::NotFound(what)),
            other => other,
        };
        match self.request.header("if-match") {
            Some(wanted) if !matches_etag(wanted, etag) => Err(Failure::PreconditionFailed),
            _ => outcome,
        }
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

/// Whether `If-Match` (RFC 9110, 13.1.1: `*` or a list of strong entity tags) names `version`.
fn matches_etag(wanted: &str, version: Option<u64>) -> bool {
    let Some(version) = version else { return false };
    let stands = format!("\"{version}\"");
    wanted.trim() == "*" || wanted.split(',').any(|tag| tag.trim() == stands)
}

/// Logs what the table said, and tells the client what it may know.
pub(crate) fn store_failure(error: &StoreError) -> Failure {
    tracing::error!(error = %error, "table");
    error.into()
}

/// What a failed commit is to the client.
pub fn commit_failure(error: &CommitError) -> Failure {
    match error {
        CommitError::Lost => lost_race(),
        CommitError::Claimed => Failure::conflict(Conflict::Claimed, "it is held by somebody else"),
        CommitError::Store(error) => store_failure(error),
    }
}

fn lost_race() -> Failure {
    Failure::conflict(Conflict::LostRace, "somebody else changed it at the same time, try again")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn if_match_as_the_rfc_has_it() {
        assert!(matches_etag("\"3\"", Some(3)));
        assert!(matches_etag("\"1\" , \"3\"", Some(3)));
        assert!(matches_etag("*", Some(0)));
        assert!(!matches_etag("*", None));
        assert!(!matches_etag("W/\"3\"", Some(3)));
        assert!(!matches_etag("3", Some(3)));
        assert!(!matches_etag("", Some(3)));
    }
}
