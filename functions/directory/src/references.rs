//! `/references/users/sso-configurations`: every SSO configuration of the tenant and whose it is, for those who look for
//! one without knowing its organisation.

use serde::Serialize;
use trustplane_domain::Failure;
use trustplane_domain::directory::authorisation_server::AuthorisationServer;
use trustplane_domain::directory::https_url::HttpsUrl;
use trustplane_domain::directory::ids::{AuthorisationServerId, OrganisationId, SsoConfigurationId};
use trustplane_domain::directory::organisation::Organisation;
use trustplane_domain::directory::page::SortKey;
use trustplane_domain::directory::route::ConfigurationPath;
use trustplane_domain::directory::sso_configuration::SsoConfiguration;
use trustplane_domain::directory::standing::below_server;
use trustplane_policy::{Change, Kind, Resource};
use trustplane_runtime::{Call, Reply};
use trustplane_store::{Query, Read, StoreError, keys};

use crate::path::{configuration_keys, find_configuration, server_of};
use crate::standing::warned;
use crate::{listing, path};

/// A configuration at a high level, on the wire.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "SsoConfigurationReference"))]
pub(crate) struct Body<'a> {
    #[serde(rename = "ID")]
    id: SsoConfigurationId,
    #[cfg_attr(feature = "schema", schemars(with = "trustplane_domain::request::Label<64>"))]
    #[serde(rename = "DisplayName")]
    display_name: &'a str,
    #[serde(rename = "ServerID")]
    server_id: AuthorisationServerId,
    #[cfg_attr(feature = "schema", schemars(with = "trustplane_domain::request::Label<255>"))]
    #[serde(rename = "ServerName")]
    server_name: &'a str,
    #[serde(rename = "ServerLogoURI", skip_serializing_if = "Option::is_none")]
    server_logo_uri: Option<&'a HttpsUrl>,
    #[serde(rename = "OrganisationID")]
    organisation_id: &'a OrganisationId,
    #[cfg_attr(feature = "schema", schemars(with = "trustplane_domain::request::Label<255>"))]
    #[serde(rename = "OrganisationName")]
    organisation_name: &'a str,
}

/// What a list of references can be sorted by.
const SORTABLE: &[&str] = &["DisplayName", "ID", "OrganisationID", "ServerID"];

/// GET: a page of them, by organisation and server unless another order is asked for. Two round trips: the tenant's
/// configurations are read whole and counted (half a capacity unit for 2 KB of them, some four), then the names of what
/// is on the page.
pub async fn list(call: Call) -> Result<Reply, Failure> {
    let page = listing::page(&call.request, SORTABLE);
    let permitted = call
        .permit(
            &|_, _| Vec::new(),
            Some(&|tenant, _| Query::prefix(tenant, keys::ALL_SSO_CONFIGURATIONS)),
            &page,
            |read, page, tenant| {
                let rows = read.listing::<SsoConfiguration>(tenant)?.rows;
                let page = page.page(rows.into_iter().map(|row| row.value).collect(), sort_key);
                Ok(Change::new(Resource::new(Kind::Tenant, tenant.id().to_string()), Ok((page, tenant))))
            },
        )
        .await?;
    let (page, tenant) = permitted.change.outcome?;
    let above = page.content().iter().flat_map(|shown| server_of(&ConfigurationPath::from(shown)).keys(tenant));
    let read = call.read_more(&above.collect::<Vec<_>>()).await?;
    let shown = page.try_map(|configuration| reference(&configuration, &read, tenant));
    Ok(Reply::ok(&shown.map_err(|error| Failure::from(&error))?))
}

/// GET `/{ssoConfigurationId}`. Two round trips: the id is looked up first.
pub async fn show(call: Call) -> Result<Reply, Failure> {
    let permitted = call
        .permit(
            &|tenant, id: &SsoConfigurationId| vec![tenant.sso_configuration_by_id(&id.to_string())],
            None,
            &path::configuration_id_alone(&call.request),
            |read, id, tenant| {
                let found = read.take::<ConfigurationPath>(&tenant.sso_configuration_by_id(&id.to_string()))?;
                let path = found.map(|found| (found.value, tenant)).ok_or(Failure::NotFound("SSO configuration"));
                Ok(Change::new(Resource::new(Kind::SsoConfiguration, id.to_string()), path))
            },
        )
        .await?;
    let (path, tenant) = permitted.change.outcome?;
    let read = call.read_more(&configuration_keys(&path, tenant)).await?;
    let found = find_configuration(&path, &read, tenant).map_err(|error| Failure::from(&error))??;
    let reply = Reply::ok(&body(&found.configuration.value, &found.server.value, &found.organisation.value));
    Ok(warned(reply, &below_server(&found.organisation.value, &found.server.value)))
}

fn reference(
    configuration: &SsoConfiguration,
    read: &Read,
    tenant: keys::Tenant,
) -> Result<serde_json::Value, StoreError> {
    let (organisation, server) = (configuration.organisation_id.as_str(), configuration.server_id.to_string());
    let above = read.look::<Organisation>(&tenant.organisation(organisation))?;
    let above = above.ok_or_else(|| StoreError::missing("organisation of a configuration"))?;
    let server = read.look::<AuthorisationServer>(&tenant.authorisation_server(organisation, &server))?;
    let server = server.ok_or_else(|| StoreError::missing("authorisation server of a configuration"))?;
    Ok(serde_json::json!(body(configuration, &server.value, &above.value)))
}

fn sort_key<'a>(configuration: &'a SsoConfiguration, field: &str) -> SortKey<'a> {
    match field {
        "OrganisationID" => configuration.organisation_id.as_str().into(),
        "ServerID" => configuration.server_id.to_string().into(),
        _ => configuration.sort_key(field),
    }
}

fn body<'a>(
    configuration: &'a SsoConfiguration,
    server: &'a AuthorisationServer,
    organisation: &'a Organisation,
) -> Body<'a> {
    Body {
        id: configuration.id,
        display_name: &configuration.display_name,
        server_id: configuration.server_id,
        server_name: &server.facts.customer_friendly_name,
        server_logo_uri: server.facts.customer_friendly_logo_uri.as_ref(),
        organisation_id: &configuration.organisation_id,
        organisation_name: &organisation.name,
    }
}
