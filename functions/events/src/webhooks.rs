//! `deliver-webhooks` and `retry-webhooks`: send events to tenants' webhooks, at least once each.
//!
//! An event of the bus names an audit record. What is sent is the record as the table has it, so an event that was put on
//! the bus by somebody else sends nothing. Each webhook gets a delivery, whose key is the id of the event: an event that
//! comes twice makes no second delivery. A delivery is written before its first attempt, due at a time at which the attempt
//! has ended: if the process is killed, `retry-webhooks` finds it.
//!
//! Attempts are made side by side. `retry-webhooks` stops with a webhook whose attempts fail, so that one endpoint does not
//! hold up others.

mod attempt;
mod replay;
mod retry;

use std::rc::Rc;

use futures_util::future::join_all;
use serde_json::{Value, json};
use trustplane_domain::audit::AuditRecord;
use trustplane_domain::event::detail;
use trustplane_domain::ids::TenantId;
use trustplane_domain::tenant::Status;
use trustplane_domain::webhook::{Delivery, DeliveryId, Message, Webhook};
use trustplane_outbound::Client;
use trustplane_runtime::{EventCall, EventError, event_name};
use trustplane_store::{AuditItem, CommitError, Stored, TenantKeys, Writes};

pub use retry::retry;

use attempt::{LEASE, Sender, clock};

/// The event that an audit record is.
struct Event {
    name: String,
    message: Message,
}

/// Sends an event of the bus to the webhooks that want it: `{deliveries}`.
///
/// An event that names no audit record goes to the dead letters: no retry can repair it.
pub async fn deliver(mut event: EventCall, client: Rc<Client>) -> Result<Value, EventError> {
    // An attempt, and what follows from it, happen now: the time of an event of the bus is an earlier one, in whole seconds.
    event.now = clock(&event);
    let Some((tenant, id)) = named(&event.event) else {
        return bury(&event, "the event names no audit record").await;
    };
    let grant = event.grant(tenant);
    let keys = TenantKeys::granted(&grant);
    let reads = (keys.tenant().optional(), keys.audit_record(id.as_str()).optional(), keys.webhooks().lenient());
    let (owner, record, webhooks) = event.platform.table.load(reads).await?;
    let Some(record) = record.item else { return bury(&event, "there is no such audit record").await };
    let sent = match Event::of(&record) {
        Ok(sent) => sent,
        Err(fault) => return bury(&event, &fault).await,
    };
    if owner.value().is_none_or(|owner| owner.status != Status::Active) {
        return Ok(json!({"deliveries": 0}));
    }
    let webhooks = webhooks
        .rows
        .into_iter()
        .filter_map(|row| row.inspect_err(|key| tracing::error!(%key, "a webhook cannot be read")).ok());
    // An event of a time before the webhook was created or enabled again is none of its events, however late it comes.
    let at = sent.message.timestamp;
    let wants = |webhook: &Webhook| webhook.wants(&sent.name) && webhook.sends(at);
    let wanting = webhooks.filter(|webhook| wants(&webhook.value));
    let sender = Sender { event: &event, client: &client, grant: &grant };
    let body = sent.message.body();
    let sending = wanting.map(|webhook| first(&sender, webhook, &id, &sent.name, &body));
    let ended = join_all(sending).await;
    let deliveries = ended.iter().filter(|one| matches!(one, Ok(true))).count();
    match ended.into_iter().find_map(Result::err) {
        None => Ok(json!({"deliveries": deliveries})),
        Some(error) => Err(error),
    }
}

/// Makes a delivery, and its first two attempts. `false` where the event was delivered before.
async fn first(
    sender: &Sender<'_>,
    webhook: Stored<Webhook>,
    id: &DeliveryId,
    name: &str,
    body: &str,
) -> Result<bool, EventError> {
    let keys = TenantKeys::granted(sender.grant);
    let now = clock(sender.event);
    let delivery = Delivery::new(id.clone(), webhook.value.id, name, now, now.plus_millis(LEASE));
    let key = keys.delivery(webhook.value.id, id);
    match sender.event.platform.table.note(sender.grant, Writes::new().create(&key, &delivery)).await {
        Ok(_) => {}
        Err(CommitError::Lost) => return Ok(false),
        Err(error) => return Err(error.into()),
    }
    let secrets = match sender.open(&webhook.value).await {
        Ok(secrets) => secrets,
        Err(error) => {
            // The delivery is due again when its lease is over.
            tracing::error!(error = %error, webhook = %webhook.value.id, "the secrets of a webhook cannot be opened");
            return Ok(true);
        }
    };
    let mut stored = Stored { key, version: 1, value: delivery };
    let outcome = sender.attempt(&mut stored, &webhook, &secrets, body).await?;
    if let Some(pause) = outcome.short_pause(&stored.value, sender.event) {
        tokio::time::sleep(pause).await;
        sender.again(stored, &secrets, body).await?;
    }
    Ok(true)
}

/// The tenant and the audit record that an event of the bus names.
fn named(event: &Value) -> Option<(TenantId, DeliveryId)> {
    let text = |name: &str| event.get("detail")?.get(name)?.as_str();
    let source = event.get("source").and_then(Value::as_str);
    if source != Some(trustplane_aws::SOURCE) {
        return None;
    }
    Some((TenantId::parse(text("tenant_id")?)?, DeliveryId::parse(text("id")?)?))
}

/// Puts an event among the dead letters, with its fault. Without the detail, which may be large.
async fn bury(event: &EventCall, fault: &str) -> Result<Value, EventError> {
    let head: serde_json::Map<String, Value> = ["id", "source", "detail-type", "time"]
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), short(event.event.get(name)?))))
        .collect();
    let detail = event.event.get("detail");
    let part = |name: &str| detail.and_then(|detail| detail.get(name)).map(short);
    tracing::error!(fault, "an event goes to the dead letters");
    let letter = json!({
        "function": "deliver-webhooks",
        "reason": fault,
        "event": head,
        "detail": {"id": part("id"), "tenant_id": part("tenant_id")},
    });
    event.platform.dead_letters()?.send(&letter).await?;
    Ok(json!({"deliveries": 0}))
}

/// A value for a letter, or nothing where it is long.
fn short(value: &Value) -> Value {
    match value {
        Value::String(text) if text.len() <= 256 => value.clone(),
        _ => Value::Null,
    }
}

impl Event {
    /// Reads the event from its record.
    fn of(stored: &Stored<AuditItem>) -> Result<Self, String> {
        let AuditItem { record: text, hash, .. } = &stored.value;
        let record = AuditRecord::read(text, hash).map_err(|fault| fault.to_string())?;
        let data = detail(text, hash).map_err(|error| error.to_string())?;
        let name = event_name(&record).into_owned();
        Ok(Self { message: Message::new(name.clone(), record.occurred_at, data), name })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_event_of_our_own_that_names_a_record_is_delivered() {
        let tenant = TenantId::from_random([1; 16]);
        let event = |source: &str, id: &str| json!({"source": source, "detail-type": "policy.saved", "detail": {"tenant_id": tenant, "id": id}});
        let id = "01JGJ9S3A8Z7Y8V6W5T4S3R2Q1";
        assert_eq!(named(&event("trustplane", id)), Some((tenant, DeliveryId::parse(id).unwrap())));
        for other in [
            event("aws.events", id),
            event("trustplane", "x"),
            event("trustplane", ""),
            json!({"source": "trustplane", "detail": {"tenant_id": "x", "id": id}}),
            json!({"source": "trustplane", "detail": [id]}),
            json!({"source": "trustplane"}),
            json!([]),
            Value::Null,
        ] {
            assert_eq!(named(&other), None, "{other}");
        }
    }

    #[test]
    fn a_letter_repeats_nothing_long() {
        assert_eq!(short(&json!("x".repeat(257))), Value::Null);
        assert_eq!((short(&json!("x")), short(&json!({"a": 1}))), (json!("x"), Value::Null));
    }
}
