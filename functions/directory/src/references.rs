//! `/references/users/sso-configurations`: all SSO configurations of the tenant with their organisations, for clients that
//! do not know the organisation.

use serde::Serialize;
use trustplane_domain::Failure;
use trustplane_domain::directory::authorisation_server::AuthorisationServer;
use trustplane_domain::directory::https_url::HttpsUrl;
use trustplane_domain::directory::ids::{AuthorisationServerId, OrganisationId, SsoConfigurationId};
use trustplane_domain::directory::organisation::Organisation;
use trustplane_domain::directory::page::SortKey;
use trustplane_domain::directory::sso_configuration::SsoConfiguration;
use trustplane_policy::Kind;
use trustplane_runtime::{Call, Planned, Response, Subject};

use crate::obstacles::warned;
use crate::path::configuration_reads;
use crate::{listing, path};

/// The owner of an SSO configuration.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "SsoConfigurationReference"))]
pub(crate) struct Body<'a> {
    /// Id of the configuration.
    #[serde(rename = "ID")]
    id: SsoConfigurationId,
    /// Name of the configuration for people.
    #[cfg_attr(feature = "schema", schemars(with = "trustplane_domain::request::Label<64>"))]
    #[serde(rename = "DisplayName")]
    display_name: &'a str,
    /// Id of its authorisation server.
    #[serde(rename = "ServerID")]
    server_id: AuthorisationServerId,
    /// Name of the authorisation server for people.
    #[cfg_attr(feature = "schema", schemars(with = "trustplane_domain::request::Label<255>"))]
    #[serde(rename = "ServerName")]
    server_name: &'a str,
    /// URL of the logo of the authorisation server; null without one.
    #[serde(rename = "ServerLogoURI", skip_serializing_if = "Option::is_none")]
    server_logo_uri: Option<&'a HttpsUrl>,
    /// Id of its organisation.
    #[serde(rename = "OrganisationID")]
    organisation_id: &'a OrganisationId,
    /// Name of the organisation for people.
    #[cfg_attr(feature = "schema", schemars(with = "trustplane_domain::request::Label<255>"))]
    #[serde(rename = "OrganisationName")]
    organisation_name: &'a str,
}

/// Fields that a list of references can be sorted by.
const SORTABLE: &[&str] = &["DisplayName", "ID", "OrganisationID", "ServerID"];

/// GET: a page of references, by organisation and server unless another order is asked for. Two round trips: the tenant's
/// configurations are read whole and counted (half a capacity unit for 2 KB of them, some four), then the names of what
/// is on the page.
pub async fn list(call: Call) -> Result<Response, Failure> {
    call.input(|request| listing::page(request, SORTABLE))
        .reads(|_, keys| keys.all_sso_configurations())
        .subject(|_, _, cx| Subject::new(Kind::Tenant, cx.keys.id().to_string()))
        .plan(|(page, ()), configurations, _| {
            let configurations = configurations.rows.into_iter().map(|row| row.value).collect();
            Ok(Planned::new(page.page(configurations, sort_key)))
        })
        .further(|page, keys| {
            let above = |shown: &SsoConfiguration| {
                (
                    keys.organisation(&shown.organisation_id).expected(),
                    keys.authorisation_server(&shown.organisation_id, shown.server_id).expected(),
                )
            };
            page.content().iter().map(above).collect::<Vec<_>>()
        })
        .decide(|page, above, _| {
            let shown = page.zip(above).map(|(configuration, (organisation, server))| {
                serde_json::json!(body(&configuration, &server.value, &organisation.value))
            });
            Ok(Response::ok(&shown))
        })
        .await
}

/// GET `/{ssoConfigurationId}`. Two round trips: the path is looked up by the id first.
pub async fn show(call: Call) -> Result<Response, Failure> {
    call.input(path::configuration_id_alone)
        .reads(|id, keys| keys.sso_configuration_path(*id))
        .subject(|(id, ()), _, cx| {
            Subject::new(Kind::SsoConfiguration, id.to_string()).own_configuration(cx.owns_configuration(*id))
        })
        .plan(|_, path, _| Ok(Planned::new(path.value)))
        .further(configuration_reads)
        .decide(|_, found, _| {
            let reference = body(&found.configuration.value, &found.server.value, &found.organisation.value);
            Ok(warned(Response::ok(&reference), &found.obstacles()))
        })
        .await
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
