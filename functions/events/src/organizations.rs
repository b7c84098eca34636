//! `sync-organizations`: reads what is behind the connections whose reading is due, in slices.
//!
//! A reading that was asked for is an item on the due list, so it is done at least once: whoever takes it moves its time
//! ahead, and if that is never finished, it comes due again and goes on where the table says that it was. Every write of rows
//! stands under the version of that item, so of two that read the same organization one stops.

use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use serde::Serialize;
use serde_json::{Value, json};
use trustplane_aws::{CustomerError, Reader, Way};
use trustplane_domain::Timestamp;
use trustplane_domain::connection::Connection;
use trustplane_domain::inventory::{Assignment, Row, Seen, Step, Sync, SyncFailure};
use trustplane_domain::tenant::{Status, Tenant};
use trustplane_domain::timestamp::SECOND;
use trustplane_policy::Grant;
use trustplane_runtime::{EventCall, EventError};
use trustplane_store::keys;
use trustplane_store::{CommitError, Key, Query, SYNC, StoreError, Stored, Writes};

use crate::due::shards;

/// How long whoever takes a reading has it to itself, in milliseconds: longer than a run may take (120 seconds).
const LEASE: i64 = 150 * SECOND;
/// When the reading of a suspended tenant is looked at again, in milliseconds.
const SUSPENDED: i64 = 3_600 * SECOND;
/// No slice is begun with less time left than this: one takes some 10 seconds at our pace, more when AWS throttles.
const MARGIN: Duration = Duration::from_secs(60);
/// Readings of each shard that are begun in one run.
const PAGE: i32 = 20;
/// Organizations that are read side by side, each at its own pace.
const AT_ONCE: usize = 20;
/// Rows of one transaction, of the 100 items that it may have.
const ROWS: usize = 90;

/// What a run did.
#[derive(Debug, Default, Serialize)]
struct Run {
    /// Readings that were finished.
    finished: usize,
    /// Readings that go on in the next run.
    unfinished: usize,
    /// Readings that failed, to be tried again or not.
    failed: usize,
}

/// How far one reading came in a run.
enum Came {
    /// To its end.
    Finished,
    /// As far as time allowed.
    Unfinished,
    /// To a failure, to be tried again or not.
    Failed,
    /// It is not this run's to do, or not any more.
    NotOurs,
}

/// Why a slice was not done.
enum Stop {
    /// The customer's AWS.
    Aws(CustomerError),
    /// There is nothing to read through.
    NotConfigured,
    /// Somebody else has taken it, or the connection changed.
    Lost,
    /// The table.
    Store(CommitError),
}

/// One tenant's reading under way.
struct Reading<'a> {
    reaction: &'a EventCall,
    grant: Grant,
    tenant: TenantKeys,
    connection: Connection,
    sync: Stored<Sync>,
    reader: Option<Reader>,
}

/// Reads what is due, and says how far it came: `{finished, unfinished, failed}`.
pub async fn sync(reaction: EventCall) -> Result<Value, EventError> {
    let mut due = Vec::new();
    for shard in shards(reaction.now) {
        due.extend(reaction.platform.table.due(SYNC, shard, reaction.now, PAGE, None).await?.keys);
    }
    let (mut run, mut broken) = (Run::default(), None);
    let mut ended = stream::iter(&due).map(|key| read_on(&reaction, key)).buffer_unordered(AT_ONCE);
    while let Some(came) = ended.next().await {
        match came {
            Ok(Came::Finished) => run.finished += 1,
            Ok(Came::Unfinished) => run.unfinished += 1,
            Ok(Came::Failed) => run.failed += 1,
            Ok(Came::NotOurs) => {}
            // Its time was moved ahead: it comes due again.
            Err(error) => broken = broken.or(Some(error)),
        }
    }
    match broken {
        None => Ok(json!(run)),
        Some(error) => Err(error),
    }
}

/// Goes on with one reading for as long as there is time.
async fn read_on(reaction: &EventCall, key: &Key) -> Result<Came, EventError> {
    if reaction.time_left() < MARGIN {
        return Ok(Came::Unfinished);
    }
    let Some(mut reading) = Reading::take(reaction, key).await? else { return Ok(Came::NotOurs) };
    while let Some(step) = reading.sync.value.step.clone() {
        let (written, came) = if reaction.time_left() < MARGIN {
            let given_back = reading.sync.value.taken(reaction.now);
            (reading.put(Writes::new(), given_back).await, Some(Came::Unfinished))
        } else {
            match reading.slice(step).await {
                Err(Stop::NotConfigured) => {
                    (reading.give_up(SyncFailure::NotConfigured, None).await, Some(Came::Failed))
                }
                Err(Stop::Aws(error)) => {
                    tracing::warn!(error = %error, "reading an organization");
                    let (failure, denied) = failure(&error);
                    (reading.give_up(failure, denied).await, Some(Came::Failed))
                }
                written => (written, None),
            }
        };
        match (written, came) {
            (Ok(()), Some(came)) => return Ok(came),
            (Ok(()), None) => {}
            (Err(Stop::Store(error)), _) => return Err(error.into()),
            (Err(Stop::Lost | Stop::Aws(_) | Stop::NotConfigured), _) => return Ok(Came::NotOurs),
        }
    }
    Ok(Came::Finished)
}

impl<'a> Reading<'a> {
    /// Takes the reading of `key`: nobody else does until the lease is over. `None` where somebody else has, or it is not to
    /// be done.
    async fn take(reaction: &'a EventCall, key: &Key) -> Result<Option<Self>, EventError> {
        let Some(id) = key.tenant() else { return Ok(None) };
        let grant = reaction.grant(id);
        let tenant = TenantKeys::granted(&grant);
        let wanted = [tenant.tenant(), tenant.connection(), tenant.aws_sync()];
        let mut read = reaction.platform.table.read(&wanted, None).await?;
        let owner: Stored<Tenant> = read.take(&tenant.tenant())?.ok_or_else(|| StoreError::missing("tenant"))?;
        let connection: Stored<Connection> =
            read.take(&tenant.connection())?.ok_or_else(|| StoreError::missing("connection"))?;
        let sync: Option<Stored<Sync>> = read.take(&tenant.aws_sync())?;
        let Some(sync) = sync.filter(|sync| sync.value.due_at.is_some_and(|due| due <= reaction.now)) else {
            return Ok(None);
        };
        let suspended = owner.value.status != Status::Active;
        let until = clock(reaction).plus_millis(if suspended { SUSPENDED } else { LEASE });
        let taken = sync.value.taken(until);
        let mut reading = Self { reaction, grant, tenant, connection: connection.value, sync, reader: None };
        match reading.put(Writes::new(), taken).await {
            Ok(()) if !suspended => Ok(Some(reading)),
            Ok(()) | Err(Stop::Lost) => Ok(None),
            Err(Stop::Store(error)) => Err(error.into()),
            // INVARIANT: writing asks nothing of AWS.
            Err(Stop::Aws(_) | Stop::NotConfigured) => Ok(None),
        }
    }

    /// Does one step, and writes what it saw with where to go on.
    async fn slice(&mut self, step: Step) -> Result<(), Stop> {
        match step {
            Step::Accounts { next } => {
                let (accounts, next) = self.reader().await?.accounts(next).await.map_err(Stop::Aws)?;
                let step = match next {
                    Some(next) => Step::Accounts { next: Some(next) },
                    None => Step::PermissionSets { next: None },
                };
                self.write(accounts.into_iter().map(Row::Account).collect(), step).await
            }
            Step::PermissionSets { next } => {
                let (sets, next) = self.reader().await?.permission_sets(next).await.map_err(Stop::Aws)?;
                let step = match next {
                    Some(next) => Step::PermissionSets { next: Some(next) },
                    None => Step::Assignments { after: None, next: None },
                };
                self.write(sets.into_iter().map(Row::PermissionSet).collect(), step).await
            }
            Step::Assignments { after, next } => self.assignments(after, next).await,
            Step::Sweep { after } => self.sweep(after).await,
        }
    }

    /// A page of the accounts of the permission set after `after`.
    async fn assignments(&mut self, after: Option<String>, next: Option<String>) -> Result<(), Stop> {
        let one = Query::prefix(self.tenant, keys::AWS_PERMISSION_SETS).page(1, after.clone());
        let found = self.list(&one).await?;
        let Some(Stored { key, value: Seen { row: Row::PermissionSet(set), .. }, .. }) = found.into_iter().next()
        else {
            return self.write(Vec::new(), Step::Sweep { after: None }).await;
        };
        let set = set.permission_set_arn;
        let reader = self.reader().await?;
        let (accounts, next) = reader.accounts_with(&set, next).await.map_err(Stop::Aws)?;
        let mut rows = Vec::with_capacity(accounts.len());
        for account_id in accounts {
            let principals = reader.assigned(&account_id, &set).await.map_err(Stop::Aws)?;
            // A permission set stays provisioned to an account where nobody has it any more.
            if !principals.is_empty() {
                rows.push(Row::Assignment(Assignment { account_id, permission_set_arn: set.clone(), principals }));
            }
        }
        let step = match next {
            Some(next) => Step::Assignments { after, next: Some(next) },
            None => Step::Assignments { after: Some(key.sk().to_owned()), next: None },
        };
        self.write(rows, step).await
    }

    /// Removes the rows of a page that this round did not see.
    async fn sweep(&mut self, after: Option<String>) -> Result<(), Stop> {
        let page = Query::prefix(self.tenant, keys::AWS_ROWS).page(ROWS, after);
        let found = self.list(&page).await?;
        let writes = found
            .iter()
            .filter(|row| self.sync.value.sweeps(&row.value))
            .fold(Writes::new(), |writes, row| writes.remove(row));
        let now = clock(self.reaction);
        let after = match found.last() {
            Some(last) if found.len() == ROWS => {
                let step = Step::Sweep { after: Some(last.key.sk().to_owned()) };
                self.sync.value.at(step, now.plus_millis(LEASE))
            }
            _ => self.sync.value.finished(now),
        };
        self.put(writes, after).await
    }

    /// Notes that a slice failed: it is tried again later, or the round is over.
    async fn give_up(&mut self, failure: SyncFailure, denied: Option<&str>) -> Result<(), Stop> {
        let failed = self.sync.value.failed(failure, denied, clock(self.reaction));
        self.put(Writes::new(), failed).await
    }

    async fn list(&self, query: &Query) -> Result<Vec<Stored<Seen>>, Stop> {
        let listed = async {
            let mut read = self.reaction.platform.table.read(&[], Some(query)).await?;
            read.listing::<Seen>(self.tenant)
        };
        let listed = listed.await.map_err(|error| Stop::Store(error.into()))?;
        Ok(listed.rows)
    }

    /// Writes rows that were seen in this round, and with the last of them where to go on.
    async fn write(&mut self, rows: Vec<Row>, step: Step) -> Result<(), Stop> {
        let round = self.sync.value.round;
        let lease = clock(self.reaction).plus_millis(LEASE);
        let mut rows = rows.into_iter().peekable();
        loop {
            let mut writes = Writes::new();
            for row in rows.by_ref().take(ROWS) {
                let key = self.tenant.aws_row(&row);
                let put = writes.put(&key, &Seen { round, row });
                writes = put.map_err(|error| Stop::Store(error.into()))?;
            }
            let last = rows.peek().is_none();
            let sync = if last { self.sync.value.at(step.clone(), lease) } else { self.sync.value.taken(lease) };
            self.put(writes, sync).await?;
            if last {
                return Ok(());
            }
        }
    }

    /// Writes these and how far the reading is, which must stand as it was read.
    async fn put(&mut self, writes: Writes, sync: Sync) -> Result<(), Stop> {
        let writes = writes.replace(&self.sync, &sync).map_err(|error| Stop::Store(error.into()))?;
        match self.reaction.platform.table.note(&self.grant, writes).await {
            Ok(_) => {
                self.sync.version += 1;
                self.sync.value = sync;
                Ok(())
            }
            Err(CommitError::Lost) => Err(Stop::Lost),
            Err(error) => Err(Stop::Store(error)),
        }
    }

    /// The way into the customer's AWS, found at its first use.
    async fn reader(&mut self) -> Result<&mut Reader, Stop> {
        if self.reader.is_none() {
            let way = Way::of(self.grant.tenant(), &self.connection);
            let instance = self.connection.settings.sso_instance_arn.as_ref();
            let (Some(way), Some(instance)) = (way, instance) else { return Err(Stop::NotConfigured) };
            let customers = &self.reaction.platform.customers;
            self.reader = Some(customers.reader(&way, instance).await.map_err(Stop::Aws)?);
        }
        self.reader.as_mut().ok_or(Stop::NotConfigured)
    }
}

/// The time now: an event may come late, and a run takes minutes. Ahead of the clock only where the event's time is.
fn clock(reaction: &EventCall) -> Timestamp {
    reaction.now.max(Timestamp::now())
}

/// What went wrong, and the action that was denied.
fn failure(error: &CustomerError) -> (SyncFailure, Option<&'static str>) {
    match error {
        CustomerError::Denied(action) => (SyncFailure::Denied, Some(action)),
        CustomerError::NotEnforced => (SyncFailure::ExternalIdNotEnforced, None),
        CustomerError::InstanceGone => (SyncFailure::InstanceGone, None),
        CustomerError::Refused(_) => (SyncFailure::Refused, None),
        CustomerError::Throttled(_) | CustomerError::Unavailable(_) | CustomerError::Unreachable(_) => {
            (SyncFailure::Unavailable, None)
        }
    }
}
