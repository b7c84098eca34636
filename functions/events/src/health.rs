//! `check-health`: tests authorisation servers with an active configuration and enabled identity providers again, daily.
//!
//! A change of the outcome, of the issuer or of all keys is an audit record, written in the transaction that keeps the
//! report. So each is recorded once.

use std::rc::Rc;
use std::time::Instant;

use serde_json::Value;
use trustplane_domain::directory::ids::{AuthorisationServerId, OrganisationId};
use trustplane_domain::directory::server_test;
use trustplane_domain::health::{Facts, Health, HealthRecord, Tested};
use trustplane_domain::outbound::OutboundUrl;
use trustplane_domain::test_report::{TestCheck, TestReport};
use trustplane_outbound::Client;
use trustplane_policy::{Image, Kind, Resource};
use trustplane_runtime::{EventCall, EventError};
use trustplane_store::{Stored, TenantKeys, Writes};

use crate::due::{Budget, Change, Decision, Fault, sweep};

/// Tests at the same time: servers that do not respond take seconds.
const AT_ONCE: usize = 25;

/// The findings of a test.
struct Outcome {
    resource: Resource,
    checks: Vec<TestCheck>,
    facts: Facts,
}

/// Tests everything that is due: `{tested, suspended, left}`.
pub async fn check(event: EventCall, client: Rc<Client>) -> Result<Value, EventError> {
    sweep(&event, Budget::at_once(AT_ONCE), async |health| checked(&event, &client, health).await)
        .await
        .response("tested")
}

async fn checked(
    event: &EventCall,
    client: &Client,
    before: &Stored<Health>,
) -> Result<Option<Decision<Health>>, Fault> {
    if before.value.next_test_at > event.now {
        return Ok(None);
    }
    let tenant = before.key.tenant().ok_or("the key is not one of a tenant")?;
    let keys = TenantKeys::granted(&event.grant(tenant));
    let begun = Instant::now();
    let outcome = match &before.value.subject {
        Tested::AuthorisationServer { organisation_id, server_id } => {
            server(event, client, keys, organisation_id, *server_id).await?
        }
        Tested::IdentityProvider { identity_store_id } => provider(event, client, keys, identity_store_id).await?,
    };
    let Some(Outcome { resource, checks, facts }) = outcome else {
        let after = before.value.postponed(event.now);
        return Ok(Some(Decision { after, changes: Vec::new(), count: 0, grant: None, writes: Writes::new() }));
    };
    let duration = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let (after, events) = before.value.tested(TestReport::new(checks, event.now, duration), facts, event.now);
    let change = (!events.is_empty()).then(|| Change {
        resource,
        before: Some(Image::of(&HealthRecord::of(&before.value, &[]))),
        after: Some(Image::of(&HealthRecord::of(&after, &events))),
    });
    Ok(Some(Decision { after, changes: change.into_iter().collect(), count: 1, grant: None, writes: Writes::new() }))
}

/// Tests a server that has an active configuration; `None` if it has none, or is gone.
async fn server(
    event: &EventCall,
    client: &Client,
    keys: TenantKeys,
    organisation: &OrganisationId,
    id: AuthorisationServerId,
) -> Result<Option<Outcome>, Fault> {
    let reads = (keys.authorisation_server(organisation, id).optional(), keys.sso_configurations(organisation, id));
    let (server, configurations) = event.platform.table.load(reads).await?;
    let is_used = configurations.rows.iter().any(|row| row.value.active.is_some());
    let Some(server) = server.value().filter(|_| is_used) else { return Ok(None) };
    let Some(url) = &server.facts.openid_discovery_document else { return Ok(None) };
    let url = OutboundUrl::parse(url.as_str())?;
    let observed = client.authorisation_server(&url).await;
    Ok(Some(Outcome {
        resource: Resource::new(Kind::AuthorisationServer, id.to_string()),
        checks: server_test::judge(&server.facts, &url, &observed, event.now),
        facts: server_test::facts(&observed),
    }))
}

/// Tests the provider of a store if it is enabled.
async fn provider(event: &EventCall, client: &Client, keys: TenantKeys, store: &str) -> Result<Option<Outcome>, Fault> {
    let reads = (keys.identity_provider(store).optional(), keys.service_provider(store).optional());
    let (provider, service_provider) = event.platform.table.load(reads).await?;
    let Some(provider) = provider.value().filter(|provider| provider.is_enabled()) else { return Ok(None) };
    let signs_requests = service_provider.value().is_some_and(|one| !one.published(event.now).is_empty());
    let observed = client.identity_provider(provider, signs_requests, event.now).await;
    Ok(Some(Outcome {
        resource: Resource::new(Kind::IdentityProvider, provider.id().to_string()),
        checks: provider.judge(&observed, event.now),
        facts: Facts::default(),
    }))
}
