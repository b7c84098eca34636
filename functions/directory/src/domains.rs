//! `…/sso-configuration/{ssoConfigurationId}/domains`: the domains that the versions of a configuration name, and the DNS
//! record that proves each.

use futures_util::future::join_all;
use serde::Serialize;
use trustplane_dns::Resolver;
use trustplane_domain::directory::domain_name::DomainName;
use trustplane_domain::directory::domain_proof::{DomainProof, Mistake, Observation, Outcome, ProofStatus};
use trustplane_domain::setup::Section;
use trustplane_domain::{Failure, Timestamp};
use trustplane_policy::{Image, Kind};
use trustplane_runtime::{Call, Context, Decision, Planned, Response, Subject, Worked, both};
use trustplane_store::{Stored, Writes};

use crate::listing;
use crate::obstacles::warned;
use crate::path::{self, Configuration, configuration_reads};

/// A domain.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Domain"))]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Body<'a> {
    /// The domain, in lower case and in the ASCII form of international names.
    domain: &'a DomainName,
    /// Status of the proof.
    status: ProofStatus,
    /// Name of the TXT record that proves the domain.
    #[cfg_attr(feature = "schema", schemars(regex(pattern = r"^_trustplane-challenge\.")))]
    record_name: String,
    /// Text of the TXT record.
    #[cfg_attr(feature = "schema", schemars(regex(pattern = "^token=[a-z2-7]{32} expiry=")))]
    record_value: String,
    /// When the challenge ends; a proven domain's is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
    /// Time of the proof.
    #[serde(skip_serializing_if = "Option::is_none")]
    proven_at: Option<Timestamp>,
    /// Time since which the record of a proven domain is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    missing_since: Option<Timestamp>,
    /// When the name servers of a proven domain stopped to give clear answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    unanswered_since: Option<Timestamp>,
    /// Time of the last lookup.
    #[serde(skip_serializing_if = "Option::is_none")]
    checked_at: Option<Timestamp>,
    /// Outcome of the last lookup.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<Outcome>,
    /// Texts that the last lookup found in place of the record's, at most three.
    #[cfg_attr(feature = "schema", schemars(length(max = 3), inner(length(max = 255))))]
    found: &'a [String],
    /// The mistake that explains the outcome.
    #[serde(skip_serializing_if = "Option::is_none")]
    mistake: Option<Mistake>,
    /// The remedy for the mistake, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<&'static str>,
}

/// A domain as policies and the audit log see it.
#[derive(Debug, Serialize)]
struct View {
    status: ProofStatus,
    outcome: Option<Outcome>,
}

/// GET: a page of domains, by name unless another order is asked for. Two round trips: the configuration names them.
pub async fn list(call: Call) -> Result<Response, Failure> {
    call.input(|request| both(path::configuration(request), listing::page(request, DomainProof::SORTABLE)))
        .reads(|(path, _), keys| configuration_reads(path, keys))
        .subject(|((path, _), ()), _, cx| {
            let own = cx.owns_configuration(path.configuration_id);
            Subject::new(Kind::SsoConfiguration, path.configuration_id.to_string()).own_configuration(own)
        })
        .plan(|((_, page), ()), found, _| Ok(Planned::new((page.clone(), found))))
        .further(|(_, found), keys| {
            let domains = found.configuration.value.domains.iter();
            domains.map(|domain| keys.domain_proof(domain).optional()).collect::<Vec<_>>()
        })
        .decide(|(page, found), proofs, _| {
            let proofs = proofs.into_iter().filter_map(|slot| slot.item).map(|proof| proof.value).collect();
            let page = page.page(proofs, DomainProof::sort_key).map(|proof| serde_json::json!(body(&proof)));
            Ok(warned(Response::ok(&page), &found.obstacles()))
        })
        .await
}

/// POST `/{domain}/verify`: asks DNS now. A challenge that has ended is replaced by a new one, whose record has to be set
/// first.
///
/// Two round trips, and DNS between them.
pub async fn verify(call: Call) -> Result<Response, Failure> {
    let token = call.random()?;
    call.input(|request| both(path::configuration(request), path::domain(request)))
        .reads(|(path, domain), keys| (configuration_reads(path, keys), keys.domain_proof(domain).optional()))
        .subject(|((path, domain), ()), read, cx| {
            let proof = read.and_then(|(found, proof)| named(found, domain, proof.item.as_ref()));
            let own = cx.owns_configuration(path.configuration_id);
            Subject::new(Kind::Domain, domain.as_str()).stored(proof, image).own_configuration(own)
        })
        .plan(|((_, domain), ()), (found, proof), _| {
            let proof = named(&found, domain, proof.item.as_ref()).cloned().ok_or(Failure::NotFound("domain"))?;
            let others = found.configuration.value.domains.iter().filter(|other| *other != domain);
            let others: Vec<DomainName> = others.cloned().collect();
            Ok(Planned::new((proof, found.obstacles(), others)))
        })
        .then(async |(proof, _, others), cx, _| {
            let observed = if proof.value.is_over(cx.now) {
                None
            } else {
                let resolver = Resolver::shared(cx.platform().dns_server()).map_err(Failure::internal)?;
                Some(looked_up(&proof.value, resolver).await)
            };
            Ok(Worked::Done((observed, are_proven(others, cx).await?)))
        })
        .decide(|(proof, obstacles, _), (observed, others_are_proven), cx| {
            let after = match observed {
                _ if proof.value.is_over(cx.now) => proof.value.renewed(token, cx.now),
                Some((observed, is_doubled)) => {
                    let after = proof.value.observed(observed, cx.now).0;
                    if *is_doubled { after.with_doubled_name() } else { after }
                }
                None => proof.value.clone(),
            };
            let response = warned(Response::ok(&body(&after)).etag(proof.version + 1), &obstacles);
            let is_complete = after.is_proven() && *others_are_proven;
            let decision = Decision::write(Writes::new().replace(&proof, &after), response).after(image(&after));
            Ok(decision.completing(Section::Domains, is_complete))
        })
        .await
}

/// Returns true if all of these domains are proven, for a setup session: its section is complete with the last one. Not read
/// for another caller.
async fn are_proven(domains: &[DomainName], cx: &Context<'_>) -> Result<bool, Failure> {
    if cx.caller.setup.is_none() {
        return Ok(false);
    }
    let proofs: Vec<_> = domains.iter().map(|domain| cx.keys.domain_proof(domain).optional()).collect();
    let proofs = cx.load(proofs).await?;
    Ok(proofs.iter().all(|proof| proof.value().is_some_and(DomainProof::is_proven)))
}

/// Looks up the record; where there is none, also at the names where a DNS provider puts it that appends the zone to a name
/// that has it already. Returns true if it is there.
async fn looked_up(proof: &DomainProof, resolver: &Resolver) -> (Observation, bool) {
    let observed = resolver.txt(&proof.record_name()).await;
    if observed != Observation::Records(Vec::new()) {
        return (observed, false);
    }
    let doubled = proof.doubled_names();
    let elsewhere = join_all(doubled.iter().map(|name| resolver.txt(name))).await;
    (observed, elsewhere.iter().any(|found| proof.is_in(found)))
}

/// The proof, if a version of the configuration names its domain.
fn named<'a>(
    found: &Configuration,
    domain: &DomainName,
    proof: Option<&'a Stored<DomainProof>>,
) -> Option<&'a Stored<DomainProof>> {
    proof.filter(|_| found.configuration.value.domains.contains(domain))
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
        unanswered_since: proof.unanswered_since,
        checked_at: proof.checked_at,
        outcome: proof.outcome,
        found: &proof.found,
        mistake: proof.mistake,
        advice: proof.mistake.map(Mistake::advice),
    }
}
