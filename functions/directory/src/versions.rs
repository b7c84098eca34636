//! `…/sso-configuration/{ssoConfigurationId}/versions`: what a configuration configures, submitted by one, approved by
//! another, taken into use and rolled back.

use serde::Serialize;
use trustplane_domain::credential::Credential;
use trustplane_domain::directory::approval::{self, Step, step};
use trustplane_domain::directory::domain_name::{DomainName, RestrictedDomain};
use trustplane_domain::directory::ids::{SsoConfigurationId, VersionId};
use trustplane_domain::directory::page::PageRequest;
use trustplane_domain::directory::route::ConfigurationPath;
use trustplane_domain::directory::standing::{Obstacle, below_server};
use trustplane_domain::directory::version::{
    AuthenticationPolicy, Author, Version, VersionContent, VersionStatus, VersionUpdate, parse_status_filter,
};
use trustplane_domain::{Failure, Timestamp};
use trustplane_policy::{Action, Change, Group, Image, Kind, Resource};
use trustplane_runtime::{Answer, Call, Reply};
use trustplane_store::{Key, Query, Read, StoreError, Stored, Writes, keys};

use crate::path::{self, Configuration, both, configuration_keys, find_configuration};
use crate::proofs::{self, Proofs};
use crate::standing::warned;
use crate::{listing, switch};

/// A version on the wire.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "SsoConfigurationVersion"))]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Body<'a> {
    #[serde(rename = "ID")]
    id: VersionId,
    #[serde(rename = "SsoConfigurationID")]
    configuration_id: SsoConfigurationId,
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    version: u32,
    #[cfg_attr(feature = "schema", schemars(with = "trustplane_domain::directory::version::ClientId"))]
    #[serde(rename = "ClientID")]
    client_id: &'a str,
    #[cfg_attr(feature = "schema", schemars(length(max = 10)))]
    restricted_domains: &'a [RestrictedDomain],
    #[cfg_attr(feature = "schema", schemars(length(max = 10)))]
    supported_domains: &'a [DomainName],
    #[cfg_attr(feature = "schema", schemars(with = "trustplane_domain::directory::version::GroupClaim"))]
    group_claim: &'a str,
    #[cfg_attr(feature = "schema", schemars(with = "trustplane_domain::directory::version::GroupClaimPath"))]
    group_claim_path: &'a str,
    #[cfg_attr(feature = "schema", schemars(with = "trustplane_domain::directory::version::Scopes"))]
    additional_scope_values: &'a str,
    authentication_policies: &'a [AuthenticationPolicy],
    status: VersionStatus,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// A version as policies and the audit log see it.
#[derive(Debug, Serialize)]
struct View<'a> {
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

/// POST: submits one, with a challenge for each domain that has none yet. Somebody else has to approve it.
pub async fn create(call: Call) -> Result<Reply, Failure> {
    let wanted = both(path::configuration(&call.request), call.request.fields().and_then(VersionContent::parse));
    let (id, tokens) = (VersionId::new(call.now, call.random()?), call.random()?);
    call.change(
        |tenant, (path, content)| {
            configuration_keys(path, tenant).into_iter().chain(proofs::keys(content, tenant)).collect()
        },
        wanted,
        |read, (path, content), tenant| {
            let resource = resource(id);
            let author = author(&call, read, tenant)?;
            let found = match find_configuration(path, read, tenant)? {
                Ok(found) => found,
                Err(failure) => return Ok(Change::new(resource, Err(failure))),
            };
            let obstacles = below_server(&found.organisation.value, &found.server.value);
            let before = found.configuration;
            let proofs = Proofs::take(content, read, tenant)?;
            let made = approval::submit(&before.value, id, content.clone(), &author, &obstacles, call.now);
            let made = match made {
                Ok(made) => made,
                Err(refusal) => return Ok(Change::new(resource, Err(refusal.into()))),
            };
            let key = version_key(path, id, tenant);
            let writes = Writes::new().replace(&before, &made.configuration)?.create(&key, &made.version)?;
            let writes = writes.and(proofs.challenges(&tokens, tenant, call.now)?);
            let reply = Reply::created(&body(&made.version)).etag(1);
            Ok(Change::new(resource, Ok(Answer::new(writes, reply))).after(Some(image(&made.version))))
        },
    )
    .await
}

/// GET: a page of them, the newest first unless another order is asked for; of one or more `status` only, if asked.
pub async fn list(call: Call) -> Result<Reply, Failure> {
    let query = call.request.queries();
    let statuses = parse_status_filter(query.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let asked = both(listing::page(&call.request, Version::SORTABLE), statuses.map_err(Failure::Invalid));
    let wanted = both(path::configuration(&call.request), asked);
    call.view(
        |tenant, (path, _)| configuration_keys(path, tenant),
        Some(&|tenant, (path, _): &(ConfigurationPath, (PageRequest, _))| {
            Query::prefix(tenant, keys::versions(&path.configuration_id.to_string()))
        }),
        wanted,
        |read, (path, (page, statuses)), tenant| {
            let resource = Resource::new(Kind::SsoConfiguration, path.configuration_id.to_string());
            let found = match find_configuration(path, read, tenant)? {
                Ok(found) => found,
                Err(failure) => return Ok(Change::new(resource, Err(failure))),
            };
            let rows = read.listing::<Version>(tenant)?.rows.into_iter().map(|row| row.value);
            let mut versions: Vec<Version> =
                rows.filter(|version| statuses.is_empty() || statuses.contains(&version.status)).collect();
            versions.sort_by_key(|version| std::cmp::Reverse(version.number));
            let page = page.page(versions, Version::sort_key);
            let reply = Reply::ok(&page.map(|version| serde_json::json!(body(&version))));
            Ok(Change::new(resource, Ok(warned(reply, &obstacles(&found)))))
        },
    )
    .await
}

/// GET `/{versionId}`.
pub async fn show(call: Call) -> Result<Reply, Failure> {
    call.view(
        |tenant, (path, id)| version_keys(path, *id, tenant),
        None,
        path::version(&call.request),
        |read, (path, id), tenant| {
            let resource = resource(*id);
            let (above, found) = match take_version(path, *id, read, tenant)? {
                Ok(found) => found,
                Err(failure) => return Ok(Change::new(resource, Err(failure))),
            };
            let reply = warned(Reply::ok(&body(&found.value)).etag(found.version), &obstacles(&above));
            Ok(Change::new(resource, Ok(reply)).before(Some(image(&found.value))))
        },
    )
    .await
}

/// PUT `/{versionId}`: edits what is pending; approves or rejects it; takes what is approved into use or out of it.
///
/// Two round trips, and one more where another version is in use, which is retired in the same transaction.
pub async fn put(call: Call) -> Result<Reply, Failure> {
    let wanted = both(path::version(&call.request), call.request.fields().and_then(VersionUpdate::parse));
    let tokens = call.random()?;
    call.change_further(
        |tenant, ((path, id), update)| {
            let mut keys = version_keys(path, *id, tenant);
            keys.extend(switch::keys(&update.content, tenant));
            keys
        },
        None,
        wanted,
        |read, ((path, id), update), tenant| {
            let resource = resource(*id);
            let author = author(&call, read, tenant)?;
            let (above, before) = match take_version(path, *id, read, tenant)? {
                Ok(found) => found,
                Err(failure) => {
                    let change = Change::new(resource, Err(failure));
                    return Ok(match action(update.status, Step::Decide) {
                        Some(action) => change.action(action),
                        None => change,
                    });
                }
            };
            let wanted_step = step(&before.value, update);
            let surroundings = switch::Surroundings::take(path, &update.content, read, tenant)?;
            let obstacles = obstacles(&above);
            let updated = approval::update(
                &above.configuration.value,
                &before.value,
                update.clone(),
                &author,
                surroundings.circumstances(&obstacles),
                call.now,
            );
            let mut change =
                Change::new(resource, Ok(())).before(Some(image(&before.value))).etag(Some(before.version));
            if let Some(action) = action(update.status, wanted_step) {
                change = change.action(action);
            }
            if wanted_step == Step::Decide {
                change = change.own_version(before.value.is_own(&author));
            }
            let plan = match updated {
                Ok(changed) => {
                    change = change.after(Some(image(&changed.version)));
                    Ok(switch::Plan { changed, before, configuration: above.configuration, surroundings })
                }
                Err(refusal) => Err(refusal.into()),
            };
            let Change { action, resource, before, after, own_version, etag, .. } = change;
            Ok(Change { action, resource, before, after, own_version, etag, outcome: plan })
        },
        |plan, tenant| plan.further(tenant),
        |plan, read, tenant| {
            let after = plan.changed.version.clone();
            let same = after == plan.before.value;
            let etag = if same { plan.before.version } else { plan.before.version + 1 };
            let writes = if same { Writes::new() } else { plan.writes(read, &tokens, tenant, call.now)? };
            Ok(Answer::new(writes, Reply::ok(&body(&after)).etag(etag)))
        },
    )
    .await
}

/// DELETE `/{versionId}`: only one that was never approved.
pub async fn delete(call: Call) -> Result<Reply, Failure> {
    call.change(
        |tenant, (path, id)| version_keys(path, *id, tenant),
        path::version(&call.request),
        |read, (path, id), tenant| {
            let resource = resource(*id);
            let (above, before) = match take_version(path, *id, read, tenant)? {
                Ok(found) => found,
                Err(failure) => return Ok(Change::new(resource, Err(failure))),
            };
            let outcome = match approval::delete(&above.configuration.value, &before.value) {
                Ok(configuration) => {
                    let writes = Writes::new().replace(&above.configuration, &configuration)?.remove(&before);
                    Ok(Answer::new(writes, Reply::no_content()))
                }
                Err(refusal) => Err(Failure::from(refusal)),
            };
            Ok(Change::new(resource, outcome).before(Some(image(&before.value))).etag(Some(before.version)))
        },
    )
    .await
}

/// What policies are asked, where it is not the editing of a version: its approval and its use are for approvers.
///
/// A repeated request for what is so already is judged as the first was, so that an approver can try again.
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

fn author(call: &Call, read: &Read, tenant: keys::Tenant) -> Result<Author, StoreError> {
    let missing = || StoreError::missing("credential of the request");
    let key = call.credential(tenant).ok_or_else(missing)?;
    let credential = read.look::<Credential>(&key)?.ok_or_else(missing)?;
    Ok(Author::from(&credential.value))
}

fn obstacles(above: &Configuration) -> Vec<Obstacle> {
    below_server(&above.organisation.value, &above.server.value)
}

fn version_key(path: &ConfigurationPath, id: VersionId, tenant: keys::Tenant) -> Key {
    tenant.version(&path.configuration_id.to_string(), &id.to_string())
}

fn version_keys(path: &ConfigurationPath, id: VersionId, tenant: keys::Tenant) -> Vec<Key> {
    let mut keys = configuration_keys(path, tenant);
    keys.push(version_key(path, id, tenant));
    keys
}

fn take_version(
    path: &ConfigurationPath,
    id: VersionId,
    read: &mut Read,
    tenant: keys::Tenant,
) -> path::Found<(Configuration, Stored<Version>)> {
    let above = match find_configuration(path, read, tenant)? {
        Ok(above) => above,
        Err(failure) => return Ok(Err(failure)),
    };
    let version = read.take(&version_key(path, id, tenant))?;
    Ok(version.map(|version| (above, version)).ok_or(Failure::NotFound("version")))
}

fn resource(id: VersionId) -> Resource {
    Resource::new(Kind::SsoConfigurationVersion, id.to_string())
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
