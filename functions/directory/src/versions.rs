//! `…/sso-configuration/{ssoConfigurationId}/versions`: the content of a configuration, submitted by one credential, approved
//! by another, taken into use and rolled back.

use std::collections::BTreeSet;

use serde::Serialize;
use trustplane_domain::directory::approval::{self, Step, step};
use trustplane_domain::directory::domain_name::{DomainName, RestrictedDomain};
use trustplane_domain::directory::ids::{SsoConfigurationId, VersionId};
use trustplane_domain::directory::route::ConfigurationPath;
use trustplane_domain::directory::version::{
    AuthenticationPolicy, Author, Version, VersionContent, VersionStatus, VersionUpdate, parse_status_filter,
};
use trustplane_domain::{Failure, Timestamp};
use trustplane_policy::{Action, Group, Image, Kind};
use trustplane_runtime::{Call, Context, Decision, Planned, Request, Response, Subject, both};
use trustplane_store::{Reads, Stored, TenantKeys};

use crate::obstacles::warned;
use crate::path::{self, Configuration, configuration_reads};
use crate::switch::{DomainFacts, Plan, Proofs};
use crate::{listing, redirect_uris};

/// A version.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "SsoConfigurationVersion"))]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Body<'a> {
    /// Id of the version.
    #[serde(rename = "ID")]
    id: VersionId,
    /// Id of its configuration.
    #[serde(rename = "SsoConfigurationID")]
    configuration_id: SsoConfigurationId,
    /// Number of the version, from 1.
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    version: u32,
    /// Client id at the OpenID provider.
    #[cfg_attr(feature = "schema", schemars(with = "trustplane_domain::directory::version::ClientId"))]
    #[serde(rename = "ClientID")]
    client_id: &'a str,
    /// Domains whose users must sign in through the configuration; `*` alone is every domain.
    #[cfg_attr(feature = "schema", schemars(length(max = 10)))]
    restricted_domains: &'a [RestrictedDomain],
    /// Domains whose users may sign in through the configuration.
    #[cfg_attr(feature = "schema", schemars(length(max = 10)))]
    supported_domains: &'a [DomainName],
    /// Name of the claim that has the groups of a user.
    #[cfg_attr(feature = "schema", schemars(with = "trustplane_domain::directory::version::GroupClaim"))]
    group_claim: &'a str,
    /// JSONPath to the claim; `$.` is the top of the token.
    #[cfg_attr(feature = "schema", schemars(with = "trustplane_domain::directory::version::GroupClaimPath"))]
    group_claim_path: &'a str,
    /// Scopes to request besides `openid`, separated by spaces.
    #[cfg_attr(feature = "schema", schemars(with = "trustplane_domain::directory::version::Scopes"))]
    additional_scope_values: &'a str,
    /// Demands on the authentication of a user.
    authentication_policies: &'a [AuthenticationPolicy],
    /// Status of the version.
    status: VersionStatus,
    /// Time of its creation.
    created_at: Timestamp,
    /// Time of the last change.
    updated_at: Timestamp,
}

/// A version as policies and the audit log see it.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "VersionImage"))]
pub(crate) struct View<'a> {
    configuration_id: SsoConfigurationId,
    version: u32,
    client_id: &'a str,
    restricted_domains: &'a [RestrictedDomain],
    supported_domains: &'a [DomainName],
    group_claim: &'a str,
    group_claim_path: &'a str,
    additional_scope_values: &'a str,
    authentication_policies: &'a [AuthenticationPolicy],
    status: VersionStatus,
    submitted_by: String,
}

/// POST: submits a version, with a challenge for each domain that has none yet. Another credential has to approve it.
pub async fn create(call: Call) -> Result<Response, Failure> {
    let (id, tokens) = (VersionId::new(call.now, call.random()?), call.random()?);
    call.input(|request| both(path::configuration(request), request.fields().and_then(VersionContent::parse)))
        .reads(|(path, content), keys| (configuration_reads(path, keys), Proofs::reads(content, keys)))
        .subject(|_, _, _| subject(id))
        .decide(|((path, content), ()), (found, proofs), cx| {
            let before = &found.configuration;
            let obstacles = found.obstacles();
            let mut submitted = approval::submit(&before.value, id, content.clone(), &author(cx), &obstacles, cx.now)?;
            let claims = redirect_uris::moved(&before.value, &mut submitted.configuration, cx);
            let writes = claims
                .replace(before, &submitted.configuration)
                .create(&cx.keys.version(path.configuration_id, id), &submitted.version)
                .and(proofs.challenges(&tokens, cx.now));
            let response = Response::created(&body(&submitted.version)).etag(1);
            Ok(Decision::write(writes, response).after(image(&submitted.version)).may_lose_claim())
        })
        .await
}

/// GET: a page of versions, the newest first unless another order is asked for; of one or more `status` only, if asked.
pub async fn list(call: Call) -> Result<Response, Failure> {
    call.input(|request| {
        both(path::configuration(request), both(listing::page(request, Version::SORTABLE), statuses(request)))
    })
    .reads(|(path, _), keys| (configuration_reads(path, keys), keys.versions(path.configuration_id)))
    .subject(|((path, _), ()), _, _| Subject::new(Kind::SsoConfiguration, path.configuration_id.to_string()))
    .decide(|((_, (page, statuses)), ()), (found, versions), _| {
        let versions = versions.rows.into_iter().map(|row| row.value);
        let mut versions: Vec<Version> =
            versions.filter(|version| statuses.is_empty() || statuses.contains(&version.status)).collect();
        versions.sort_by_key(|version| std::cmp::Reverse(version.number));
        let page = page.page(versions, Version::sort_key).map(|version| serde_json::json!(body(&version)));
        Ok(warned(Response::ok(&page), &found.obstacles()))
    })
    .await
}

/// GET `/{versionId}`.
pub async fn show(call: Call) -> Result<Response, Failure> {
    call.input(path::version)
        .reads(version_reads)
        .subject(|((path, id), ()), read, cx| {
            let newest =
                read.is_none_or(|(found, version)| version.value.number == found.configuration.value.version_counter);
            let own = cx.owns_configuration(path.configuration_id).map(|own| own && newest);
            subject(*id).before(read.map(|(_, version)| image(&version.value))).own_configuration(own)
        })
        .decide(|_, (above, version), _| {
            let response = Response::ok(&body(&version.value)).etag(version.version);
            Ok(warned(response, &above.obstacles()))
        })
        .await
}

/// PUT `/{versionId}`: edits a pending version; approves or rejects it; takes an approved one into use or out of it.
///
/// Two round trips, and one more where another version is in use, which is retired in the same transaction.
pub async fn put(call: Call) -> Result<Response, Failure> {
    let tokens = call.random()?;
    call.input(|request| both(path::version(request), request.fields().and_then(VersionUpdate::parse)))
        .reads(|(version, update), keys| {
            (version_reads(version, keys), DomainFacts::reads(&version.0, &update.content, keys))
        })
        .subject(|(((_, id), update), ()), read, cx| {
            let before = read.map(|((_, version), _)| version);
            let step = before.map_or(Step::Decide, |before| step(&before.value, update));
            let decided = before.filter(|_| step == Step::Decide);
            subject(*id)
                .stored(before, image)
                .action(action(update.status, step))
                .own_version(decided.map(|version| version.value.is_own(&author(cx))))
        })
        .plan(|((_, update), ()), ((above, before), facts), cx| {
            let obstacles = above.obstacles();
            let circumstances = facts.circumstances(&obstacles);
            let configuration = above.configuration;
            let changed = approval::update(
                &configuration.value,
                &before.value,
                update.clone(),
                &author(cx),
                circumstances,
                cx.now,
            )?;
            let after = image(&changed.version);
            Ok(Planned::new(Plan { changed, before, configuration, facts }).after(after))
        })
        .further(Plan::rest)
        .decide(|mut plan, rest, cx| {
            let after = plan.changed.version.clone();
            let response = Response::ok(&body(&after));
            if after == plan.before.value {
                return Ok(Decision::respond(response.etag(plan.before.version)));
            }
            let response = response.etag(plan.before.version + 1);
            let claims = redirect_uris::moved(&plan.configuration.value, &mut plan.changed.configuration, cx);
            let writes = claims.and(plan.writes(rest, &tokens, cx.keys, cx.now)?);
            Ok(Decision::write(writes, response).may_lose_claim())
        })
        .await
}

/// DELETE `/{versionId}`: only a version that was never approved.
pub async fn delete(call: Call) -> Result<Response, Failure> {
    call.input(path::version)
        .reads(version_reads)
        .subject(|((_, id), ()), read, _| subject(*id).stored(read.map(|(_, version)| version), image))
        .decide(|_, (above, version), cx| {
            let before = &above.configuration;
            let mut configuration = approval::delete(&before.value, &version.value)?;
            let claims = redirect_uris::moved(&before.value, &mut configuration, cx);
            let writes = claims.replace(before, &configuration).remove(&version);
            Ok(Decision::write(writes, Response::no_content()).may_lose_claim())
        })
        .await
}

/// The action that the policies are asked about, where it is not editing: the approval and the use of a version are for
/// approvers.
///
/// A repeated request is judged as the first was, so that an approver can try again.
fn action(to: VersionStatus, step: Step) -> Option<Action> {
    let name = match (step, to) {
        (_, VersionStatus::Pending) => return None,
        (_, VersionStatus::Rejected) => "reject-sso-configuration-version",
        (Step::Decide, _) | (_, VersionStatus::Assignable) => "approve-sso-configuration-version",
        (_, VersionStatus::Active) => "activate-sso-configuration-version",
        (_, VersionStatus::Inactive) => "deactivate-sso-configuration-version",
    };
    Some(Action { name, group: Group::Approve, resource: Kind::SsoConfigurationVersion })
}

fn author(cx: &Context<'_>) -> Author {
    Author::from(&cx.credential.value)
}

fn statuses(request: &Request) -> Result<BTreeSet<VersionStatus>, Failure> {
    let query = request.queries();
    let query = query.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    parse_status_filter(query).map_err(Failure::Invalid)
}

/// Reads a version and all above it.
fn version_reads(
    (path, id): &(ConfigurationPath, VersionId),
    keys: TenantKeys,
) -> impl Reads<Loaded = (Configuration, Stored<Version>)> + use<> {
    (configuration_reads(path, keys), keys.version(path.configuration_id, *id))
}

fn subject(id: VersionId) -> Subject {
    Subject::new(Kind::SsoConfigurationVersion, id.to_string())
}

fn image(version: &Version) -> Image {
    let Body { configuration_id, version: number, client_id, restricted_domains, supported_domains, .. } =
        body(version);
    let content = &version.content;
    Image::of(&View {
        configuration_id,
        version: number,
        client_id,
        restricted_domains,
        supported_domains,
        group_claim: &content.group_claim,
        group_claim_path: &content.group_claim_path,
        additional_scope_values: &content.additional_scope_values,
        authentication_policies: &content.authentication_policies,
        status: version.status,
        submitted_by: version.submitted_by.id.to_string(),
    })
}

fn body(version: &Version) -> Body<'_> {
    let content = &version.content;
    Body {
        id: version.id,
        configuration_id: version.configuration_id,
        version: version.number,
        client_id: &content.client_id,
        restricted_domains: &content.restricted_domains,
        supported_domains: &content.supported_domains,
        group_claim: &content.group_claim,
        group_claim_path: &content.group_claim_path,
        additional_scope_values: &content.additional_scope_values,
        authentication_policies: &content.authentication_policies,
        status: version.status,
        created_at: version.created_at,
        updated_at: version.updated_at,
    }
}
