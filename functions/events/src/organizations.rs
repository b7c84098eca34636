//! `sync-organizations`: reads the organizations behind connections whose reading is due, in slices.
//!
//! A requested reading is an item on the due list, so it is done at least once: a run takes it and moves its time ahead; if
//! the run does not finish, the reading is due again and continues at its last step. Every write of rows is conditional on
//! the version of that item, so of two runs that read the same organization one stops.

use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use serde::Serialize;
use serde_json::{Value, json};
use trustplane_aws::{CustomerError, Reader, Way};
use trustplane_domain::Timestamp;
use trustplane_domain::connection::Connection;
use trustplane_domain::inventory::{Assignment, Row, Seen, Step, Sync, SyncFailure};
use trustplane_domain::tenant::Status;
use trustplane_domain::timestamp::SECOND;
use trustplane_policy::Grant;
use trustplane_runtime::{EventCall, EventError};
use trustplane_store::{CommitError, Key, LoadError, Query, Stored, TenantKeys, Writes};

use crate::due::shards;

/// Time for which a run has a reading to itself, in milliseconds: longer than a run may take (120 seconds).
const LEASE: i64 = 150 * SECOND;
/// Time after which the reading of a suspended tenant is due again, in milliseconds.
const SUSPENDED: i64 = 3_600 * SECOND;
/// No slice is begun with less time left than this: one takes some 10 seconds at our pace, more when AWS throttles.
const MARGIN: Duration = Duration::from_secs(60);
/// Readings of each shard that are begun in one run.
const PAGE: i32 = 20;
/// Organizations that are read side by side, each at its own pace.
const AT_ONCE: usize = 20;
/// Rows of one transaction, of the 100 items that it may have.
const ROWS: usize = 90;

/// The outcome of a run.
#[derive(Debug, Default, Serialize)]
struct Run {
    /// Readings that were finished.
    finished: usize,
    /// Readings that go on in the next run.
    unfinished: usize,
    /// Readings that failed, to be tried again or not.
    failed: usize,
}

/// The outcome of one reading in a run.
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

/// A reason that a slice was not done.
enum Stop {
    /// The customer's AWS.
    Aws(CustomerError),
    /// There is nothing to read through.
    NotConfigured,
    /// Another run has taken it, or the connection changed.
    Lost,
    /// The table.
    Table(EventError),
}

impl From<LoadError> for Stop {
    fn from(error: LoadError) -> Self {
        Self::Table(error.into())
    }
}

/// One tenant's reading under way.
struct Reading<'a> {
    event: &'a EventCall,
    grant: Grant,
    keys: TenantKeys,
    connection: Connection,
    sync: Stored<Sync>,
    reader: Option<Reader>,
}

/// Reads the organizations that are due: `{finished, unfinished, failed}`.
pub async fn sync(event: EventCall) -> Result<Value, EventError> {
    let mut due = Vec::new();
    for shard in shards(event.now) {
        due.extend(event.platform.table.due::<Sync>(shard, event.now, PAGE, None).await?.keys);
    }
    let (mut run, mut broken) = (Run::default(), None);
    let mut ended = stream::iter(&due).map(|key| read_on(&event, key)).buffer_unordered(AT_ONCE);
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
async fn read_on(event: &EventCall, key: &Key<Sync>) -> Result<Came, EventError> {
    if event.time_left() < MARGIN {
        return Ok(Came::Unfinished);
    }
    let Some(mut reading) = Reading::take(event, key).await? else { return Ok(Came::NotOurs) };
    while let Some(step) = reading.sync.value.step.clone() {
        let (written, came) = if event.time_left() < MARGIN {
            let given_back = reading.sync.value.taken(event.now);
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
            (Err(Stop::Table(error)), _) => return Err(error),
            (Err(Stop::Lost | Stop::Aws(_) | Stop::NotConfigured), _) => return Ok(Came::NotOurs),
        }
    }
    Ok(Came::Finished)
}

impl<'a> Reading<'a> {
    /// Takes the reading of `key`: no other run does until the lease is over. `None` where another run has it, or it is not
    /// due.
    async fn take(event: &'a EventCall, key: &Key<Sync>) -> Result<Option<Self>, EventError> {
        let Some(id) = key.tenant() else { return Ok(None) };
        let grant = event.grant(id);
        let keys = TenantKeys::granted(&grant);
        let reads = (keys.tenant().expected(), keys.connection().expected(), keys.aws_sync().optional());
        let (owner, connection, sync) = event.platform.table.load(reads).await?;
        let Some(sync) = sync.item.filter(|sync| sync.value.due_at.is_some_and(|due| due <= event.now)) else {
            return Ok(None);
        };
        let suspended = owner.value.status != Status::Active;
        let until = clock(event).plus_millis(if suspended { SUSPENDED } else { LEASE });
        let taken = sync.value.taken(until);
        let mut reading = Self { event, grant, keys, connection: connection.value, sync, reader: None };
        match reading.put(Writes::new(), taken).await {
            Ok(()) if !suspended => Ok(Some(reading)),
            Ok(()) | Err(Stop::Lost) => Ok(None),
            Err(Stop::Table(error)) => Err(error),
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
        let one = self.keys.aws_permission_sets().page(1, after.clone());
        let found = self.list(one).await?;
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
        let page = self.keys.aws_rows().page(ROWS, after);
        let found = self.list(page).await?;
        let writes = found
            .iter()
            .filter(|row| self.sync.value.sweeps(&row.value))
            .fold(Writes::new(), |writes, row| writes.remove(row));
        let now = clock(self.event);
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
        let failed = self.sync.value.failed(failure, denied, clock(self.event));
        self.put(Writes::new(), failed).await
    }

    async fn list(&self, query: Query<Seen>) -> Result<Vec<Stored<Seen>>, Stop> {
        Ok(self.event.platform.table.load(query).await?.rows)
    }

    /// Writes rows that were seen in this round, and with the last of them where to go on.
    async fn write(&mut self, rows: Vec<Row>, step: Step) -> Result<(), Stop> {
        let round = self.sync.value.round;
        let lease = clock(self.event).plus_millis(LEASE);
        let mut rows = rows.into_iter().peekable();
        loop {
            let writes = rows.by_ref().take(ROWS).fold(Writes::new(), |writes, row| {
                let key = self.keys.aws_row(&row);
                writes.put(&key, &Seen { round, row })
            });
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
        let writes = writes.replace(&self.sync, &sync);
        match self.event.platform.table.note(&self.grant, writes).await {
            Ok(_) => {
                self.sync.version += 1;
                self.sync.value = sync;
                Ok(())
            }
            Err(CommitError::Lost) => Err(Stop::Lost),
            Err(error) => Err(Stop::Table(error.into())),
        }
    }

    /// The way into the customer's AWS, found at its first use.
    async fn reader(&mut self) -> Result<&mut Reader, Stop> {
        if self.reader.is_none() {
            let way = Way::of(self.grant.tenant(), &self.connection);
            let instance = self.connection.settings.sso_instance_arn.as_ref();
            let (Some(way), Some(instance)) = (way, instance) else { return Err(Stop::NotConfigured) };
            let customers = &self.event.platform.customers;
            self.reader = Some(customers.reader(&way, instance).await.map_err(Stop::Aws)?);
        }
        self.reader.as_mut().ok_or(Stop::NotConfigured)
    }
}

/// The time now: an event may come late, and a run takes minutes. Ahead of the clock only where the event's time is.
fn clock(event: &EventCall) -> Timestamp {
    event.now.max(Timestamp::now())
}

/// The failure of a reading, and the action that was denied.
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
