//! `refresh-metadata`: fetches the metadata of identity providers that have a metadata URL again, and applies what a rule of
//! the domain permits.
//!
//! It acts as the principal `system`: the built-in policies permit it `refresh-external-idp`, a policy of the tenant may
//! forbid it. What others have to learn is an audit record, written in the transaction that changes the provider. So each
//! event is recorded once, however often, late or concurrently the sweep runs.

use std::rc::Rc;

use serde_json::Value;
use trustplane_domain::certificate::CertificateId;
use trustplane_domain::identity_provider::{
    IdentityProvider, MAX_CERTIFICATES, RefreshEvent, RefreshRecord, Refreshed, View,
};
use trustplane_outbound::Client;
use trustplane_policy::{Image, Kind, Question, Resource};
use trustplane_runtime::{EventCall, EventError};
use trustplane_store::{Stored, TenantKeys, Writes};

use crate::due::{Budget, Change, Decision, Fault, sweep};

/// Documents that are fetched at the same time: servers that do not respond take seconds.
const AT_ONCE: usize = 25;

/// The action that the policies are asked about.
const ACTION: &str = "refresh-external-idp";

/// Refreshes every provider that is due: `{refreshed, suspended, left}`.
pub async fn refresh(event: EventCall, client: Rc<Client>) -> Result<Value, EventError> {
    sweep(&event, Budget::at_once(AT_ONCE), async |provider| refreshed(&event, &client, provider).await)
        .await
        .response("refreshed")
}

async fn refreshed(
    event: &EventCall,
    client: &Client,
    before: &Stored<IdentityProvider>,
) -> Result<Option<Decision<IdentityProvider>>, Fault> {
    let is_due = before.value.metadata().is_some_and(|metadata| metadata.next_check_at() <= event.now);
    if !is_due {
        return Ok(None);
    }
    let tenant = before.key.tenant().ok_or("the key is not one of a tenant")?;
    let store = before.key.identity_store().ok_or("the key is not one of an identity provider")?;
    let keys = TenantKeys::granted(&event.grant(tenant));
    let policies = event.platform.table.load(keys.policies().optional()).await?;
    let permit = async |after: &IdentityProvider| {
        let question = Question {
            before: Some(Image::of(&View::of(&store, &before.value))),
            after: Some(Image::of(&View::of(&store, after))),
            ..Question::new(resource(after))
        };
        event.permit(tenant, policies.value(), ACTION, question).await
    };
    // Asked before the request too: whoever forbids the refresh wants no request.
    let Some(_) = permit(&before.value).await? else {
        return Ok(Some(denied(event, &before.value)));
    };
    let Some(observation) = client.observe(&before.value, event.now).await else { return Ok(None) };
    let mut ids = Vec::with_capacity(MAX_CERTIFICATES);
    for _ in 0..MAX_CERTIFICATES {
        ids.push(CertificateId::from_random(event.random()?));
    }
    let mut ids = ids.into_iter();
    // INVARIANT: at most as many certificates are added as a provider may have.
    let new_id = move || ids.next().unwrap_or_else(|| CertificateId::from_random([0; 16]));
    let Refreshed { provider, events } = before.value.refreshed(&observation, false, new_id, event.now)?;
    let Some(grant) = permit(&provider).await? else {
        return Ok(Some(denied(event, &before.value)));
    };
    let changes = change(&store, &before.value, &provider, &events);
    Ok(Some(Decision {
        after: provider,
        changes: changes.into_iter().collect(),
        count: 1,
        grant: Some(grant),
        writes: Writes::new(),
    }))
}

/// The provider is not refreshed, and looked at again after the usual time. The denial is in the audit log.
fn denied(event: &EventCall, before: &IdentityProvider) -> Decision<IdentityProvider> {
    Decision {
        after: before.clone().refresh_postponed(event.now),
        changes: Vec::new(),
        count: 0,
        grant: None,
        writes: Writes::new(),
    }
}

fn change(store: &str, before: &IdentityProvider, after: &IdentityProvider, events: &[RefreshEvent]) -> Option<Change> {
    (!events.is_empty()).then(|| Change {
        resource: resource(after),
        before: Some(Image::of(&View::of(store, before))),
        after: Some(Image::of(&RefreshRecord::of(store, after, events))),
    })
}

fn resource(provider: &IdentityProvider) -> Resource {
    Resource::new(Kind::IdentityProvider, provider.id().to_string())
}
