//! Requests that create and update webhooks: their fields, checks, and what they make of a webhook.

use std::collections::BTreeSet;

use trustplane_domain::nearest::unknown;
use trustplane_domain::outbound::{OutboundUrl, Purpose, Rules};
use trustplane_domain::request;
use trustplane_domain::request::{Label, List};
use trustplane_domain::webhook::{EventPattern, SealedSecrets, State, View, Webhook, WebhookId};
use trustplane_domain::{Failure, Faults, Fields, Timestamp};
use trustplane_policy::Image;
use trustplane_runtime::{ACCESS_DENIED, Request, event_types};

/// Largest number of patterns of a webhook.
pub(crate) const MAX_PATTERNS: usize = 50;
/// The event of a denied request, which no row of the table names.
const OTHERS: [&str; 1] = [ACCESS_DENIED];

request! {
    /// Body of a new webhook.
    pub(crate) struct NewWebhook {
        /// The address, `https` on port 443 or from 1024.
        required url: OutboundUrl = "url",
        /// Events: `*`, a resource type such as `policy.*`, or names.
        required events: List<EventPattern, 1, MAX_PATTERNS> = "events",
        /// A description.
        optional description: Label<255> = "description",
    }
}

request! {
    /// Body of an update.
    pub(crate) struct WebhookUpdate: NewWebhook {
        /// False to send nothing. Enabling it again sends nothing old.
        required enabled: bool = "enabled",
    }
}

/// A checked request.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) url: OutboundUrl,
    events: Vec<EventPattern>,
    description: Option<String>,
    enabled: bool,
}

impl Wanted {
    /// The webhook that the request creates.
    pub(crate) fn made(&self, id: WebhookId, sealed: SealedSecrets, now: Timestamp) -> Webhook {
        Webhook {
            id,
            description: self.description.clone(),
            events: self.events.clone(),
            origin: self.url.origin(),
            sealed,
            state: State::Enabled { since: now, failing_since: None },
            created_at: now,
            updated_at: now,
        }
    }

    /// The webhook after an update; the same where nothing changes.
    pub(crate) fn applied(&self, before: &Webhook, sealed: SealedSecrets, now: Timestamp) -> Webhook {
        let after = Webhook {
            description: self.description.clone(),
            events: self.events.clone(),
            origin: self.url.origin(),
            sealed,
            ..before.clone()
        };
        let after = after.switched(self.enabled, now);
        if after == *before { after } else { Webhook { updated_at: now, ..after } }
    }

    /// The image of that webhook.
    pub(crate) fn image(&self) -> Image {
        let description = self.description.as_deref();
        let origin = self.url.origin();
        Image::of(&View::enabled(&origin, &self.events, description))
    }
}

/// Parses a new webhook.
pub(crate) fn wanted_new(request: &Request, rules: &Rules) -> Result<Wanted, Failure> {
    let mut fields = request.fields()?;
    let new = NewWebhook::read(&mut fields);
    let wanted = checked(&new, true, rules);
    finished(fields, wanted)
}

/// Parses an update.
pub(crate) fn wanted_update(request: &Request, rules: &Rules) -> Result<Wanted, Failure> {
    let mut fields = request.fields()?;
    let update = WebhookUpdate::read(&mut fields);
    let wanted = checked(&update.base, update.enabled.unwrap_or_default(), rules);
    finished(fields, wanted)
}

/// All faults of the fields and of their values.
fn finished(mut fields: Fields, wanted: (Option<Wanted>, Faults)) -> Result<Wanted, Failure> {
    let (wanted, faults) = wanted;
    for (field, fault) in faults.iter() {
        fields.fault(field, fault);
    }
    fields.finished(wanted)
}

/// Checks the URL by the rules for outgoing requests, and the names of events.
fn checked(new: &NewWebhook, enabled: bool, rules: &Rules) -> (Option<Wanted>, Faults) {
    let mut faults = Faults::default();
    if let Some(Err(refusal)) = new.url.as_ref().map(|url| rules.check(url, Purpose::Webhook)) {
        faults.add("url", refusal.to_string());
    }
    faults.extend(check_names(new.events.as_deref().unwrap_or_default()));
    let wanted = match (&new.url, &new.events) {
        (Some(url), Some(events)) => {
            Some(Wanted { url: url.clone(), events: events.clone(), description: new.description.clone(), enabled })
        }
        _ => None,
    };
    (wanted, faults)
}

/// Checks that there are events of these names.
pub(crate) fn check_names(patterns: &[EventPattern]) -> Faults {
    let mut faults = Faults::default();
    let names: BTreeSet<&str> = event_types().map(|row| row.name).chain(OTHERS).collect();
    for (index, pattern) in patterns.iter().enumerate() {
        if !names.iter().any(|name| pattern.matches(name)) {
            faults.add(format!("events[{index}]"), unknown(pattern.as_str(), names.iter().copied()));
        }
    }
    faults
}
