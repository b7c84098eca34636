//! One attempt of a delivery, and what follows from it for the webhook.

use std::time::Duration;

use trustplane_aws::Purpose;
use trustplane_domain::Timestamp;
use trustplane_domain::timestamp::SECOND;
use trustplane_domain::webhook::{Delivery, DeliveryStatus, DisabledView, Outcome, Secrets, State, Webhook};
use trustplane_outbound::{Client, Sent};
use trustplane_policy::{Grant, Image, Kind, Resource};
use trustplane_runtime::{EventCall, EventError};
use trustplane_store::{AuditedChange, CommitError, Stored, TenantKeys, Writes};

/// Time for which an attempt has a delivery to itself, in milliseconds: longer than a request with its writes takes.
pub(super) const LEASE: i64 = 60 * SECOND;
/// Time that an attempt needs at most, with its writes: none is begun with less time left.
pub(super) const MARGIN: Duration = Duration::from_secs(25);
/// Longest pause that a process waits itself, in milliseconds. `retry-webhooks` runs once per minute.
const SHORT: i64 = 10 * SECOND;
/// Attempts to change a webhook that other requests write at the same time.
const ATTEMPTS: usize = 3;

/// Sends to the webhooks of one tenant.
pub(super) struct Sender<'a> {
    pub(super) event: &'a EventCall,
    pub(super) client: &'a Client,
    pub(super) grant: &'a Grant,
}

/// End of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    Succeeded,
    Failed,
}

/// The time: an event may come late, and a run takes minutes. Ahead of the clock only where the event's time is.
pub(super) fn clock(event: &EventCall) -> Timestamp {
    event.now.max(Timestamp::now())
}

impl Ended {
    /// The pause before the next attempt, where this process waits for it itself.
    pub(super) fn short_pause(self, delivery: &Delivery, event: &EventCall) -> Option<Duration> {
        let next = delivery.next_attempt_at.filter(|_| self == Self::Failed)?;
        let pause = next.millis_since(clock(event)).max(0);
        let fits = pause <= SHORT && event.time_left() > MARGIN + Duration::from_millis(pause.unsigned_abs());
        fits.then(|| Duration::from_millis(pause.unsigned_abs()))
    }
}

impl Sender<'_> {
    /// Decrypts the secrets of a webhook. One call to KMS.
    pub(super) async fn open(&self, webhook: &Webhook) -> Result<Secrets, EventError> {
        let seal = self.event.platform.seal()?;
        let sealed = webhook.sealed.as_ciphertext();
        let opened = seal.open_item(Purpose::Webhook, self.grant.tenant(), webhook.id, sealed).await?;
        Ok(serde_json::from_slice(&opened)?)
    }

    /// Makes an attempt of a delivery whose lease this process has, and writes its outcome on the delivery and the webhook.
    pub(super) async fn attempt(
        &self,
        delivery: &mut Stored<Delivery>,
        webhook: &Stored<Webhook>,
        secrets: &Secrets,
        body: &str,
    ) -> Result<Ended, EventError> {
        let sent = self.client.send(secrets, &delivery.value.event_id, body, clock(self.event)).await;
        let Sent { attempt, outcome, retry_after, .. } = sent;
        let random = random_part()?;
        let mut after = delivery.value.attempted(attempt, retry_after, random);
        if outcome == Outcome::Gone {
            after = Delivery { status: DeliveryStatus::Failed, next_attempt_at: None, ..after };
        }
        self.write(delivery, after).await?;
        self.observed(webhook, outcome).await?;
        Ok(if outcome == Outcome::Succeeded { Ended::Succeeded } else { Ended::Failed })
    }

    /// Makes another attempt of a delivery, if nothing has changed it and its webhook still wants it.
    pub(super) async fn again(
        &self,
        mut delivery: Stored<Delivery>,
        secrets: &Secrets,
        body: &str,
    ) -> Result<(), EventError> {
        let keys = TenantKeys::granted(self.grant);
        let found = self.event.platform.table.load(keys.webhook(delivery.value.webhook_id).optional()).await?;
        let Some(webhook) = found.item.filter(|webhook| webhook.value.sends(delivery.value.made_at)) else {
            return Ok(());
        };
        if self.lease(&mut delivery).await? {
            self.attempt(&mut delivery, &webhook, secrets, body).await?;
        }
        Ok(())
    }

    /// Takes a delivery for an attempt. `false` where another process or request has changed it.
    pub(super) async fn lease(&self, delivery: &mut Stored<Delivery>) -> Result<bool, EventError> {
        let leased = delivery.value.leased(clock(self.event).plus_millis(LEASE));
        self.write(delivery, leased).await
    }

    /// Replaces a delivery. `false` where another process or request has changed it.
    pub(super) async fn write(&self, delivery: &mut Stored<Delivery>, after: Delivery) -> Result<bool, EventError> {
        let writes = Writes::new().replace(delivery, &after);
        match self.event.platform.table.note(self.grant, writes).await {
            Ok(_) => {
                delivery.version += 1;
                delivery.value = after;
                Ok(true)
            }
            Err(CommitError::Lost) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Notes the outcome of an attempt on its webhook, if it changes anything. Disabling it is an audit record.
    async fn observed(&self, webhook: &Stored<Webhook>, outcome: Outcome) -> Result<(), EventError> {
        let mut before = webhook.clone();
        for _ in 0..ATTEMPTS {
            let after = before.value.attempted(outcome, clock(self.event));
            if after == before.value {
                return Ok(());
            }
            let writes = Writes::new().replace(&before, &after);
            let table = &self.event.platform.table;
            let written = if after.is_enabled() {
                table.note(self.grant, writes).await
            } else {
                let resource = Resource::new(Kind::Webhook, after.id.to_string());
                let (old, new) = (image(&before.value), image(&after));
                let change = AuditedChange { resource: &resource, before: Some(&old), after: Some(&new) };
                table.commit(self.grant, &change, writes, None).await
            };
            match written {
                Ok(_) => return Ok(()),
                Err(CommitError::Lost) => {}
                Err(error) => return Err(error.into()),
            }
            match table.load(before.key.clone().optional()).await?.item {
                // A user enabled it again: the attempt says nothing about that.
                Some(found) if same_era(&found.value, &webhook.value) => before = found,
                _ => return Ok(()),
            }
        }
        // Another attempt notes the same.
        Ok(())
    }
}

/// Reports that a webhook has been enabled without an interruption.
fn same_era(one: &Webhook, other: &Webhook) -> bool {
    match (one.state, other.state) {
        (State::Enabled { since, .. }, State::Enabled { since: other, .. }) => since == other,
        _ => false,
    }
}

fn image(webhook: &Webhook) -> Image {
    Image::of(&DisabledView::of(webhook))
}

/// A random number from 0 to 1.
pub(super) fn random_part() -> Result<f64, EventError> {
    let mut bytes = [0; 4];
    getrandom::fill(&mut bytes)?;
    Ok(f64::from(u32::from_be_bytes(bytes)) / f64::from(u32::MAX))
}
