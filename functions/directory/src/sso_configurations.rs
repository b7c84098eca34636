//! `/organisations/{OrganisationId}/authorisationservers/{AuthorisationServerId}/sso-configuration`: the SSO
//! configurations of an authorisation server.

use serde::Serialize;
use trustplane_domain::directory::email_address::EmailAddress;
use trustplane_domain::directory::ids::{AuthorisationServerId, OrganisationId, SsoConfigurationId};
use trustplane_domain::directory::page::PageRequest;
use trustplane_domain::directory::route::ConfigurationPath;
use trustplane_domain::directory::sso_configuration::{
    ConfigurationStatus, ConfigurationUpdate, MOST_CONFIGURATIONS, NewConfiguration, SsoConfiguration,
};
use trustplane_domain::directory::standing::{below_server, refusal};
use trustplane_domain::directory::version::Version;
use trustplane_domain::{Conflict, Failure, Timestamp};
use trustplane_policy::{Change, Image, Kind, Resource};
use trustplane_runtime::{Answer, Call, Reply};
use trustplane_store::{Count, Key, Query, StoreError, Writes, keys};

use crate::path::{ServerPath, both, configuration_keys, find_configuration};
use crate::redirect_base::redirect_base;
use crate::standing::warned;
use crate::{listing, path};

/// A configuration on the wire: exactly these fields.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "SsoConfiguration"))]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Body<'a> {
    #[cfg_attr(feature = "schema", schemars(with = "trustplane_domain::request::Label<64>"))]
    display_name: &'a str,
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 10)))]
    contacts: &'a [EmailAddress],
    #[serde(rename = "ID")]
    id: SsoConfigurationId,
    #[serde(rename = "ServerID")]
    server_id: AuthorisationServerId,
    #[cfg_attr(feature = "schema", schemars(length(max = 255), regex(pattern = "^https://")))]
    redirect_uri: &'a str,
    #[cfg_attr(feature = "schema", schemars(length(max = 255)))]
    text_record: &'a str,
    status: ConfigurationStatus,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// A configuration as policies and the audit log see it.
#[derive(Debug, Serialize)]
struct View<'a> {
    organisation_id: &'a OrganisationId,
    server_id: AuthorisationServerId,
    display_name: &'a str,
    contacts: &'a [EmailAddress],
    redirect_uri: &'a str,
    status: ConfigurationStatus,
}

/// POST: makes one, with no version yet.
pub async fn create(call: Call) -> Result<Reply, Failure> {
    let base = redirect_base()?;
    let wanted = both(path::server(&call.request), call.request.fields().and_then(NewConfiguration::parse));
    let id = SsoConfigurationId::new(call.now, call.random()?);
    let random = call.random()?;
    let most = u64::try_from(MOST_CONFIGURATIONS).unwrap_or(u64::MAX);
    call.change(
        |tenant, (path, _)| {
            let count = tenant.sso_configuration_count(path.organisation.as_str(), &path.server.to_string());
            path.keys(tenant).into_iter().chain([count]).collect()
        },
        wanted,
        |read, (path, new), tenant| {
            let (organisation, server) = match path.find(read, tenant)? {
                Ok(above) => above,
                Err(failure) => return Ok(Change::new(resource(id), Err(failure))),
            };
            let (organisation_id, server_id) = (path.organisation.as_str(), path.server.to_string());
            let count_key = tenant.sso_configuration_count(organisation_id, &server_id);
            let count = read.take::<Count>(&count_key)?.map_or(0, |count| count.value.children);
            let place = (path.organisation.clone(), path.server);
            let after = SsoConfiguration::new(place, id, new.clone(), base, random, call.now);
            let change = |outcome| Change::new(resource(id), outcome).after(Some(image(&after)));
            if let Some(refusal) = refusal(&below_server(&organisation.value, &server.value)) {
                return Ok(change(Err(refusal)));
            }
            if count >= most {
                let message = format!("an authorisation server has at most {most} SSO configurations");
                return Ok(change(Err(Failure::conflict(Conflict::Limit, message))));
            }
            let id = id.to_string();
            let writes = Writes::new()
                .create(&tenant.sso_configuration(organisation_id, &server_id, &id), &after)?
                .create(&tenant.sso_configuration_by_id(&id), &ConfigurationPath::from(&after))?
                .one_more(&count_key, most);
            Ok(change(Ok(Answer::new(writes, Reply::created(&body(&after)).etag(1)))))
        },
    )
    .await
}

/// GET: a page of them, the oldest first unless another order is asked for.
pub async fn list(call: Call) -> Result<Reply, Failure> {
    let wanted = both(path::server(&call.request), listing::page(&call.request, SsoConfiguration::SORTABLE));
    call.view(
        |tenant, (path, _)| path.keys(tenant),
        Some(&|tenant, (path, _): &(ServerPath, PageRequest)| {
            Query::prefix(tenant, keys::sso_configurations(path.organisation.as_str(), &path.server.to_string()))
        }),
        wanted,
        |read, (path, page), tenant| {
            let resource = Resource::new(Kind::AuthorisationServer, path.server.to_string());
            let (organisation, server) = match path.find(read, tenant)? {
                Ok(above) => above,
                Err(failure) => return Ok(Change::new(resource, Err(failure))),
            };
            let rows = read.listing::<SsoConfiguration>(tenant)?.rows;
            let page = page.page(rows.into_iter().map(|row| row.value).collect(), SsoConfiguration::sort_key);
            let reply = Reply::ok(&page.map(|configuration| serde_json::json!(body(&configuration))));
            Ok(Change::new(resource, Ok(warned(reply, &below_server(&organisation.value, &server.value)))))
        },
    )
    .await
}

/// GET `/{ssoConfigurationId}`.
pub async fn show(call: Call) -> Result<Reply, Failure> {
    call.view(
        |tenant, path| configuration_keys(path, tenant),
        None,
        path::configuration(&call.request),
        |read, path, tenant| {
            let resource = resource(path.configuration_id);
            let found = match find_configuration(path, read, tenant)? {
                Ok(found) => found,
                Err(failure) => return Ok(Change::new(resource, Err(failure))),
            };
            let reply = Reply::ok(&body(&found.configuration.value)).etag(found.configuration.version);
            let reply = warned(reply, &below_server(&found.organisation.value, &found.server.value));
            Ok(Change::new(resource, Ok(reply)).before(Some(image(&found.configuration.value))))
        },
    )
    .await
}

/// PUT `/{ssoConfigurationId}`: replaces what is so whichever version is active.
pub async fn put(call: Call) -> Result<Reply, Failure> {
    let base = redirect_base()?;
    let wanted = both(path::configuration(&call.request), call.request.fields().and_then(ConfigurationUpdate::parse));
    call.change(
        |tenant, (path, _)| configuration_keys(path, tenant),
        wanted,
        |read, (path, update), tenant| {
            let resource = resource(path.configuration_id);
            let found = match find_configuration(path, read, tenant)? {
                Ok(found) => found,
                Err(failure) => return Ok(Change::new(resource, Err(failure))),
            };
            let before = found.configuration;
            let after = before.value.updated(update.clone(), base, call.now);
            let outcome = match refusal(&below_server(&found.organisation.value, &found.server.value)) {
                Some(refusal) => Err(refusal),
                None if after == before.value => {
                    Ok(Answer::new(Writes::new(), Reply::ok(&body(&after)).etag(before.version)))
                }
                None => {
                    let reply = Reply::ok(&body(&after)).etag(before.version + 1);
                    Ok(Answer::new(Writes::new().replace(&before, &after)?, reply))
                }
            };
            Ok(Change::new(resource, outcome)
                .before(Some(image(&before.value)))
                .after(Some(image(&after)))
                .etag(Some(before.version)))
        },
    )
    .await
}

/// DELETE `/{ssoConfigurationId}`: only one that nobody could ever sign in through. Its versions go with it.
pub async fn delete(call: Call) -> Result<Reply, Failure> {
    call.change_listed(
        |tenant, path| configuration_keys(path, tenant).into_iter().chain([by_id(path, tenant)]).collect(),
        Some(&|tenant, path: &ConfigurationPath| {
            Query::prefix(tenant, keys::versions(&path.configuration_id.to_string()))
        }),
        path::configuration(&call.request),
        |read, path, tenant| {
            let resource = resource(path.configuration_id);
            let found = match find_configuration(path, read, tenant)? {
                Ok(found) => found,
                Err(failure) => return Ok(Change::new(resource, Err(failure))),
            };
            let before = found.configuration;
            let by_id = read.take::<ConfigurationPath>(&by_id(path, tenant))?;
            let by_id = by_id.ok_or_else(|| StoreError::missing("look-up of a configuration"))?;
            let versions = read.listing::<Version>(tenant)?.rows;
            let obstacles = below_server(&found.organisation.value, &found.server.value);
            let outcome = if !before.value.is_deletable() {
                let message = "names a configuration that had an approved version: it is kept";
                Err(Failure::invalid("ssoConfigurationId", message))
            } else if let Some(refusal) = refusal(&obstacles) {
                Err(refusal)
            } else if versions.len() > MOST_AT_ONCE {
                let message = format!("delete its versions first: more than {MOST_AT_ONCE} do not go with it at once");
                Err(Failure::conflict(Conflict::Limit, message))
            } else {
                let (organisation, server) = (path.organisation_id.as_str(), path.server_id.to_string());
                let writes = Writes::new()
                    .remove(&before)
                    .remove(&by_id)
                    .one_less(&tenant.sso_configuration_count(organisation, &server));
                let writes = versions.iter().fold(writes, |writes, version| writes.remove(version));
                Ok(Answer::new(writes, Reply::no_content()))
            };
            Ok(Change::new(resource, outcome).before(Some(image(&before.value))).etag(Some(before.version)))
        },
    )
    .await
}

/// Versions that are deleted with their configuration: a transaction has at most 100 items.
const MOST_AT_ONCE: usize = 90;

fn by_id(path: &ConfigurationPath, tenant: keys::Tenant) -> Key {
    tenant.sso_configuration_by_id(&path.configuration_id.to_string())
}

fn resource(id: SsoConfigurationId) -> Resource {
    Resource::new(Kind::SsoConfiguration, id.to_string())
}

fn image(configuration: &SsoConfiguration) -> Image {
    Image::of(&View {
        organisation_id: &configuration.organisation_id,
        server_id: configuration.server_id,
        display_name: &configuration.display_name,
        contacts: &configuration.contacts,
        redirect_uri: &configuration.redirect_uri,
        status: configuration.status,
    })
}

fn body(configuration: &SsoConfiguration) -> Body<'_> {
    Body {
        display_name: &configuration.display_name,
        contacts: &configuration.contacts,
        id: configuration.id,
        server_id: configuration.server_id,
        redirect_uri: &configuration.redirect_uri,
        text_record: &configuration.text_record,
        status: configuration.status,
        created_at: configuration.created_at,
        updated_at: configuration.updated_at,
    }
}
