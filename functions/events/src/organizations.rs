//! `sync-organizations`: reads the organizations behind connections whose reading is due.
//!
//! A requested reading is an item on the due list, so it is done at least once: a run takes it and moves its time ahead; if
//! the run does not finish, the reading is due again and continues at its last written step. Every write of rows is
//! conditional on the version of that item, so of two runs that read the same organization one stops.

use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt as _};
use serde::Serialize;
use serde_json::{Value, json};
use trustplane_aws::{AccessPath, Reader};
use trustplane_domain::Timestamp;
use trustplane_domain::connection::Connection;
use trustplane_domain::inventory::{Answer, Ask, Batch, Cause, Fault, Half, MAX_ROWS, Row, Seen, Sync};
use trustplane_domain::tenant::Status;
use trustplane_domain::timestamp::SECOND;
use trustplane_policy::Grant;
use trustplane_runtime::{EventCall, EventError};
use trustplane_store::{CommitError, Key, Stored, TenantKeys, Writes};

use crate::due::shards;

/// Time for which a run has a reading to itself, in milliseconds: longer than a run may take (120 seconds).
const LEASE: i64 = 150 * SECOND;
/// Time after which the reading of a suspended tenant is due again, in milliseconds. Resuming the tenant makes it due at once.
const SUSPENDED: i64 = 3_600 * SECOND;
/// Time that a call and a write need at most, with retries of every kind: none is begun with less time left.
const MARGIN: Duration = Duration::from_secs(30);
/// Time after which rows are written although there are few: a killed run loses no more.
const WRITTEN_EVERY: Duration = Duration::from_secs(10);
/// Readings of each shard that are begun in one run.
const PAGE: i32 = 20;
/// Organizations that are read side by side, each at its own pace.
const AT_ONCE: usize = 20;

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

/// A write that was not made.
enum NotWritten {
    /// Another run has taken the reading, or the connection changed.
    Lost,
    /// The table.
    Table(EventError),
}

/// One tenant's reading in progress.
struct Reading<'a> {
    event: &'a EventCall,
    grant: Grant,
    keys: TenantKeys,
    connection: Connection,
    /// The state as it is written.
    sync: Stored<Sync>,
    /// The state with the answers that are not written yet, and their rows.
    ahead: Sync,
    batch: Batch,
    written_at: Instant,
    reader: Option<Reader<'a>>,
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
            // Its time was moved ahead: it comes due again. The first one is logged as the error of the run.
            Err(error) if broken.is_none() => broken = Some(error),
            Err(error) => tracing::error!(error = %error, "an organization is not read"),
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
    match reading.go_on().await {
        Ok(came) => Ok(came),
        Err(NotWritten::Lost) => Ok(Came::NotOurs),
        Err(NotWritten::Table(error)) => {
            tracing::error!(error = %error, pk = key.pk(), "the rows of an organization are not written");
            // Counted, so that rows which are refused for good do not keep the reading going for ever.
            match reading.give_up(&Fault::Table).await {
                Ok(()) | Err(NotWritten::Lost) => Ok(Came::Failed),
                Err(NotWritten::Table(error)) => Err(error),
            }
        }
    }
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
        let leased = if suspended { sync.value.leased(until) } else { sync.value.taken(until) };
        let mut reading = Self {
            event,
            grant,
            keys,
            connection: connection.value,
            ahead: sync.value.clone(),
            sync,
            batch: Batch::default(),
            written_at: Instant::now(),
            reader: None,
        };
        match reading.put(Writes::new(), leased).await {
            Ok(()) if !suspended => {
                reading.ahead = reading.sync.value.clone();
                Ok(Some(reading))
            }
            Ok(()) | Err(NotWritten::Lost) => Ok(None),
            Err(NotWritten::Table(error)) => Err(error),
        }
    }

    /// Asks one question after the other, and writes what the answers give.
    async fn go_on(&mut self) -> Result<Came, NotWritten> {
        if self.sync.value.is_stalled() {
            tracing::error!(pk = self.keys.aws_sync().pk(), "runs of a reading end at the same place");
            self.give_up(&Fault::Stalled).await?;
            return Ok(Came::Failed);
        }
        while let Some(ask) = self.ahead.ask() {
            if self.event.time_left() < MARGIN {
                self.write(clock(self.event)).await?;
                return Ok(Came::Unfinished);
            }
            if ask.is_of_table() || self.batch.is_full() || self.written_at.elapsed() > WRITTEN_EVERY {
                self.write(clock(self.event).plus_millis(LEASE)).await?;
            }
            let answer = match ask {
                Ask::Sweep { half, after } => {
                    self.sweep(half, after).await?;
                    continue;
                }
                Ask::NextSet { after } => Ok(Answer::NextSet(self.next_set(after).await?)),
                ask => self.ask(&ask).await,
            };
            let fault = match answer {
                Ok(answer) => self.answered(Ok(answer)),
                Err(Fault::Refused(cause)) => self.answered(Err(cause)),
                Err(fault) => Some(fault),
            };
            if let Some(fault) = fault {
                // A refused call is logged where it was made, with AWS's response.
                if !matches!(fault, Fault::Refused(_)) {
                    tracing::warn!(%fault, "reading an organization");
                }
                self.write(clock(self.event).plus_millis(LEASE)).await?;
                self.give_up(&fault).await?;
                return Ok(Came::Failed);
            }
        }
        Ok(Came::Finished)
    }

    /// Takes an answer. Returns the reason that the reading does not go on.
    fn answered(&mut self, answer: Result<Answer, Cause>) -> Option<Fault> {
        let turn = self.ahead.answered(answer, clock(self.event));
        self.ahead = turn.sync;
        self.batch.add(turn.rows, turn.removed);
        turn.fault
    }

    /// Asks AWS.
    async fn ask(&mut self, ask: &Ask) -> Result<Answer, Fault> {
        let refused = |error: trustplane_aws::CustomerError| {
            tracing::warn!(error = %error, "reading an organization");
            Fault::Refused(Cause::new(error.action, error.refusal))
        };
        if self.reader.is_none() {
            let path = AccessPath::of(self.grant.tenant(), &self.connection);
            let instance = self.connection.settings.sso_instance_arn.as_ref();
            let (Some(path), Some(instance)) = (path, instance) else { return Err(Fault::NotConfigured) };
            let reader = self.event.platform.customers.reader(&path, instance).await;
            self.reader = Some(reader.map_err(refused)?);
        }
        let reader = self.reader.as_mut().ok_or(Fault::NotConfigured)?;
        match reader.ask(ask).await {
            Some(answer) => answer.map_err(refused),
            // INVARIANT: questions to the table are answered before.
            None => Err(Fault::Contradiction),
        }
    }

    /// The readable permission set of this round after `after`.
    async fn next_set(&self, after: Option<String>) -> Result<Option<String>, NotWritten> {
        let half = self.sync.value.written_half();
        let mut after = after.map(|set| self.keys.aws_permission_set(half, &set).sk().to_owned());
        loop {
            let page = self.keys.aws_permission_sets(half).page(MAX_ROWS, after);
            let listing =
                self.event.platform.table.load(page).await.map_err(|error| NotWritten::Table(error.into()))?;
            for row in listing.rows {
                if let Seen { round, row: Row::PermissionSet(set) } = row.value
                    && round == self.sync.value.round
                    && set.unreadable.is_none()
                {
                    return Ok(Some(set.permission_set_arn));
                }
            }
            match listing.next {
                Some(next) => after = Some(next),
                None => return Ok(None),
            }
        }
    }

    /// Removes the rows of a page that this round did not see.
    async fn sweep(&mut self, half: Half, after: Option<String>) -> Result<(), NotWritten> {
        let page = self.keys.aws_rows(half).page(MAX_ROWS, after);
        let listing = self.event.platform.table.load(page).await.map_err(|error| NotWritten::Table(error.into()))?;
        let writes = listing
            .rows
            .iter()
            .filter(|row| self.sync.value.sweeps(half, &row.value))
            .fold(Writes::new(), |writes, row| writes.remove(row));
        let now = clock(self.event);
        let swept = self.sync.value.swept(listing.next, now);
        let swept = if swept.step.is_some() { swept.leased(now.plus_millis(LEASE)) } else { swept };
        self.put(writes, swept).await?;
        self.ahead = self.sync.value.clone();
        Ok(())
    }

    /// Notes a fault: the step is tried again later, or the reading is given up.
    async fn give_up(&mut self, fault: &Fault) -> Result<(), NotWritten> {
        let failed = self.sync.value.failed(fault, clock(self.event));
        self.put(Writes::new(), failed).await
    }

    /// Writes the rows of the answers, and with the last of them the state after them, due at `due`.
    async fn write(&mut self, due: Timestamp) -> Result<(), NotWritten> {
        let (half, round) = (self.sync.value.written_half(), self.sync.value.round);
        let mut parts = self.batch.take();
        let last = parts.pop().unwrap_or_default();
        for (part, is_last) in parts.into_iter().map(|part| (part, false)).chain([(last, true)]) {
            let writes = part.into_iter().fold(Writes::new(), |writes, (id, row)| {
                let key = self.keys.aws_row(half, &id);
                match row {
                    Some(row) => writes.put(&key, &Seen { round, row }),
                    None => writes.delete(&key),
                }
            });
            let state = if is_last { self.ahead.leased(due) } else { self.sync.value.leased(due) };
            self.put(writes, state).await?;
        }
        self.written_at = Instant::now();
        Ok(())
    }

    /// Writes these and the state, if nothing else has changed it.
    async fn put(&mut self, writes: Writes, sync: Sync) -> Result<(), NotWritten> {
        let writes = writes.replace(&self.sync, &sync);
        match self.event.platform.table.note(&self.grant, writes).await {
            Ok(_) => {
                self.sync.version += 1;
                self.sync.value = sync;
                Ok(())
            }
            Err(CommitError::Lost) => Err(NotWritten::Lost),
            Err(error) => Err(NotWritten::Table(error.into())),
        }
    }
}

/// The time: an event may come late, and a run takes minutes. Ahead of the clock only where the event's time is.
fn clock(event: &EventCall) -> Timestamp {
    event.now.max(Timestamp::now())
}
