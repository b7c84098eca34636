//! `retry-webhooks`: the attempts that are due.

use std::collections::BTreeMap;
use std::rc::Rc;

use futures_util::stream::{self, StreamExt as _};
use serde::Serialize;
use serde_json::{Value, json};
use trustplane_domain::tenant::Status;
use trustplane_domain::timestamp::SECOND;
use trustplane_domain::webhook::{Delivery, Replay, Secrets, Webhook};
use trustplane_outbound::Client;
use trustplane_runtime::{EventCall, EventError};
use trustplane_store::{Key, Stored, TenantKeys};

use super::Event;
use super::attempt::{Ended, MARGIN, Sender, clock};
use super::replay::go_on;
use crate::due::shards;

/// Keys of due deliveries in one page.
const PAGE: i32 = 500;
/// Keys of one shard in one run. The rest is due in the next run.
const MAX_KEYS: usize = 10_000;
/// Webhooks that are served side by side.
const AT_ONCE: usize = 100;
/// Replays of each shard that go on in one run, behind the deliveries of new events.
const REPLAYS: i32 = 50;
/// Attempts to one webhook side by side. If all of them fail, its other deliveries wait for the next run.
const PER_WEBHOOK: usize = 4;
/// Time after which a delivery of a suspended tenant is due again, in milliseconds.
const SUSPENDED: i64 = 3_600 * SECOND;

/// The outcome of a run.
#[derive(Debug, Default, Serialize)]
struct Run {
    /// Attempts that succeeded.
    succeeded: usize,
    /// Attempts that failed.
    failed: usize,
    /// Deliveries that were cancelled.
    cancelled: usize,
    /// Deliveries that wait for the next run.
    left: usize,
}

/// The end of one due delivery.
#[derive(Debug, PartialEq, Eq)]
enum Handled {
    /// An attempt was made.
    Attempted(Ended),
    Cancelled,
    /// It was not due any more, or another process has it.
    NotOurs,
}

/// Makes the attempts that are due: `{succeeded, failed, cancelled, left}`.
pub async fn retry(mut event: EventCall, client: Rc<Client>) -> Result<Value, EventError> {
    event.now = clock(&event);
    let mut webhooks: BTreeMap<String, Vec<Key<Delivery>>> = BTreeMap::new();
    for shard in shards(event.now) {
        let (mut after, mut count) = (None, 0);
        loop {
            let page = event.platform.table.due::<Delivery>(shard, event.now, PAGE, after).await?;
            count += page.keys.len();
            for key in page.keys {
                webhooks.entry(key.pk().to_owned()).or_default().push(key);
            }
            after = page.next.filter(|_| count < MAX_KEYS);
            if after.is_none() {
                break;
            }
        }
    }
    let (mut run, mut broken) = (Run::default(), None);
    let serving = webhooks.into_values().map(|due| serve(&event, &client, due));
    let mut ended = stream::iter(serving).buffer_unordered(AT_ONCE);
    while let Some(served) = ended.next().await {
        match served {
            Ok(served) => run.add(&served),
            Err(error) => {
                tracing::error!(error = %error, "deliveries");
                broken = broken.or(Some(error));
            }
        }
    }
    let mut replays = Vec::new();
    for shard in shards(event.now) {
        replays.extend(event.platform.table.due::<Replay>(shard, event.now, REPLAYS, None).await?.keys);
    }
    let going = replays.iter().map(|key| go_on(&event, &client, key));
    let mut ended = stream::iter(going).buffer_unordered(AT_ONCE);
    while let Some(outcome) = ended.next().await {
        match outcome {
            Ok((succeeded, failed)) => run.add(&Run { succeeded, failed, ..Run::default() }),
            Err(error) => {
                tracing::error!(error = %error, "a replay");
                broken = broken.or(Some(error));
            }
        }
    }
    match broken {
        None => Ok(json!(run)),
        Some(error) => Err(error),
    }
}

/// Serves the due deliveries of one webhook.
async fn serve(event: &EventCall, client: &Client, due: Vec<Key<Delivery>>) -> Result<Run, EventError> {
    let mut run = Run::default();
    let Some(first) = due.first() else { return Ok(run) };
    let Some(tenant) = first.tenant() else { return Err("a delivery without a tenant".into()) };
    if event.time_left() < MARGIN {
        return Ok(Run { left: due.len(), ..run });
    }
    let grant = event.grant(tenant);
    let keys = TenantKeys::granted(&grant);
    let table = &event.platform.table;
    let first = table.load(first.clone().optional()).await?;
    // The first one may be gone: the others have their turn in the next run.
    let Some(id) = first.value().map(|delivery| delivery.webhook_id) else {
        return Ok(Run { left: due.len() - 1, ..run });
    };
    let (owner, webhook) = table.load((keys.tenant().expected(), keys.webhook(id).optional())).await?;
    let sender = Sender { event, client, grant: &grant };
    let active = owner.value.status == Status::Active;
    let webhook = webhook.item;
    let secrets = match &webhook {
        Some(webhook) if active && webhook.value.is_enabled() => Some(sender.open(&webhook.value).await?),
        _ => None,
    };
    let mut batches = due.chunks(PER_WEBHOOK);
    for batch in batches.by_ref() {
        if event.time_left() < MARGIN {
            run.left += batch.len();
            break;
        }
        let handling = batch.iter().map(|key| one(&sender, key, webhook.as_ref(), secrets.as_ref(), active));
        let ended: Vec<_> = stream::iter(handling).buffer_unordered(PER_WEBHOOK).collect().await;
        let ended = ended.into_iter().collect::<Result<Vec<_>, _>>()?;
        ended.iter().for_each(|handled| run.count(handled));
        if ended.iter().all(|handled| *handled == Handled::Attempted(Ended::Failed)) {
            break;
        }
    }
    run.left += batches.map(<[_]>::len).sum::<usize>();
    Ok(run)
}

/// Handles one due delivery.
async fn one(
    sender: &Sender<'_>,
    key: &Key<Delivery>,
    webhook: Option<&Stored<Webhook>>,
    secrets: Option<&Secrets>,
    active: bool,
) -> Result<Handled, EventError> {
    let (event, table) = (sender.event, &sender.event.platform.table);
    let record = TenantKeys::granted(sender.grant).audit_record(key.sk());
    let (delivery, record) = table.load((key.clone().optional(), record.optional())).await?;
    let Some(mut delivery) = delivery.item.filter(|delivery| delivery.value.is_due(clock(event))) else {
        return Ok(Handled::NotOurs);
    };
    let cancelled = delivery.value.cancelled();
    let Some(webhook) = webhook.filter(|webhook| webhook.value.sends(delivery.value.made_at)) else {
        return Ok(if sender.write(&mut delivery, cancelled).await? { Handled::Cancelled } else { Handled::NotOurs });
    };
    let (true, Some(secrets)) = (active, secrets) else {
        let later = delivery.value.leased(clock(event).plus_millis(SUSPENDED));
        sender.write(&mut delivery, later).await?;
        return Ok(Handled::NotOurs);
    };
    let record = match record.item {
        // The delivery of a replay has an id of its own.
        _ if delivery.value.event_id != key.sk() => {
            let key = TenantKeys::granted(sender.grant).audit_record(&delivery.value.event_id);
            table.load(key.optional()).await?.item
        }
        record => record,
    };
    let sent = record.as_ref().map(Event::of);
    let Some(Ok(sent)) = sent else {
        tracing::error!(pk = key.pk(), sk = key.sk(), "the audit record of a delivery cannot be read");
        return Ok(if sender.write(&mut delivery, cancelled).await? { Handled::Cancelled } else { Handled::NotOurs });
    };
    if !sender.lease(&mut delivery).await? {
        return Ok(Handled::NotOurs);
    }
    Ok(Handled::Attempted(sender.attempt(&mut delivery, webhook, secrets, &sent.message.body()).await?))
}

impl Run {
    fn count(&mut self, handled: &Handled) {
        match handled {
            Handled::Attempted(Ended::Succeeded) => self.succeeded += 1,
            Handled::Attempted(Ended::Failed) => self.failed += 1,
            Handled::Cancelled => self.cancelled += 1,
            Handled::NotOurs => {}
        }
    }

    fn add(&mut self, other: &Self) {
        self.succeeded += other.succeeded;
        self.failed += other.failed;
        self.cancelled += other.cancelled;
        self.left += other.left;
    }
}
