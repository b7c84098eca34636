//! Event source mappings: a table's stream, read in batches for the functions in the template.
//!
//! Source: "Process DynamoDB records with Lambda", AWS Lambda Developer Guide. The position in a stream advances only
//! past records that were handled or given up. It is stored with the data, so a restart skips no record.

use crate::{
    Error,
    delivery::{Delivery, reason},
    engine::{Failure, call},
    template::{ACCOUNT, REGION, StreamSource},
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, VecDeque},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::sync::watch;

/// Pauses between polls of a stream without new records: the first after a record, and the longest. Lambda polls four times a
/// second.
const POLL: (Duration, Duration) = (Duration::from_millis(50), Duration::from_millis(250));
/// Pauses between attempts of a failing batch: the first and the longest.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(10));
/// Largest number of records of one read. It is DynamoDB's own limit.
const READ: usize = 1000;

/// Position of each mapping in its stream: after this sequence number, or at the start if null.
#[derive(Clone)]
pub(crate) struct Positions {
    known: Arc<Mutex<BTreeMap<String, Option<String>>>>,
    file: Option<PathBuf>,
}

impl Positions {
    /// Reads the positions from `file`, or keeps them in memory.
    pub fn open(file: Option<PathBuf>) -> Result<Self, Error> {
        let known = match file.as_ref().map(std::fs::read) {
            None => BTreeMap::new(),
            Some(Ok(text)) => {
                serde_json::from_slice(&text).map_err(|error| Error::while_doing("positions in streams", error))?
            }
            Some(Err(error)) if error.kind() == std::io::ErrorKind::NotFound => BTreeMap::new(),
            Some(Err(error)) => return Err(Error::while_doing("positions in streams", error)),
        };
        Ok(Self { known: Arc::new(Mutex::new(known)), file })
    }

    fn find(&self, mapping: &str) -> Option<Option<String>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(mapping).cloned()
    }

    fn set(&self, mapping: &str, position: Option<String>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(mapping.to_owned(), position);
        if let Some(file) = &self.file {
            // Replaces the whole file, so that neither a reader nor a crash sees half of it.
            let new = file.with_extension("new");
            let text = serde_json::to_vec(&*known).unwrap_or_default();
            if let Err(error) = std::fs::write(&new, text).and_then(|()| std::fs::rename(&new, file)) {
                eprintln!("warning: positions in streams could not be kept: {error}");
            }
        }
    }
}

/// A mapping that is ready to run.
pub(crate) struct Mapping {
    source: StreamSource,
    endpoint: String,
    stream: String,
    shard: String,
    positions: Positions,
    delivery: Delivery,
    polls: watch::Sender<u64>,
}

/// Records in the order of the stream, with the number of attempts.
struct Batch {
    records: Vec<Value>,
    tries: u64,
}

/// Reasons to give up a batch, with Lambda's names.
#[derive(Clone, Copy)]
enum GivenUp {
    RetryAttemptsExhausted,
    RecordAgeExceeded,
}

/// Result of a batch.
enum Handled {
    Done,
    /// The records from this index on have to be retried.
    From(usize),
    Failed {
        error: Value,
    },
}

impl Mapping {
    /// Finds the stream and the position to start at.
    pub async fn open(
        source: &StreamSource,
        endpoint: &str,
        positions: &Positions,
        delivery: &Delivery,
    ) -> Result<Self, Error> {
        let failed = |failure: Failure| Error::while_doing(format!("stream of table `{}`", source.table), failure);
        let absent = || Error::new(format!("table `{}` has no stream", source.table));
        let table = call(endpoint, "DynamoDB_20120810.DescribeTable", &json!({ "TableName": source.table }))
            .await
            .map_err(failed)?;
        let stream = table.pointer("/Table/LatestStreamArn").and_then(Value::as_str).ok_or_else(absent)?.to_owned();
        let described = json!({ "StreamArn": stream });
        let described = call(endpoint, "DynamoDBStreams_20120810.DescribeStream", &described).await.map_err(failed)?;
        let shard = described.pointer("/StreamDescription/Shards/0/ShardId").and_then(Value::as_str);
        let mapping = Self {
            source: source.clone(),
            endpoint: endpoint.to_owned(),
            stream,
            shard: shard.ok_or_else(absent)?.to_owned(),
            positions: positions.clone(),
            delivery: delivery.clone(),
            polls: watch::channel(0).0,
        };
        if positions.find(&mapping.key()).is_none() {
            let position = if source.from_start { None } else { mapping.end().await.map_err(failed)? };
            positions.set(&mapping.key(), position);
        }
        Ok(mapping)
    }

    /// Counts the polls of the stream that found no further record.
    pub fn polls(&self) -> watch::Receiver<u64> {
        self.polls.subscribe()
    }

    /// Reads the stream until the future is dropped.
    pub async fn run(self) {
        let mut iterator: Option<String> = None;
        let mut pause = POLL.0;
        loop {
            let read = match iterator.take() {
                Some(iterator) => self.read(&iterator).await,
                None => match self.iterator(self.position()).await {
                    Ok(iterator) => self.read(&iterator).await,
                    Err(failure) => Err(failure),
                },
            };
            match read {
                Ok((records, next)) if records.is_empty() => {
                    iterator = next;
                    self.polls.send_modify(|polls| *polls += 1);
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(POLL.1);
                }
                Ok((records, _)) => {
                    self.handle(records).await;
                    pause = POLL.0;
                }
                Err(Failure::Aws { kind, .. }) if kind == "TrimmedDataAccessException" => {
                    self.positions.set(&self.key(), None);
                }
                Err(Failure::Aws { kind, .. }) if kind == "ExpiredIteratorException" => {}
                Err(failure) => {
                    eprintln!("warning: stream of table `{}`: {failure}", self.source.table);
                    tokio::time::sleep(BACKOFF.1).await;
                }
            }
        }
    }

    /// Passes the records that match the filter to the function, in batches, until each is handled or given up.
    async fn handle(&self, records: Vec<Value>) {
        let last = records.last().and_then(sequence_number).map(str::to_owned);
        let filters = &self.source.filters;
        let passing: Vec<_> = records
            .into_iter()
            .filter(|record| filters.is_empty() || filters.iter().any(|filter| filter.matches(record)))
            .map(|record| self.as_lambda_has_it(record))
            .collect();
        let mut batches: VecDeque<Batch> = passing
            .chunks(self.source.batch_size.max(1))
            .map(|records| Batch { records: records.to_vec(), tries: 0 })
            .collect();
        let mut pause = BACKOFF.0;
        while let Some(mut batch) = batches.pop_front() {
            self.leave_old(&mut batch);
            if batch.records.is_empty() {
                continue;
            }
            batch.tries += 1;
            match self.invoke(&batch).await {
                Handled::Done => {
                    self.pass(&batch.records);
                    pause = BACKOFF.0;
                    continue;
                }
                Handled::From(index) => {
                    let rest = batch.records.split_off(index);
                    if !batch.records.is_empty() {
                        self.pass(&batch.records);
                        // The record that failed now was not the first of its batch before.
                        batch.tries = 1;
                    }
                    batch.records = rest;
                    self.again(batch, json!({ "batchItemFailures": "not empty" }), &mut batches, false);
                }
                Handled::Failed { error } => self.again(batch, error, &mut batches, self.source.bisect),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(BACKOFF.1);
        }
        self.positions.set(&self.key(), last);
    }

    /// Queues a failed batch again, in two halves if it can be split, or gives it up.
    fn again(&self, mut batch: Batch, error: Value, batches: &mut VecDeque<Batch>, split: bool) {
        if split && batch.records.len() > 1 {
            // Splitting does not count as an attempt.
            let tries = batch.tries - 1;
            let second = batch.records.split_off(batch.records.len() / 2);
            batches.push_front(Batch { records: second, tries });
            batches.push_front(Batch { records: batch.records, tries });
        } else if self.source.retries.is_some_and(|retries| batch.tries > retries) {
            self.give_up(&batch, GivenUp::RetryAttemptsExhausted, error);
            self.pass(&batch.records);
        } else {
            batches.push_front(batch);
        }
    }

    /// Gives up the records at the head of a batch that exceed the maximum age, attempted or not.
    fn leave_old(&self, batch: &mut Batch) {
        let Some(most) = self.source.max_age else { return };
        let oldest = SystemTime::now().checked_sub(most).unwrap_or(UNIX_EPOCH);
        let old = batch.records.iter().take_while(|record| written_at(record) < oldest).count();
        if old > 0 {
            let rest = batch.records.split_off(old);
            self.give_up(batch, GivenUp::RecordAgeExceeded, Value::Null);
            self.pass(&batch.records);
            batch.records = rest;
        }
    }

    async fn invoke(&self, batch: &Batch) -> Handled {
        let event = json!({ "Records": batch.records });
        let outcome = match self.delivery.lambda.invoke(&self.source.function, event.to_string().into()).await {
            Ok(outcome) => outcome,
            Err(refusal) => {
                return Handled::Failed { error: json!({ "errorMessage": reason(&refusal) }) };
            }
        };
        let reply: Value = serde_json::from_slice(&outcome.payload).unwrap_or_default();
        if outcome.failed {
            return Handled::Failed { error: reply };
        }
        let failures = match reply.get("batchItemFailures") {
            Some(Value::Array(failures)) if self.source.reports_item_failures => failures,
            _ => return Handled::Done,
        };
        let index = |failure: &Value| {
            let id = failure.get("itemIdentifier").and_then(Value::as_str)?;
            batch.records.iter().position(|record| sequence_number(record) == Some(id))
        };
        // An identifier that is not in the batch fails the whole batch.
        match failures.iter().map(index).collect::<Option<Vec<_>>>() {
            None => Handled::Failed { error: reply },
            Some(indexes) => indexes.into_iter().min().map_or(Handled::Done, Handled::From),
        }
    }

    /// Advances the position past records.
    fn pass(&self, records: &[Value]) {
        if let Some(last) = records.last().and_then(sequence_number) {
            self.positions.set(&self.key(), Some(last.to_owned()));
        }
    }

    /// Sends the failure record to the failure destination, as Lambda does.
    fn give_up(&self, batch: &Batch, why: GivenUp, error: Value) {
        let end = |record: Option<&Value>| record.and_then(sequence_number).unwrap_or_default().to_owned();
        self.delivery.bury(json!({
            "queue": self.source.on_failure,
            "requestContext": {
                "functionArn": format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{}", self.source.function),
                "condition": match why {
                    GivenUp::RetryAttemptsExhausted => "RetryAttemptsExhausted",
                    GivenUp::RecordAgeExceeded => "RecordAgeExceeded",
                },
                "approximateInvokeCount": batch.tries,
            },
            "responsePayload": error,
            "DDBStreamBatchInfo": {
                "shardId": self.shard,
                "startSequenceNumber": end(batch.records.first()),
                "endSequenceNumber": end(batch.records.last()),
                "batchSize": batch.records.len(),
                "streamArn": self.stream_arn(),
            },
        }));
    }

    /// Adds the fields that a mapping's event has and a stream's record lacks.
    fn as_lambda_has_it(&self, mut record: Value) -> Value {
        if let Some(record) = record.as_object_mut() {
            record.insert("awsRegion".to_owned(), REGION.into());
            record.insert("eventSourceARN".to_owned(), self.stream_arn().into());
        }
        record
    }

    fn stream_arn(&self) -> String {
        let label = self.stream.rsplit('/').next().unwrap_or_default();
        format!("arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{}/stream/{label}", self.source.table)
    }

    fn key(&self) -> String {
        format!("{}/{}", self.source.function, self.source.name)
    }

    fn position(&self) -> Option<String> {
        self.positions.find(&self.key()).flatten()
    }

    async fn iterator(&self, position: Option<String>) -> Result<String, Failure> {
        let mut arguments =
            json!({ "StreamArn": self.stream, "ShardId": self.shard, "ShardIteratorType": "TRIM_HORIZON" });
        if let (Some(position), Some(arguments)) = (position, arguments.as_object_mut()) {
            arguments.insert("ShardIteratorType".to_owned(), "AFTER_SEQUENCE_NUMBER".into());
            arguments.insert("SequenceNumber".to_owned(), position.into());
        }
        let reply = call(&self.endpoint, "DynamoDBStreams_20120810.GetShardIterator", &arguments).await?;
        Ok(reply.get("ShardIterator").and_then(Value::as_str).unwrap_or_default().to_owned())
    }

    async fn read(&self, iterator: &str) -> Result<(Vec<Value>, Option<String>), Failure> {
        let arguments = json!({ "ShardIterator": iterator, "Limit": READ });
        let mut reply = call(&self.endpoint, "DynamoDBStreams_20120810.GetRecords", &arguments).await?;
        let records = match reply.get_mut("Records").map(Value::take) {
            Some(Value::Array(records)) => records,
            _ => Vec::new(),
        };
        let next = reply.get("NextShardIterator").and_then(Value::as_str).map(str::to_owned);
        Ok((records, next))
    }

    /// Returns the newest record's sequence number.
    async fn end(&self) -> Result<Option<String>, Failure> {
        let mut last = None;
        let mut iterator = Some(self.iterator(None).await?);
        while let Some(from) = iterator {
            let (records, next) = self.read(&from).await?;
            match records.last().and_then(sequence_number) {
                Some(number) => last = Some(number.to_owned()),
                None => break,
            }
            iterator = next;
        }
        Ok(last)
    }
}

/// Returns the time at which a record was written, in whole seconds; now, if the record has none.
fn written_at(record: &Value) -> SystemTime {
    let seconds = record.pointer("/dynamodb/ApproximateCreationDateTime").and_then(Value::as_f64);
    let since_epoch = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    since_epoch.map_or_else(SystemTime::now, |since| UNIX_EPOCH + since)
}

fn sequence_number(record: &Value) -> Option<&str> {
    record.pointer("/dynamodb/SequenceNumber")?.as_str()
}
