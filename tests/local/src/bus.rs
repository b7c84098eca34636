//! EventBridge's `PutEvents` and SQS's `SendMessage`, local.
//!
//! A bus keeps each event that it receives, and delivers it to the functions whose rules match. Sources: "PutEvents",
//! Amazon EventBridge API Reference; "SendMessage", Amazon SQS API Reference (AWS JSON protocol).

use crate::{
    Error,
    delivery::Delivery,
    journal::Journal,
    template::{ACCOUNT, REGION, Rule},
};
use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::{Value, json};
use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};
use time::{OffsetDateTime, format_description::well_known::Rfc3339, macros::format_description};
use uuid::Uuid;

/// Largest number of entries of one call.
const ENTRIES: usize = 10;
/// Largest size of all entries of one call, in bytes.
const SIZE: usize = 256 * 1024;

/// The buses of the stack, as a cheap handle.
#[derive(Clone)]
pub(crate) struct Bus(Arc<Inner>);

struct Inner {
    names: Vec<String>,
    rules: Vec<Rule>,
    received: Journal,
    observer: Option<fn(&Value)>,
    refusing: AtomicUsize,
    rejected: Mutex<Option<String>>,
    delivery: Delivery,
}

impl Bus {
    /// Creates the default bus and the buses called `names`.
    pub fn new(
        names: &[String],
        rules: Vec<Rule>,
        received: Journal,
        observer: Option<fn(&Value)>,
        delivery: Delivery,
    ) -> Self {
        let names = names.iter().cloned().chain(["default".to_owned()]).collect();
        Self(Arc::new(Inner {
            names,
            rules,
            received,
            observer,
            refusing: AtomicUsize::new(0),
            rejected: Mutex::default(),
            delivery,
        }))
    }

    /// Returns the received events, oldest first, in the format that a rule's target gets.
    pub fn received(&self) -> Vec<Value> {
        self.0.received.entries()
    }

    /// Rejects the next `count` entries with EventBridge's `InternalFailure`.
    pub fn refuse(&self, count: usize) {
        self.0.refusing.store(count, Ordering::SeqCst);
    }

    /// Rejects entries whose detail contains `text` as malformed, each time; none any more with `None`.
    pub fn reject(&self, text: Option<String>) {
        *self.0.rejected.lock().unwrap_or_else(PoisonError::into_inner) = text;
    }

    /// Puts an event on the first bus of the template, or on the one that its `event-bus` names. Its source is the service's
    /// unless it names one.
    pub fn emit(&self, event: &Value) -> Result<(), Error> {
        let text = |name: &str| event.get(name).and_then(Value::as_str);
        let detail = event.get("detail").map(Value::to_string);
        let entry = json!({
            "EventBusName": text("event-bus").or(self.0.names.first().map(String::as_str)),
            "Source": text("source").unwrap_or("trustplane"),
            "DetailType": text("detail-type"),
            "Detail": detail,
        });
        let refused = |(code, message)| Error::new(format!("the bus does not take the event: {code}: {message}"));
        self.put(&entry).map(|_| ()).map_err(refused)
    }

    /// Returns the HTTP endpoint.
    pub fn router(self) -> Router {
        Router::new().route("/", post(dispatch)).layer(DefaultBodyLimit::disable()).with_state(self)
    }

    fn put_events(&self, arguments: &Value) -> Result<Value, Failure> {
        let entries = arguments.get("Entries").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        if entries.is_empty() || entries.len() > ENTRIES {
            let (bound, limit) = if entries.is_empty() { ("greater", 1) } else { ("less", ENTRIES) };
            return Err(Failure::validation(format!(
                "1 validation error detected: Value at 'entries' failed to satisfy constraint: Member must have length \
                 {bound} than or equal to {limit}"
            )));
        }
        if entries.iter().map(size).sum::<usize>() > SIZE {
            return Err(Failure::validation("Total size of the entries in the request is over the limit.".to_owned()));
        }
        let results: Vec<Value> = entries
            .iter()
            .map(|entry| match self.put(entry) {
                Ok(id) => json!({ "EventId": id }),
                Err((code, message)) => json!({ "ErrorCode": code, "ErrorMessage": message }),
            })
            .collect();
        let failed = results.iter().filter(|result| result.get("ErrorCode").is_some()).count();
        Ok(json!({ "FailedEntryCount": failed, "Entries": results }))
    }

    fn put(&self, entry: &Value) -> Result<String, (&'static str, String)> {
        let text = |name: &str| entry.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let required = |name: &str| {
            let reason = || format!("Parameter {name} is not valid. Reason: {name} is a required argument.");
            text(name).ok_or_else(|| ("InvalidArgument", reason()))
        };
        let (source, kind, detail) = (required("Source")?, required("DetailType")?, required("Detail")?);
        let malformed = || ("MalformedDetail", "Detail is malformed.".to_owned());
        let rejected = self.0.rejected.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if rejected.is_some_and(|text| detail.contains(&text)) {
            return Err(malformed());
        }
        let detail: Value = serde_json::from_str(detail).map_err(|_| malformed())?;
        if !detail.is_object() {
            return Err(malformed());
        }
        if source.starts_with("aws.") {
            return Err(("NotAuthorizedForSourceException", "Not authorized for the source.".to_owned()));
        }
        let bus = text("EventBusName").unwrap_or("default");
        let bus = bus.rsplit("event-bus/").next().unwrap_or(bus);
        if !self.0.names.iter().any(|name| name == bus) {
            return Err(("ResourceNotFoundException", format!("Event bus {bus} does not exist.")));
        }
        let refusing = self.0.refusing.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if refusing.is_ok() {
            return Err((
                "InternalFailure",
                "The request processing has failed because of an unknown error.".to_owned(),
            ));
        }
        // The JSON protocol has seconds since the epoch.
        let time =
            entry.get("Time").and_then(Value::as_f64).map(|time| OffsetDateTime::from_unix_timestamp(time as i64));
        let time = time.and_then(Result::ok).unwrap_or_else(OffsetDateTime::now_utc);
        let id = Uuid::new_v4().to_string();
        let event = json!({
            "version": "0",
            "id": id,
            "detail-type": kind,
            "source": source,
            "account": ACCOUNT,
            "time": event_time(time),
            "region": REGION,
            "resources": entry.get("Resources").filter(|resources| resources.is_array()).cloned().unwrap_or(json!([])),
            "detail": detail,
        });
        if let Some(observe) = self.0.observer {
            observe(&event);
        }
        for rule in self.0.rules.iter().filter(|rule| rule.bus == bus && rule.pattern.matches(&event)) {
            let (delivery, function, event) = (self.0.delivery.clone(), rule.function.clone(), event.clone());
            tokio::spawn(async move { delivery.deliver(&function, event.to_string().into()).await });
        }
        if self.0.delivery.lambda.logs().shows() {
            eprintln!("[bus {bus}] {kind} from {source}: {}", event.get("detail").unwrap_or(&Value::Null));
        }
        self.0.received.add(event);
        Ok(id)
    }

    fn describe(&self, arguments: &Value) -> Result<Value, Failure> {
        let bus = arguments.get("Name").and_then(Value::as_str).unwrap_or("default");
        let name = bus.rsplit("event-bus/").next().unwrap_or(bus);
        if !self.0.names.iter().any(|known| known == name) {
            let message = format!("Event bus {name} does not exist.");
            return Err(Failure { kind: "ResourceNotFoundException", message });
        }
        Ok(json!({ "Name": name, "Arn": format!("arn:aws:events:{REGION}:{ACCOUNT}:event-bus/{name}") }))
    }

    /// Counts the messages of a queue. Every name is a queue, as for [`Self::send_message`].
    fn queue_attributes(&self, arguments: &Value) -> Result<Value, Failure> {
        let url = arguments.get("QueueUrl").and_then(Value::as_str).unwrap_or_default();
        let name = url.rsplit('/').next().unwrap_or(url);
        let letters = self.0.delivery.dead_letters.entries();
        let waiting = letters.iter().filter(|letter| letter.get("queue").is_some_and(|queue| queue == name)).count();
        Ok(json!({ "Attributes": { "ApproximateNumberOfMessages": waiting.to_string() } }))
    }

    fn send_message(&self, arguments: &Value) -> Result<Value, Failure> {
        let text = |name: &str| arguments.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let missing = |name: &str| Failure {
            kind: "com.amazon.coral.service#MissingParameterException",
            message: format!("The request must contain the parameter {name}."),
        };
        let queue = text("QueueUrl").ok_or_else(|| missing("QueueUrl"))?;
        let body = text("MessageBody").ok_or_else(|| missing("MessageBody"))?;
        let id = Uuid::new_v4().to_string();
        self.0.delivery.dead_letters.add(json!({
            "queue": queue.rsplit('/').next().unwrap_or(queue),
            "messageId": id,
            "timestamp": OffsetDateTime::now_utc().format(&Rfc3339).unwrap_or_default(),
            "body": serde_json::from_str(body).unwrap_or_else(|_| Value::String(body.to_owned())),
        }));
        Ok(json!({ "MessageId": id, "MD5OfMessageBody": format!("{:x}", md5::compute(body)) }))
    }
}

/// Formats a time as in EventBridge's events: whole seconds, UTC.
pub(crate) fn event_time(time: OffsetDateTime) -> String {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
    time.to_offset(time::UtcOffset::UTC).format(&format).unwrap_or_default()
}

struct Failure {
    kind: &'static str,
    message: String,
}

impl Failure {
    fn validation(message: String) -> Self {
        Self { kind: "ValidationException", message }
    }
}

async fn dispatch(State(bus): State<Bus>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let result = match (target, serde_json::from_slice::<Value>(&body)) {
        ("AWSEvents.PutEvents", Ok(arguments)) => bus.put_events(&arguments),
        ("AWSEvents.DescribeEventBus", Ok(arguments)) => bus.describe(&arguments),
        ("AmazonSQS.SendMessage", Ok(arguments)) => bus.send_message(&arguments),
        ("AmazonSQS.GetQueueAttributes", Ok(arguments)) => bus.queue_attributes(&arguments),
        ("AWSEvents.PutEvents" | "AmazonSQS.SendMessage", Err(error)) => {
            Err(Failure { kind: "SerializationException", message: error.to_string() })
        }
        // Calls to services without a local counterpart also arrive here, instead of at AWS.
        _ => {
            Err(Failure { kind: "UnknownOperationException", message: format!("`{target}` has no local counterpart") })
        }
    };
    let (status, body) = match result {
        Ok(body) => (StatusCode::OK, body),
        Err(failure) => (StatusCode::BAD_REQUEST, json!({ "__type": failure.kind, "message": failure.message })),
    };
    let request_id = Uuid::new_v4().to_string();
    let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amzn-requestid", request_id.as_str())];
    (status, headers, Json(body).0.to_string()).into_response()
}

/// Returns the size of an entry, in bytes.
///
/// Source: "Calculating PutEvents event entry size", Amazon EventBridge User Guide.
fn size(entry: &Value) -> usize {
    let time = if entry.get("Time").is_some() { 14 } else { 0 };
    let texts = ["Source", "DetailType", "Detail"].iter().filter_map(|name| entry.get(name)?.as_str());
    let resources = entry.get("Resources").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    time + texts.chain(resources).map(str::len).sum::<usize>()
}
