//! Claims of redirect URIs. A redirect URI belongs to one configuration of one tenant: the callback of a sign-in must know
//! whose it is (RFC 9700, section 4.4.2.2).
//!
//! Each write of a configuration claims its redirect URI in the same transaction. Configurations of releases without claims
//! get theirs with their next write, or by `claim-redirect-uris`.

use serde::Serialize;
use trustplane_domain::directory::ids::{AuthorisationServerId, OrganisationId, SsoConfigurationId};
use trustplane_domain::directory::route::ConfigurationPath;
use trustplane_domain::directory::sso_configuration::SsoConfiguration;
use trustplane_domain::ids::TenantId;
use trustplane_domain::{Conflict, Failure, Faults};
use trustplane_runtime::{Context, Decision, Listed, OperatorCall, Page, Response};
use trustplane_store::keys::tenants;
use trustplane_store::{RedirectClaim, Slot, TenantKeys, Writes};

use crate::sso_configurations::stored_subject;

/// Tenants of one call of `claim-redirect-uris`, at most.
const TENANTS: usize = 100;
/// Claims that one call of `claim-redirect-uris` takes before it ends: some 20 seconds.
const CLAIMS: usize = 500;

/// Refuses a redirect URI that another configuration has, of this tenant or of another. The message is the same for both.
pub(crate) fn refuse_taken(
    claim: Option<&Slot<RedirectClaim>>,
    configuration: SsoConfigurationId,
    tenant: TenantId,
) -> Result<(), Failure> {
    match claim.and_then(Slot::value) {
        Some(claim) if !claim.is_open_to(tenant, configuration) => {
            Err(Failure::invalid("RedirectUriSuffix", "is taken: choose another one"))
        }
        _ => Ok(()),
    }
}

/// The claim of a new configuration's redirect URI.
pub(crate) fn taken(configuration: &SsoConfiguration, keys: TenantKeys) -> Writes {
    held(configuration, Some(configuration.id), keys)
}

/// The claims of a configuration that changes, and marks them in `after`. A redirect URI that it gives up stays the
/// tenant's.
///
/// The claim of a configuration that had none may be another's. It is left out once it was lost.
pub(crate) fn moved(before: &SsoConfiguration, after: &mut SsoConfiguration, cx: &Context<'_>) -> Writes {
    let is_moved = before.redirect_uri != after.redirect_uri;
    if *before == *after || (before.redirect_uri_is_claimed && !is_moved) {
        return Writes::new();
    }
    if is_moved {
        after.redirect_uri_is_claimed = true;
        return taken(after, cx.keys).and(given_up(before, cx));
    }
    after.redirect_uri_is_claimed = may_claim(before, cx);
    if after.redirect_uri_is_claimed { taken(after, cx.keys) } else { Writes::new() }
}

/// The claim of a redirect URI that its configuration no longer has: it stays the tenant's.
pub(crate) fn given_up(before: &SsoConfiguration, cx: &Context<'_>) -> Writes {
    let is_own = before.redirect_uri_is_claimed || may_claim(before, cx);
    if is_own { held(before, None, cx.keys) } else { Writes::new() }
}

/// Adds a `Warning` to the response where another configuration has the same redirect URI.
pub(crate) fn warned(response: Response, configuration: &SsoConfiguration, cx: &Context<'_>) -> Response {
    let is_shared =
        !configuration.redirect_uri_is_claimed && (cx.claim_lost || !configuration.may_claim_redirect_uri());
    if is_shared {
        let message = "another SSO configuration has the same RedirectUri: send a RedirectUriSuffix that is not taken";
        response.header("warning", format!("299 trustplane \"{message}\""))
    } else {
        response
    }
}

fn may_claim(before: &SsoConfiguration, cx: &Context<'_>) -> bool {
    !cx.claim_lost && before.may_claim_redirect_uri()
}

fn held(of: &SsoConfiguration, configuration_id: Option<SsoConfigurationId>, keys: TenantKeys) -> Writes {
    let claim = RedirectClaim { tenant_id: keys.id(), configuration_id };
    Writes::new().hold(&keys.redirect_claim(&of.redirect_uri), &claim, of.id)
}

/// The result of `claim-redirect-uris`.
#[derive(Debug, Serialize)]
struct Claimed {
    /// Claims that were taken.
    claimed: usize,
    /// Configurations whose redirect URI is another's.
    #[serde(flatten)]
    duplicates: Listed<Duplicate>,
}

/// A configuration whose redirect URI another configuration holds, or has as its id.
#[derive(Debug, Serialize)]
struct Duplicate {
    tenant_id: TenantId,
    organisation_id: OrganisationId,
    server_id: AuthorisationServerId,
    configuration_id: SsoConfigurationId,
    redirect_uri: String,
    /// The claim; `None` where the URI ends in the id of another configuration, which has not claimed it yet.
    held_by: Option<RedirectClaim>,
}

/// `claim-redirect-uris`: `{limit?, cursor?}`; claims the redirect URIs of configurations of earlier releases, for a page of
/// tenants, the oldest first. Returns `{claimed, data, next_cursor, has_more}`, where `data` lists the configurations whose
/// redirect URI belongs to another one.
///
/// It can be repeated. Where many configurations have no claim, a page ends early, and `next_cursor` goes on with the same
/// tenant.
pub async fn claim(call: OperatorCall) -> Result<Response, Failure> {
    let mut fields = call.fields()?;
    let limit = fields.optional_integer("limit").map(|limit| limit.to_string());
    let cursor = fields.optional_string("cursor");
    fields.finish(Faults::default())?;
    let page = Page::parse(limit.as_deref(), cursor.as_deref(), TENANTS)?;
    let listing = call.load(tenants().page(page.limit(), page.after().map(str::to_owned))).await?;
    let (mut claimed, mut duplicates) = (0, Vec::new());
    // Before all tenants, or the last one of the page before.
    let mut done = page.after().unwrap_or("0").to_owned();
    for row in &listing.rows {
        let keys = call.keys(row.value.tenant_id);
        let configurations = call.load(keys.all_sso_configurations()).await?.rows;
        let wanted = configurations.iter().map(|row| keys.redirect_claim(&row.value.redirect_uri).optional());
        let claims = call.load(wanted.collect::<Vec<_>>()).await?;
        for (configuration, claim) in configurations.into_iter().zip(claims) {
            if claimed == CLAIMS {
                return Ok(Response::ok(&Claimed { claimed, duplicates: Listed::new(duplicates, Some(&done)) }));
            }
            match settled(&call, keys, &configuration.value, claim).await? {
                Settled::Before => {}
                Settled::Now => claimed += 1,
                Settled::Taken(held_by) => duplicates.push(duplicate(keys, configuration.value, held_by)),
            }
        }
        row.key.sk().clone_into(&mut done);
    }
    Ok(Response::ok(&Claimed { claimed, duplicates: Listed::new(duplicates, listing.next.as_deref()) }))
}

/// The state of a configuration's claim.
enum Settled {
    /// It was there, or the configuration changed meanwhile and has taken it.
    Before,
    /// It was taken now.
    Now,
    /// Another configuration has it.
    Taken(Option<RedirectClaim>),
}

async fn settled(
    call: &OperatorCall,
    keys: TenantKeys,
    configuration: &SsoConfiguration,
    claim: Slot<RedirectClaim>,
) -> Result<Settled, Failure> {
    let (tenant, id) = (keys.id(), configuration.id);
    match claim.value() {
        Some(claim) if !claim.is_open_to(tenant, id) => return Ok(Settled::Taken(Some(*claim))),
        Some(claim) if claim.configuration_id == Some(id) => return Ok(Settled::Before),
        _ if !configuration.may_claim_redirect_uri() => return Ok(Settled::Taken(claim.value().copied())),
        _ => {}
    }
    let path = ConfigurationPath::from(configuration);
    let outcome = call
        .change(
            tenant,
            |keys| keys.sso_configuration(&path),
            |current, keys| {
                let response = Response::empty();
                let decision = if current.value.redirect_uri == configuration.redirect_uri {
                    Decision::write(taken(&current.value, keys), response)
                } else {
                    Decision::respond(response)
                };
                Ok((stored_subject(&current), decision))
            },
        )
        .await;
    match outcome {
        Ok(_) => Ok(Settled::Now),
        Err(Failure::NotFound(_)) => Ok(Settled::Before),
        Err(Failure::Conflict(Conflict::Claimed, _)) => {
            let claim = call.load(keys.redirect_claim(&configuration.redirect_uri).optional()).await?;
            Ok(Settled::Taken(claim.value().copied()))
        }
        Err(failure) => Err(failure),
    }
}

fn duplicate(keys: TenantKeys, of: SsoConfiguration, held_by: Option<RedirectClaim>) -> Duplicate {
    Duplicate {
        tenant_id: keys.id(),
        organisation_id: of.organisation_id,
        server_id: of.server_id,
        configuration_id: of.id,
        redirect_uri: of.redirect_uri,
        held_by,
    }
}
