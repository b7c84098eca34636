//! `publish-audit`: puts audit records from the table's stream on the event bus, at least once each, and seals them in the
//! chain of their tenant.
//!
//! The detail of an event is the record as it was hashed, with its `hash` and the version of its schema beside it. A
//! consumer knows a repeated event by its `id`. The names of events are in the table of functions.

use serde_json::{Map, Value, json};
use trustplane_aws::{DEAD_LETTER_BYTES, Event};
use trustplane_domain::Timestamp;
use trustplane_domain::audit::AuditRecord;
use trustplane_domain::event::{detail, leave_images_out};
use trustplane_runtime::{EventCall, EventError, Platform, event_name};

use crate::sealing::{Unsealed, seal};

/// A record of the stream.
#[derive(Debug)]
struct Carried<'a> {
    /// Lambda's id of the record.
    sequence_number: &'a str,
    /// The record in the stream's format.
    record: &'a Value,
    /// The event to publish and the record to seal, or the reason why the record is unusable.
    event: Result<(Event, Unsealed), String>,
}

/// Publishes and seals the records of a batch. The response names the record from which Lambda delivers them again.
///
/// A bus or a table that is away is no fault of the records: they are delivered again for as long as the stream holds them.
/// A permanent fault (a record whose hash does not match, an event that the bus rejects for good, a chain that was changed
/// by hand) would hold up all later records, of other tenants too: it alone goes to the dead letters, and the others go on.
pub async fn publish(call: EventCall) -> Result<Value, EventError> {
    let bus = call.platform.bus()?;
    let records = call.event.get("Records").and_then(Value::as_array).ok_or("the event has no `Records`")?;
    let carried = records.iter().map(Carried::of).collect::<Result<Vec<_>, _>>()?;
    let good = |(place, record): (usize, &'_ Carried<'_>)| record.event.clone().ok().map(|good| (place, good));
    let (places, (events, unsealed)): (Vec<usize>, (Vec<Event>, Vec<Unsealed>)) =
        carried.iter().enumerate().filter_map(good).unzip();
    // The first record to deliver again. All records before it are done.
    let mut end = carried.len();
    let sent = bus.publish(&events).await;
    if let Some(unpublished) = &sent.unpublished {
        tracing::error!(reason = unpublished.reason, class = %unpublished.class, "audit records not published");
        end = places.get(unpublished.first).copied().unwrap_or_default();
    }
    // A record whose event was rejected has its place in the chain all the same.
    let published = places.iter().zip(&unsealed).filter(|(place, _)| **place < end);
    let published: Vec<(usize, &Unsealed)> = published.map(|(place, unsealed)| (*place, unsealed)).collect();
    let sealed = seal(&call.platform.table, |tenant| call.grant(tenant), &published).await;
    end = sealed.again.map_or(end, |first| end.min(first));
    let mut faults = sealed.hopeless;
    for (event, reason) in sent.rejected {
        let place = places.get(event).copied().unwrap_or_default();
        faults.entry(place).or_insert_with(|| format!("the event bus rejects it: {reason}"));
    }
    for (place, record) in carried.iter().enumerate().take(end) {
        let fault = record.event.as_ref().err().or_else(|| faults.get(&place));
        if let Some(fault) = fault
            && let Err(error) = bury(&call.platform, record, fault).await
        {
            tracing::error!(error = %error, "an audit record is not among the dead letters");
            end = place;
            break;
        }
    }
    Ok(from(carried.get(end)))
}

/// Puts a record among the dead letters, with its fault. The letter is an event of this function: once the fault is mended,
/// the function is invoked with it.
async fn bury(platform: &Platform, record: &Carried<'_>, fault: &str) -> Result<(), EventError> {
    let number = record.sequence_number;
    tracing::error!(sequence_number = number, fault, "an audit record goes to the dead letters");
    Ok(platform.dead_letters()?.send(&letter(record.record, fault)).await?)
}

/// Builds the dead letter. It omits the images of a record that is too large; the table has them.
fn letter(record: &Value, fault: &str) -> Value {
    let letter = json!({"function": "publish-audit", "reason": fault, "Records": [record]});
    if letter.to_string().len() <= DEAD_LETTER_BYTES {
        return letter;
    }
    let keys = record.pointer("/dynamodb/Keys");
    json!({"function": "publish-audit", "reason": fault, "keys": keys})
}

/// Builds the result that makes Lambda deliver this record and the following ones again; empty if all are done.
///
/// Source: "Configuring partial batch response with DynamoDB and Lambda", AWS Lambda Developer Guide.
fn from(record: Option<&Carried<'_>>) -> Value {
    let failures: Vec<Value> =
        record.iter().map(|record| json!({ "itemIdentifier": record.sequence_number })).collect();
    json!({ "batchItemFailures": failures })
}

impl<'a> Carried<'a> {
    /// Parses a record of a DynamoDB stream's event.
    fn of(record: &'a Value) -> Result<Self, &'static str> {
        let sequence_number = record.pointer("/dynamodb/SequenceNumber").and_then(Value::as_str);
        let sequence_number = sequence_number.ok_or("a record of the stream has no sequence number")?;
        let item = record.pointer("/dynamodb/NewImage").unwrap_or(&Value::Null);
        Ok(Self { sequence_number, record, event: event(item) })
    }
}

/// Builds the event of an audit record from its item.
fn event(item: &Value) -> Result<(Event, Unsealed), String> {
    let attribute = |name: &str| {
        let value = item.get(name).and_then(|value| value.get("S")?.as_str());
        value.ok_or_else(|| format!("it has no `{name}`"))
    };
    let (id, text, hash) = (attribute("sk")?, attribute("record")?, attribute("hash")?);
    let record = AuditRecord::read(text, hash).map_err(|fault| fault.to_string())?;
    if record.id != id {
        return Err("it is kept under another record's id".to_owned());
    }
    let mut detail = detail(text, hash).map_err(|error| error.to_string())?;
    let ttl = item.get("ttl").and_then(|value| value.get("N")?.as_str()?.parse::<i64>().ok());
    let unsealed = Unsealed {
        tenant: record.tenant_id,
        id: id.to_owned(),
        hash: hash.to_owned(),
        kept_until: ttl.map(|seconds| Timestamp::from_millis(seconds.saturating_mul(1_000))),
        bytes: text.len(),
    };
    let name = event_name(&record);
    let event = |detail: &Map<String, Value>| Event {
        detail_type: name.clone().into_owned(),
        detail: json!(detail).to_string(),
        time: record.occurred_at,
    };
    let whole = event(&detail);
    if whole.fits() {
        return Ok((whole, unsealed));
    }
    // The audit log has the rest.
    leave_images_out(&mut detail);
    let short = Some(event(&detail)).filter(Event::fits);
    short.map(|short| (short, unsealed)).ok_or_else(|| "it is larger than an event may be".to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use trustplane_domain::audit::Outcome;
    use trustplane_domain::ids::TenantId;

    use super::*;

    fn record(after: Value) -> AuditRecord {
        AuditRecord {
            id: "01JGJ9S3A8Z7Y8V6W5T4S3R2Q1".to_owned(),
            tenant_id: TenantId::from_random([1; 16]),
            occurred_at: Timestamp::from_millis(1_767_323_045_678),
            actor: json!({"id": "operator", "name": "operator", "type": "operator", "roles": []}),
            action: "create-tenant".to_owned(),
            resource_type: "tenant".to_owned(),
            resource_id: "x".to_owned(),
            outcome: Outcome::Allowed,
            before: None,
            after: Some(after),
            determining_policies: Vec::new(),
            source_ip: None,
            user_agent: None,
            request_id: "r".to_owned(),
            interaction_id: None,
        }
    }

    fn item(record: &AuditRecord) -> Value {
        let text = record.canonical();
        let hash = AuditRecord::hash(&text);
        json!({"sk": {"S": record.id}, "record": {"S": text}, "hash": {"S": hash}})
    }

    proptest! {
        #[test]
        fn the_detail_without_hash_and_version_is_what_the_hash_is_of(name: String) {
            let record = record(json!({"name": name, "status": "active"}));
            let (event, unsealed) = event(&item(&record)).unwrap();
            prop_assert_eq!((&unsealed.id, &unsealed.hash), (&record.id, &AuditRecord::hash(&record.canonical())));
            prop_assert_eq!((event.detail_type, event.time), ("tenant.created".to_owned(), record.occurred_at));
            let mut detail: Map<String, Value> = serde_json::from_str(&event.detail).unwrap();
            let hash = detail.remove("hash").unwrap();
            prop_assert_eq!((detail.remove("schema_version"), &detail["action"]), (Some(json!(1)), &json!("create-tenant")));
            let text = serde_json::from_value::<AuditRecord>(json!(detail)).unwrap().canonical();
            prop_assert_eq!(&text, &record.canonical());
            prop_assert_eq!(AuditRecord::hash(&text), hash.as_str().unwrap());
        }
    }

    #[test]
    fn a_denied_attempt_is_not_called_by_what_it_was_denied() {
        let denied = AuditRecord { outcome: Outcome::Denied, ..record(json!({})) };
        assert_eq!(event(&item(&denied)).unwrap().0.detail_type, "access.denied");
    }

    #[test]
    fn what_was_changed_by_hand_is_not_published() {
        let good = item(&record(json!({"name": "Example"})));
        assert!(event(&good).is_ok());
        let with = |name: &str, value: Value| {
            let mut item = good.clone();
            item[name] = value;
            event(&item).unwrap_err()
        };
        let other = record(json!({"name": "Other"}));
        assert_eq!(with("record", json!({"S": other.canonical()})), "its hash is not that of its text");
        assert_eq!(with("hash", json!({"S": ""})), "its hash is not that of its text");
        assert_eq!(with("hash", json!({"N": "1"})), "it has no `hash`");
        assert_eq!(with("sk", json!({"S": "01JGJ9S3A8Z7Y8V6W5T4S3R2Q2"})), "it is kept under another record's id");
        assert_eq!(event(&Value::Null).unwrap_err(), "it has no `sk`");
    }

    #[test]
    fn a_record_too_large_for_an_event_goes_without_its_images_and_says_so() {
        let record = record(json!({"text": "x".repeat(300_000)}));
        let (event, _) = event(&item(&record)).unwrap();
        assert!(event.fits());
        let detail: Value = serde_json::from_str(&event.detail).unwrap();
        assert_eq!(detail["left_out"], json!(["before", "after"]));
        assert!(detail.get("before").is_none() && detail.get("after").is_none());
        assert_eq!(
            (&detail["id"], &detail["hash"]),
            (&json!(record.id), &json!(AuditRecord::hash(&record.canonical())))
        );
    }

    #[test]
    fn a_letter_is_an_event_to_try_again_with_unless_it_would_be_too_large() {
        let record = |length: usize| {
            let image = json!({"record": {"S": "x".repeat(length)}});
            json!({"dynamodb": {"SequenceNumber": "7", "Keys": {"sk": {"S": "id"}}, "NewImage": image}})
        };
        let short = letter(&record(200_000), "it is broken");
        assert_eq!((&short["Records"][0], &short["reason"]), (&record(200_000), &json!("it is broken")));
        let long = letter(&record(300_000), "it is broken");
        assert_eq!((&long["keys"], long.get("Records")), (&json!({"sk": {"S": "id"}}), None));
    }

    #[test]
    fn a_record_that_lambda_could_not_be_told_of_is_an_error() {
        assert!(Carried::of(&json!({"dynamodb": {}})).is_err());
        let record = json!({"dynamodb": {"SequenceNumber": "7"}});
        let carried = Carried::of(&record).unwrap();
        assert_eq!(carried.sequence_number, "7");
        assert!(carried.event.is_err());
        assert_eq!(from(Some(&carried)), json!({"batchItemFailures": [{"itemIdentifier": "7"}]}));
        assert_eq!(from(None), json!({"batchItemFailures": []}));
    }
}
