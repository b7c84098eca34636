//! Replays that are due: a step per batch of audit records, behind the deliveries of new events.
//!
//! The deliveries of a batch and the progress of the replay are written in one transaction. If a process is killed, the
//! batch is sent again, with the same ids.

use futures_util::stream::{self, StreamExt as _};
use trustplane_domain::audit_chain::ids_at;
use trustplane_domain::tenant::Status;
use trustplane_domain::timestamp::SECOND;
use trustplane_domain::webhook::{Attempt, Delivery, Outcome, Replay, Secrets, Webhook};
use trustplane_outbound::{Client, Sent};
use trustplane_runtime::{EventCall, EventError};
use trustplane_store::{AuditItem, CommitError, Key, Stored, TenantKeys, Writes};

use super::Event;
use super::attempt::{LEASE, MARGIN, Sender, clock, random_part};

/// Audit records of a step: with their deliveries no more than a transaction takes.
const STEP: usize = 20;
/// Attempts side by side.
const AT_ONCE: usize = 4;
/// Pause before the next step where all attempts of one failed, in milliseconds.
const PAUSE: i64 = 60 * SECOND;

/// A delivery of a step, and its first attempt.
struct Made {
    delivery: Delivery,
    outcome: Outcome,
}

/// Goes on with a replay for as long as there is time. Returns the numbers of attempts that succeeded and failed.
pub(super) async fn go_on(event: &EventCall, client: &Client, key: &Key<Replay>) -> Result<(usize, usize), EventError> {
    let (mut succeeded, mut failed) = (0, 0);
    let Some(tenant) = key.tenant() else { return Err("a replay without a tenant".into()) };
    let grant = event.grant(tenant);
    let keys = TenantKeys::granted(&grant);
    let table = &event.platform.table;
    let sender = Sender { event, client, grant: &grant };
    let (owner, replay) = table.load((keys.tenant().expected(), key.clone().optional())).await?;
    let Some(mut replay) = replay.item.filter(|replay| replay.value.due_at <= clock(event)) else {
        return Ok((0, 0));
    };
    let webhook = table.load(keys.webhook(replay.value.webhook_id).optional()).await?.item;
    let Some(webhook) = webhook.filter(|webhook| webhook.value.sends(replay.value.made_at)) else {
        note(&sender, Writes::new().remove(&replay)).await?;
        return Ok((0, 0));
    };
    let suspended = owner.value.status != Status::Active;
    let later = Replay {
        due_at: clock(event).plus_millis(if suspended { 60 * PAUSE } else { LEASE * 3 }),
        ..replay.value.clone()
    };
    if !put(&sender, &mut replay, later, Writes::new()).await? || suspended {
        return Ok((0, 0));
    }
    let secrets = sender.open(&webhook.value).await?;
    let range = (ids_at(replay.value.from).0, ids_at(replay.value.to).1);
    loop {
        if event.time_left() < MARGIN * 2 {
            let next = Replay { due_at: clock(event), ..replay.value.clone() };
            put(&sender, &mut replay, next, Writes::new()).await?;
            return Ok((succeeded, failed));
        }
        let records = keys.audit_records().between(range.0.clone(), range.1.clone()).oldest_first();
        let page = table.load(records.page(STEP, replay.value.after.clone()).lenient()).await?;
        let rows: Vec<Stored<AuditItem>> = page.rows.into_iter().flatten().collect();
        let made = send(&sender, &replay.value, &webhook.value, &secrets, &rows).await?;
        let good = made.iter().filter(|one| one.outcome == Outcome::Succeeded).count();
        succeeded += good;
        failed += made.len() - good;
        let writes = made.iter().fold(Writes::new(), |writes, one| {
            writes.put(&keys.delivery(webhook.value.id, &one.delivery.id), &one.delivery)
        });
        let Some(next) = page.next else {
            note(&sender, writes.remove(&replay)).await?;
            return Ok((succeeded, failed));
        };
        let stuck = good == 0 && !made.is_empty();
        let due_at = if stuck { clock(event).plus_millis(PAUSE) } else { clock(event).plus_millis(LEASE * 3) };
        let after = Replay { after: Some(next), due_at, ..replay.value.clone() };
        if !put(&sender, &mut replay, after, writes).await? || stuck {
            return Ok((succeeded, failed));
        }
        if made.iter().any(|one| one.outcome == Outcome::Gone) {
            return Ok((succeeded, failed));
        }
    }
}

/// Sends the events of these records that the replay wants.
async fn send(
    sender: &Sender<'_>,
    replay: &Replay,
    webhook: &Webhook,
    secrets: &Secrets,
    rows: &[Stored<AuditItem>],
) -> Result<Vec<Made>, EventError> {
    let events = rows.iter().filter_map(|row| Some((row.key.sk(), Event::of(row).ok()?)));
    let wanted = events.filter(|(_, event)| replay.wants(webhook, &event.name));
    let sending = wanted.map(|(id, event)| async move {
        let now = clock(sender.event);
        let key = replay.delivery_id(id).ok_or("the id of a delivery cannot be made")?;
        let new = Delivery { event_id: id.to_owned(), ..Delivery::new(key, webhook.id, &event.name, now, now) };
        let Sent { attempt, outcome, retry_after, .. } =
            sender.client.send(secrets, id, &event.message.body(), now).await;
        let delivery = first(new, attempt, retry_after)?;
        Ok::<_, EventError>(Made { delivery, outcome })
    });
    let ended: Vec<_> = stream::iter(sending).buffer_unordered(AT_ONCE).collect().await;
    ended.into_iter().collect()
}

fn first(new: Delivery, attempt: Attempt, retry_after: Option<i64>) -> Result<Delivery, EventError> {
    Ok(new.attempted(attempt, retry_after, random_part()?))
}

/// Replaces a replay, with further writes. `false` where another process has changed it.
async fn put(
    sender: &Sender<'_>,
    replay: &mut Stored<Replay>,
    after: Replay,
    writes: Writes,
) -> Result<bool, EventError> {
    let written = note(sender, writes.replace(replay, &after)).await?;
    if written {
        replay.version += 1;
        replay.value = after;
    }
    Ok(written)
}

async fn note(sender: &Sender<'_>, writes: Writes) -> Result<bool, EventError> {
    match sender.event.platform.table.note(sender.grant, writes).await {
        Ok(_) => Ok(true),
        Err(CommitError::Lost) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
