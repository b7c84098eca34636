//! `publish-audit`: puts audit records from the table's stream on the event bus, at least once each, and seals them in the
//! chain of their tenant.
//!
//! The detail of an event is the record as it was hashed, with its `hash` and the version of its schema beside it. A
//! consumer knows a repeated event by its `id`. The names of events are in the table of functions.
//!
//! A notice carries the notification contacts of its tenant as they are when it is published. They are read once for all
//! notices of a batch; a batch without a notice reads nothing more.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Map, Value, json};
use trustplane_aws::{DEAD_LETTER_BYTES, Event};
use trustplane_domain::Timestamp;
use trustplane_domain::audit::AuditRecord;
use trustplane_domain::directory::email_address::EmailAddress;
use trustplane_domain::event::{add_contacts, detail, leave_images_out};
use trustplane_domain::ids::TenantId;
use trustplane_domain::notification::NotificationContacts;
use trustplane_runtime::{EventCall, EventError, Platform, event_name, is_notice};
use trustplane_store::{Key, StoreError, TenantKeys, Wanted};

use crate::sealing::{Unsealed, seal};

/// A record of the stream.
#[derive(Debug)]
struct Carried<'a> {
    /// Lambda's id of the record.
    sequence_number: &'a str,
    /// The record in the stream's format.
    record: &'a Value,
    /// The audit record, or the reason why it is unusable.
    published: Result<Published<'a>, String>,
}

/// An audit record to publish.
#[derive(Debug)]
struct Published<'a> {
    record: AuditRecord,
    /// The text that was hashed.
    text: &'a str,
    hash: &'a str,
    /// The name of its event.
    name: Cow<'static, str>,
    kept_until: Option<Timestamp>,
}

/// The notification contacts of tenants.
type Contacts = HashMap<TenantId, Vec<EmailAddress>>;

/// Publishes and seals the records of a batch. The response names the record from which Lambda delivers them again.
///
/// A bus or a table that is away is no fault of the records: they are delivered again for as long as the stream holds them.
/// A permanent fault (a record whose hash does not match, an event that the bus rejects for good, a chain that was changed
/// by hand) would hold up all later records, of other tenants too: it alone goes to the dead letters, and the others go on.
pub async fn publish(call: EventCall) -> Result<Value, EventError> {
    let bus = call.platform.bus()?;
    let records = call.event.get("Records").and_then(Value::as_array).ok_or("the event has no `Records`")?;
    let carried = records.iter().map(Carried::of).collect::<Result<Vec<_>, _>>()?;
    // The first record to deliver again. All records before it are done.
    let mut end = carried.len();
    let contacts = match contacts(&call, &carried).await {
        Ok(contacts) => contacts,
        Err(error) => {
            tracing::error!(error = %error, "notification contacts");
            end = carried.iter().position(Carried::is_notice).unwrap_or(end);
            Contacts::new()
        }
    };
    let mut faults = BTreeMap::new();
    let (mut places, mut events, mut unsealed) = (Vec::new(), Vec::new(), Vec::new());
    for (place, record) in carried.iter().enumerate().take(end) {
        match record.published.as_ref().map_err(Clone::clone).and_then(|record| record.event(&contacts)) {
            Ok((event, record)) => {
                places.push(place);
                events.push(event);
                unsealed.push(record);
            }
            Err(fault) => drop(faults.insert(place, fault)),
        }
    }
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
    faults.extend(sealed.hopeless);
    for (event, reason) in sent.rejected {
        let place = places.get(event).copied().unwrap_or_default();
        faults.entry(place).or_insert_with(|| format!("the event bus rejects it: {reason}"));
    }
    for (place, record) in carried.iter().enumerate().take(end) {
        if let Some(fault) = faults.get(&place)
            && let Err(error) = bury(&call.platform, record, fault).await
        {
            tracing::error!(error = %error, "an audit record is not among the dead letters");
            end = place;
            break;
        }
    }
    Ok(from(carried.get(end)))
}

/// Reads the notification contacts of the tenants that notices are for. One read, and none without a notice.
async fn contacts(call: &EventCall, carried: &[Carried<'_>]) -> Result<Contacts, StoreError> {
    let notices = carried.iter().filter(|record| record.is_notice());
    let tenants: BTreeSet<TenantId> =
        notices.filter_map(|notice| Some(notice.published.as_ref().ok()?.record.tenant_id)).collect();
    if tenants.is_empty() {
        return Ok(Contacts::new());
    }
    let keys = tenants.into_iter().map(|tenant| TenantKeys::granted(&call.grant(tenant)).notification_contacts());
    let keys: Vec<Key<NotificationContacts>> = keys.collect();
    let mut wanted = Wanted::default();
    keys.iter().for_each(|key| wanted.key(key));
    let mut read = call.platform.table.read(wanted).await?;
    let mut contacts = Contacts::new();
    for key in keys {
        match read.take(&key) {
            Ok(Some(found)) => contacts.extend(key.tenant().map(|tenant| (tenant, found.value.contacts))),
            Ok(None) => {}
            // Contacts that cannot be read hold up no notice.
            Err(error) => tracing::error!(error = %error, pk = key.pk(), "notification contacts"),
        }
    }
    Ok(contacts)
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
    /// Returns true for a record whose event is a notice.
    fn is_notice(&self) -> bool {
        self.published.as_ref().is_ok_and(|record| is_notice(&record.name))
    }

    /// Parses a record of a DynamoDB stream's event.
    fn of(record: &'a Value) -> Result<Self, &'static str> {
        let sequence_number = record.pointer("/dynamodb/SequenceNumber").and_then(Value::as_str);
        let sequence_number = sequence_number.ok_or("a record of the stream has no sequence number")?;
        let item = record.pointer("/dynamodb/NewImage").unwrap_or(&Value::Null);
        Ok(Self { sequence_number, record, published: Published::of(item) })
    }
}

impl<'a> Published<'a> {
    /// Reads an audit record from its item.
    fn of(item: &'a Value) -> Result<Self, String> {
        let attribute = |name: &str| {
            let value = item.get(name).and_then(|value| value.get("S")?.as_str());
            value.ok_or_else(|| format!("it has no `{name}`"))
        };
        let (id, text, hash) = (attribute("sk")?, attribute("record")?, attribute("hash")?);
        let record = AuditRecord::read(text, hash).map_err(|fault| fault.to_string())?;
        if record.id != id {
            return Err("it is kept under another record's id".to_owned());
        }
        let ttl = item.get("ttl").and_then(|value| value.get("N")?.as_str()?.parse::<i64>().ok());
        let kept_until = ttl.map(|seconds| Timestamp::from_millis(seconds.saturating_mul(1_000)));
        Ok(Self { name: event_name(&record), record, text, hash, kept_until })
    }

    /// Builds the event to publish, with the contacts of the tenant if it is a notice, and the record to seal.
    fn event(&self, contacts: &Contacts) -> Result<(Event, Unsealed), String> {
        let Self { record, text, hash, name, kept_until } = self;
        let mut detail = detail(text, hash).map_err(|error| error.to_string())?;
        if is_notice(name) {
            add_contacts(&mut detail, contacts.get(&record.tenant_id).map_or(&[], Vec::as_slice));
        }
        let unsealed = Unsealed {
            tenant: record.tenant_id,
            id: record.id.clone(),
            hash: (*hash).to_owned(),
            kept_until: *kept_until,
            bytes: text.len(),
        };
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
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use trustplane_domain::audit::Outcome;

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

    fn event(item: &Value) -> Result<(Event, Unsealed), String> {
        Published::of(item).and_then(|record| record.event(&Contacts::new()))
    }

    #[test]
    fn notices_alone_carry_contacts_which_are_no_part_of_the_hash() {
        let contact = EmailAddress::parse("ops@acme.example").unwrap();
        let contacts = Contacts::from([(TenantId::from_random([1; 16]), vec![contact])]);
        let notice = AuditRecord {
            action: "notify-expiring-keys".to_owned(),
            resource_type: "api-key".to_owned(),
            ..record(json!({"notice": "unused"}))
        };
        let detail = |record: &AuditRecord, contacts: &Contacts| {
            let (item, tenant) = (item(record), record.tenant_id);
            let (event, unsealed) = Published::of(&item).unwrap().event(contacts).unwrap();
            assert_eq!((unsealed.tenant, unsealed.hash), (tenant, AuditRecord::hash(&record.canonical())));
            serde_json::from_str::<Map<String, Value>>(&event.detail).unwrap()
        };
        assert_eq!(detail(&notice, &contacts)["contacts"], json!(["ops@acme.example"]));
        assert_eq!(detail(&notice, &Contacts::new())["contacts"], json!([]));
        assert_eq!(detail(&record(json!({})), &contacts).get("contacts"), None);
        let other = AuditRecord { tenant_id: TenantId::from_random([2; 16]), ..notice };
        assert_eq!(detail(&other, &contacts)["contacts"], json!([]));
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
        assert!(carried.published.is_err());
        assert_eq!(from(Some(&carried)), json!({"batchItemFailures": [{"itemIdentifier": "7"}]}));
        assert_eq!(from(None), json!({"batchItemFailures": []}));
    }
}
