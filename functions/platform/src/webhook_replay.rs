//! POST `/v1/webhooks/{id}/replay`: sends events of the past to a webhook again.

use serde::Serialize;
use trustplane_domain::audit::AuditRecord;
use trustplane_domain::audit_chain::ids_at;
use trustplane_domain::request;
use trustplane_domain::request::{DateTime, List};
use trustplane_domain::webhook::{EventPattern, MAX_EVENTS, MAX_RANGE, Replay, Webhook};
use trustplane_domain::{Conflict, Failure, Timestamp};
use trustplane_policy::Grant;
use trustplane_runtime::{Call, Context, Decision, Planned, Request, Response, Worked, event_name};
use trustplane_store::{AuditItem, CommitError, Slot, Stored, Writes};

use crate::webhook_request::{MAX_PATTERNS, check_names};
use crate::webhooks::{enabled, found, named};

/// Audit records of one page. A page is one call.
const ROWS: usize = 400;

/// A replay of events.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "WebhookReplay"))]
pub(crate) struct Body {
    /// Events that are sent again.
    #[cfg_attr(feature = "schema", schemars(range(max = MAX_EVENTS)))]
    count: u64,
}

request! {
    /// Body of a replay.
    pub(crate) struct NewWebhookReplay {
        /// Time of the first event.
        required from: DateTime = "from",
        /// Time of the last event, at most 30 days after the first.
        required to: DateTime = "to",
        /// Events; those of the webhook if there are none.
        optional events: List<EventPattern, 1, MAX_PATTERNS> = "events",
    }
}

/// POST: 202 with the number of events. They are sent in the next minutes, behind new events.
///
/// One call to count up to 400 events, or 1 MB of audit records.
pub async fn replay(call: Call) -> Result<Response, Failure> {
    call.input(named)
        .body(|request| wanted(request, call.now))
        .reads(|named, keys| (named.reads(keys), named.id().map(|id| keys.webhook_replay(id).optional())))
        .subject(|(named, _), loaded, _| named.subject(loaded.map(|(webhook, _)| webhook)))
        .plan(|(_, wanted), (webhook, current), _| {
            let webhook = found(webhook)?;
            enabled(&webhook.value)?;
            let Some(current) = current else { return Err(Failure::NotFound("webhook")) };
            if current.item.is_some() {
                let message = "A replay to this webhook is in progress: request another one when it is done";
                return Err(Failure::conflict(Conflict::WrongState, message));
            }
            let replay = Replay { webhook_id: webhook.value.id, ..wanted.clone() };
            Ok(Planned::new((webhook, current, replay)))
        })
        .then(async |plan: &(Stored<Webhook>, Slot<Replay>, Replay), cx: &Context<'_>, grant: &Grant| {
            let (webhook, current, replay) = plan;
            let count = count(cx, &webhook.value, replay).await?;
            if count > MAX_EVENTS {
                let message = format!("must be a range with at most {MAX_EVENTS} events: it has {count}");
                return Err(Failure::invalid("from", message));
            }
            // No audit record: a replay is no event of its own.
            if count > 0 && !cx.note(grant, Writes::new().create(&current.key, replay)).await? {
                return Err(CommitError::Lost.into());
            }
            Ok(Worked::Done(count))
        })
        .decide(|_, count, _| Ok(Decision::respond(Response::json(202, &Body { count: *count }))))
        .await
}

/// Counts the events of a replay.
async fn count(cx: &Context<'_>, webhook: &Webhook, replay: &Replay) -> Result<u64, Failure> {
    let (first, last) = (ids_at(replay.from).0, ids_at(replay.to).1);
    let all = cx.keys.audit_records().between(first, last).oldest_first();
    let (mut count, mut after) = (0, None);
    loop {
        let page = cx.load(all.clone().page(ROWS, after).lenient()).await?;
        let wanted = page.rows.iter().flatten().filter(|row| is_wanted(&row.value, webhook, replay)).count();
        count += u64::try_from(wanted).unwrap_or(u64::MAX);
        after = page.next;
        if after.is_none() {
            return Ok(count);
        }
    }
}

fn is_wanted(item: &AuditItem, webhook: &Webhook, replay: &Replay) -> bool {
    let record: Result<AuditRecord, _> = serde_json::from_str(&item.record);
    record.is_ok_and(|record| replay.wants(webhook, &event_name(&record)))
}

/// The replay, without its webhook.
fn wanted(request: &Request, now: Timestamp) -> Result<Replay, Failure> {
    let mut fields = request.fields()?;
    let NewWebhookReplay { from, to, events } = NewWebhookReplay::read(&mut fields);
    let events = events.unwrap_or_default();
    for (field, fault) in check_names(&events).iter() {
        fields.fault(field, fault);
    }
    if let (Some(from), Some(to)) = (from, to) {
        if to < from {
            fields.fault("from", "must not be after `to`");
        } else if to.millis_since(from) > MAX_RANGE {
            fields.fault("from", "must be at most 30 days before `to`");
        }
    }
    let range = fields.finished(from.zip(to))?;
    let (from, to) = (range.0, range.1.min(now));
    let nobody = trustplane_domain::webhook::WebhookId::new(now, [0; 10]);
    Ok(Replay { webhook_id: nobody, from, to, events, made_at: now, after: None, due_at: now })
}
