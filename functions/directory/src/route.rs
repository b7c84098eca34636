//! `/v1/sso/route`: through which SSO configuration an e-mail address signs in. For the tenant's own login page.

use serde::Serialize;
use trustplane_domain::Failure;
use trustplane_domain::directory::domain_name::{DomainName, RestrictedDomain};
use trustplane_domain::directory::email_address::EmailAddress;
use trustplane_domain::directory::https_url::HttpsUrl;
use trustplane_domain::directory::ids::{AuthorisationServerId, OrganisationId, SsoConfigurationId, VersionId};
use trustplane_domain::directory::obstacle::below_configuration;
use trustplane_domain::directory::route::{Lead, Means, Route, candidates, preferred};
use trustplane_policy::Kind;
use trustplane_runtime::{Call, Planned, Request, Response, Subject};
use trustplane_store::{Reads as _, Slot};

use crate::path::{Configuration, optional_configuration_reads};

/// The route of an e-mail address.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "SsoRoute"))]
pub(crate) struct Body<'a> {
    /// The domain of the address, in lower case and in the ASCII form of international names.
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
    /// Id of the configuration.
    id: SsoConfigurationId,
    /// Name of the configuration for people.
    #[cfg_attr(feature = "schema", schemars(with = "trustplane_domain::request::Label<64>"))]
    display_name: &'a str,
    /// Id of its organisation.
    organisation_id: &'a OrganisationId,
    /// Id of its authorisation server.
    authorisation_server_id: AuthorisationServerId,
    /// Name of the authorisation server for people.
    #[cfg_attr(feature = "schema", schemars(with = "trustplane_domain::request::Label<255>"))]
    authorisation_server_name: &'a str,
    /// Issuer identifier of the OpenID provider; null if none is saved.
    issuer: Option<&'a HttpsUrl>,
    /// URL of the discovery document; null if none is saved.
    openid_discovery_document: Option<&'a HttpsUrl>,
    /// Redirect URI of the configuration, at the login service.
    #[cfg_attr(feature = "schema", schemars(length(max = 255), regex(pattern = "^https://")))]
    redirect_uri: &'a str,
    /// Id of the active version.
    version_id: VersionId,
    /// The domain of the version that the address matched; `*` is every domain.
    matched_domain: &'a RestrictedDomain,
    /// True if the address must sign in there, false if it may.
    required: bool,
}

/// A configuration that cannot be used, and why.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "UnusableSsoConfiguration"))]
struct Unusable {
    /// Id of the configuration.
    id: SsoConfigurationId,
    /// The domain of its version that the address matched; `*` is every domain.
    matched_domain: RestrictedDomain,
    /// Reasons why it cannot be used.
    #[cfg_attr(feature = "schema", schemars(length(min = 1), inner(length(min = 1))))]
    reasons: Vec<String>,
}

/// Configurations that are looked at: each is three items, and a batch is 100.
const MAX_LEADS: usize = 33;

/// GET `?email=`. One round trip for the routes beside the credential, one for where they lead.
pub async fn show(call: Call) -> Result<Response, Failure> {
    call.input(address)
        .reads(|address, keys| {
            let route = |domain: RestrictedDomain| (keys.route(&domain).optional(), domain);
            let (routes, domains): (Vec<_>, Vec<_>) = candidates(address).into_iter().map(route).unzip();
            routes.map(|routes| (domains, routes))
        })
        .subject(|(address, ()), _, _| Subject::new(Kind::Domain, address.domain().as_str()))
        .plan(|(address, ()), (domains, routes), _| {
            let found = |(domain, slot): (RestrictedDomain, Slot<Route>)| Some((domain, slot.item?.value));
            let routes: Vec<(RestrictedDomain, Route)> = domains.into_iter().zip(routes).filter_map(found).collect();
            let leads: Vec<Lead> = preferred(&routes).into_iter().take(MAX_LEADS).collect();
            Ok(Planned::new((address.domain().clone(), leads)))
        })
        .further(|(_, leads), keys| {
            leads.iter().map(|lead| optional_configuration_reads(&lead.path, keys)).collect::<Vec<_>>()
        })
        .decide(|(email_domain, leads), found, _| {
            let mut unusable = Vec::new();
            for (lead, found) in leads.iter().zip(&found) {
                let Some(found) = found.as_ref().filter(|found| lead.holds(&found.configuration.value)) else {
                    continue;
                };
                let obstacles =
                    below_configuration(&found.organisation.value, &found.server.value, &found.configuration.value);
                if obstacles.is_empty() {
                    let configuration = served(lead, found);
                    return Ok(Response::ok(&Body { email_domain: &email_domain, configuration, unusable }));
                }
                unusable.push(Unusable {
                    id: lead.path.configuration_id,
                    matched_domain: lead.domain.clone(),
                    reasons: obstacles.iter().map(ToString::to_string).collect(),
                });
            }
            Ok(Response::ok(&Body { email_domain: &email_domain, configuration: None, unusable }))
        })
        .await
}

/// `email`. A `+` that was not escaped reads as a space in a query; no address holds a space.
fn address(request: &Request) -> Result<EmailAddress, Failure> {
    let text = request.query("email").ok_or_else(|| Failure::invalid("email", "is required"))?;
    EmailAddress::parse(&text.replace(' ', "+")).map_err(|message| Failure::invalid("email", message))
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
