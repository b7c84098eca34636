//! `…/sso-configuration/{ssoConfigurationId}/domains`: the domains that the versions of a configuration name, and the DNS
//! record that proves each.

use serde::Serialize;
use trustplane_dns::Resolver;
use trustplane_domain::directory::domain_name::DomainName;
use trustplane_domain::directory::domain_proof::{DomainProof, Observation, Outcome, ProofStatus};
use trustplane_domain::directory::route::ConfigurationPath;
use trustplane_domain::directory::standing::{Obstacle, below_server};
use trustplane_domain::{Failure, Timestamp};
use trustplane_policy::{Change, Image, Kind, Resource};
use trustplane_runtime::{Answer, Call, Platform, Reply};
use trustplane_store::{Key, Read, StoreError, Stored, Writes, keys};

use crate::path::{self, both, configuration_keys, find_configuration};
use crate::standing::warned;
use crate::{listing, path::Configuration};

/// A domain on the wire.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Domain"))]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Body<'a> {
    domain: &'a DomainName,
    status: ProofStatus,
    #[cfg_attr(feature = "schema", schemars(regex(pattern = r"^_trustplane-challenge\.")))]
    record_name: String,
    #[cfg_attr(feature = "schema", schemars(regex(pattern = "^token=[a-z2-7]{32} expiry=")))]
    record_value: String,
    /// When the challenge ends; a proven domain's is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proven_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    missing_since: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    checked_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<Outcome>,
    #[cfg_attr(feature = "schema", schemars(length(max = 3), inner(length(max = 255))))]
    found: &'a [String],
}

/// A domain as policies and the audit log see it.
#[derive(Debug, Serialize)]
struct View {
    status: ProofStatus,
    outcome: Option<Outcome>,
}

/// What a verification is about.
struct Planned {
    proof: Stored<DomainProof>,
    obstacles: Vec<Obstacle>,
}

/// GET: a page of them, by name unless another order is asked for. Two round trips: which they are stands in the
/// configuration.
pub async fn list(call: Call) -> Result<Reply, Failure> {
    let wanted = both(path::configuration(&call.request), listing::page(&call.request, DomainProof::SORTABLE));
    let keys = |tenant: keys::Tenant, (path, _): &(ConfigurationPath, _)| configuration_keys(path, tenant);
    let permitted = call
        .permit(&keys, None, &wanted, |read, (path, page), tenant| {
            let resource = Resource::new(Kind::SsoConfiguration, path.configuration_id.to_string());
            let found = find_configuration(path, read, tenant)?;
            Ok(Change::new(resource, found.map(|found| (found, page.clone(), tenant))))
        })
        .await?;
    let (found, page, tenant) = permitted.change.outcome?;
    let named: Vec<Key> =
        found.configuration.value.domains.iter().map(|domain| tenant.challenge(domain.as_str())).collect();
    let mut read = call.read_more(&named).await?;
    let proofs = named.iter().filter_map(|key| read.take::<DomainProof>(key).transpose());
    let proofs: Vec<DomainProof> = proofs
        .map(|proof| proof.map(|proof| proof.value))
        .collect::<Result<_, _>>()
        .map_err(|error| Failure::from(&error))?;
    let reply = Reply::ok(&page.page(proofs, DomainProof::sort_key).map(|proof| serde_json::json!(body(&proof))));
    Ok(warned(reply, &obstacles(&found)))
}

/// POST `/{domain}/verify`: asks DNS now. A challenge that is over is replaced by a new one, which has to be set first.
///
/// Two round trips, and DNS between them.
pub async fn verify(call: Call) -> Result<Reply, Failure> {
    let wanted = both(path::configuration(&call.request), path::domain(&call.request));
    let token = call.random()?;
    let keys = |tenant: keys::Tenant, (path, domain): &(ConfigurationPath, DomainName)| {
        configuration_keys(path, tenant).into_iter().chain([tenant.challenge(domain.as_str())]).collect()
    };
    let permitted = call.permit(&keys, None, &wanted, plan).await?;
    let observation = match &permitted.change.outcome {
        Ok(planned) if !permitted.is_retry() && !planned.proof.value.is_over(call.now) => {
            Some(look(&planned.proof.value).await?)
        }
        _ => None,
    };
    let judged = |change| judged(change, observation.as_ref(), token, call.now);
    let permitted = permitted.map(judged)?;
    call.settle(permitted, keys, wanted, |read, wanted, tenant| judged(plan(read, wanted, tenant)?)).await
}

fn plan(
    read: &mut Read,
    (path, domain): &(ConfigurationPath, DomainName),
    tenant: keys::Tenant,
) -> Result<Change<Planned>, StoreError> {
    let resource = Resource::new(Kind::Domain, domain.as_str());
    let found = match find_configuration(path, read, tenant)? {
        Ok(found) => found,
        Err(failure) => return Ok(Change::new(resource, Err(failure))),
    };
    let proof = read.take::<DomainProof>(&tenant.challenge(domain.as_str()))?;
    let proof = proof.filter(|_| found.configuration.value.domains.contains(domain));
    let Some(proof) = proof else { return Ok(Change::new(resource, Err(Failure::NotFound("domain")))) };
    let (before, version) = (image(&proof.value), proof.version);
    let planned = Planned { proof, obstacles: obstacles(&found) };
    Ok(Change::new(resource, Ok(planned)).before(Some(before)).etag(Some(version)))
}

/// What becomes of the proof once DNS was asked, or was not, since the challenge was over.
fn judged(
    change: Change<Planned>,
    observation: Option<&Observation>,
    token: [u8; 20],
    now: Timestamp,
) -> Result<Change<Answer>, StoreError> {
    let Change { action, resource, before, own_version, etag, outcome, .. } = change;
    let (after, outcome) = match outcome {
        Err(failure) => (None, Err(failure)),
        Ok(Planned { proof, obstacles }) => {
            let after = match observation {
                _ if proof.value.is_over(now) => proof.value.renewed(token, now),
                Some(observation) => proof.value.observed(observation, now).0,
                None => proof.value.clone(),
            };
            let reply = warned(Reply::ok(&body(&after)).etag(proof.version + 1), &obstacles);
            (Some(image(&after)), Ok(Answer::new(Writes::new().replace(&proof, &after)?, reply)))
        }
    };
    Ok(Change { action, resource, before, after, own_version, etag, outcome })
}

/// Asks `TRUSTPLANE_DNS_SERVER`, or the system's servers where it is not set.
async fn look(proof: &DomainProof) -> Result<Observation, Failure> {
    let resolver = Resolver::new(Platform::setting("TRUSTPLANE_DNS_SERVER").ok().as_deref()).map_err(|error| {
        tracing::error!(%error, "DNS");
        Failure::Internal
    })?;
    Ok(resolver.txt(&proof.record_name()).await)
}

fn obstacles(found: &Configuration) -> Vec<Obstacle> {
    below_server(&found.organisation.value, &found.server.value)
}

fn image(proof: &DomainProof) -> Image {
    Image::of(&View { status: proof.status, outcome: proof.outcome })
}

fn body(proof: &DomainProof) -> Body<'_> {
    Body {
        domain: &proof.domain,
        status: proof.status,
        record_name: proof.record_name(),
        record_value: proof.record_value(),
        expires_at: (!proof.is_proven()).then_some(proof.expires_at),
        proven_at: proof.proven_at,
        missing_since: proof.missing_since,
        checked_at: proof.checked_at,
        outcome: proof.outcome,
        found: &proof.found,
    }
}
