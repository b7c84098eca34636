//! `/v1/sso/route`: through which SSO configuration an e-mail address signs in. For the tenant's own login page.

use serde::Serialize;
use trustplane_domain::Failure;
use trustplane_domain::directory::domain_name::{DomainName, RestrictedDomain};
use trustplane_domain::directory::email_address::EmailAddress;
use trustplane_domain::directory::https_url::HttpsUrl;
use trustplane_domain::directory::ids::{AuthorisationServerId, OrganisationId, SsoConfigurationId, VersionId};
use trustplane_domain::directory::route::{Lead, Means, Route, candidates, preferred};
use trustplane_domain::directory::standing::{Obstacle, below_configuration};
use trustplane_policy::{Change, Kind, Resource};
use trustplane_runtime::{Call, Reply, Request};
use trustplane_store::{Read, StoreError, keys};

use crate::path::{Configuration, configuration_keys, find_configuration};

/// Where an address signs in, on the wire.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "SsoRoute"))]
pub(crate) struct Body<'a> {
    email_domain: &'a DomainName,
    /// Null where the address signs in through none.
    configuration: Option<Served<'a>>,
    /// Those that would serve the address if they could be used, the best first.
    unusable: Vec<Unusable>,
}

/// The configuration that serves an address.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "ServingSsoConfiguration"))]
struct Served<'a> {
    id: SsoConfigurationId,
    #[cfg_attr(feature = "schema", schemars(with = "trustplane_domain::request::Label<64>"))]
    display_name: &'a str,
    organisation_id: &'a OrganisationId,
    authorisation_server_id: AuthorisationServerId,
    #[cfg_attr(feature = "schema", schemars(with = "trustplane_domain::request::Label<255>"))]
    authorisation_server_name: &'a str,
    issuer: Option<&'a HttpsUrl>,
    openid_discovery_document: Option<&'a HttpsUrl>,
    #[cfg_attr(feature = "schema", schemars(length(max = 255), regex(pattern = "^https://")))]
    redirect_uri: &'a str,
    version_id: VersionId,
    matched_domain: &'a RestrictedDomain,
    /// Whether the address must sign in there, not merely may.
    required: bool,
}

/// A configuration that cannot be used, and why.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "UnusableSsoConfiguration"))]
struct Unusable {
    id: SsoConfigurationId,
    matched_domain: RestrictedDomain,
    #[cfg_attr(feature = "schema", schemars(length(min = 1), inner(length(min = 1))))]
    reasons: Vec<String>,
}

/// Configurations that are looked at: each is three items, and a batch is 100.
const MOST_LEADS: usize = 33;

/// GET `?email=`. One round trip for the routes beside the credential, one for where they lead.
pub async fn show(call: Call) -> Result<Reply, Failure> {
    let permitted = call
        .permit(
            &|tenant, address: &EmailAddress| {
                candidates(address).iter().map(|domain| tenant.route(domain.as_str())).collect()
            },
            None,
            &address(&call.request),
            |read, address, tenant| {
                let leads = leads(address, read, tenant)?;
                let resource = Resource::new(Kind::Domain, address.domain().as_str());
                Ok(Change::new(resource, Ok((address.domain().clone(), leads, tenant))))
            },
        )
        .await?;
    let (email_domain, leads, tenant) = permitted.change.outcome?;
    let wanted: Vec<_> = leads.iter().flat_map(|lead| configuration_keys(&lead.path, tenant)).collect();
    let read = call.read_more(&wanted).await?;

    let mut unusable = Vec::new();
    for lead in &leads {
        let found = look(lead, &read, tenant).map_err(|error| Failure::from(&error))?;
        let Some((found, obstacles)) = found else { continue };
        if obstacles.is_empty() {
            let reply = Body { email_domain: &email_domain, configuration: served(lead, &found), unusable };
            return Ok(Reply::ok(&reply));
        }
        unusable.push(Unusable {
            id: lead.path.configuration_id,
            matched_domain: lead.domain.clone(),
            reasons: obstacles.iter().map(ToString::to_string).collect(),
        });
    }
    Ok(Reply::ok(&Body { email_domain: &email_domain, configuration: None, unusable }))
}

/// `email`. A `+` that was not escaped reads as a space in a query; no address holds a space.
fn address(request: &Request) -> Result<EmailAddress, Failure> {
    let text = request.query("email").ok_or_else(|| Failure::invalid("email", "is required"))?;
    EmailAddress::parse(&text.replace(' ', "+")).map_err(|message| Failure::invalid("email", message))
}

fn leads(address: &EmailAddress, read: &mut Read, tenant: keys::Tenant) -> Result<Vec<Lead>, StoreError> {
    let mut routes = Vec::new();
    for domain in candidates(address) {
        if let Some(route) = read.take::<Route>(&tenant.route(domain.as_str()))? {
            routes.push((domain, route.value));
        }
    }
    Ok(preferred(&routes).into_iter().take(MOST_LEADS).collect())
}

/// The configuration that a route leads to and what stands in its way; `None` where the route no longer holds.
fn look(lead: &Lead, read: &Read, tenant: keys::Tenant) -> Result<Option<(Configuration, Vec<Obstacle>)>, StoreError> {
    let Ok(found) = find_configuration(&lead.path, read, tenant)? else { return Ok(None) };
    if !lead.holds(&found.configuration.value) {
        return Ok(None);
    }
    let obstacles = below_configuration(&found.organisation.value, &found.server.value, &found.configuration.value);
    Ok(Some((found, obstacles)))
}

fn served<'a>(lead: &'a Lead, found: &'a Configuration) -> Option<Served<'a>> {
    let (server, configuration) = (&found.server.value, &found.configuration.value);
    Some(Served {
        id: configuration.id,
        display_name: &configuration.display_name,
        organisation_id: &configuration.organisation_id,
        authorisation_server_id: configuration.server_id,
        authorisation_server_name: &server.facts.customer_friendly_name,
        issuer: server.facts.issuer.as_ref(),
        openid_discovery_document: server.facts.openid_discovery_document.as_ref(),
        redirect_uri: &configuration.redirect_uri,
        version_id: configuration.active.as_ref()?.id,
        matched_domain: &lead.domain,
        required: lead.means == Means::Restricted,
    })
}
