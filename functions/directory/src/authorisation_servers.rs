//! `/organisations/{OrganisationId}/authorisationservers`: the OpenID providers of an organisation.

use serde::Serialize;
use trustplane_domain::directory::authorisation_server::{
    AuthorisationServer, MAX_SERVERS, ServerRequest, ServerStatus,
};
use trustplane_domain::directory::filter::Filtered;
use trustplane_domain::directory::https_url::HttpsUrl;
use trustplane_domain::directory::ids::{AuthorisationServerId, OrganisationId};
use trustplane_domain::directory::obstacle::below_organisation;
use trustplane_domain::{Failure, Timestamp};
use trustplane_policy::{Image, Kind};
use trustplane_runtime::{Call, Context, Decision, Planned, Response, Subject, both};
use trustplane_store::{TenantKeys, Writes};

use crate::level::{Level, one_more};
use crate::obstacles::{unobstructed, warned};
use crate::path::ServerPath;
use crate::server_tests::untested;
use crate::{listing, path};

const MAX: u64 = MAX_SERVERS as u64;

/// An authorisation server. A value that was not saved is left out, or empty where clients require the field.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "AuthorisationServer"))]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Body<'a> {
    /// Id of the server.
    authorisation_server_id: AuthorisationServerId,
    /// Id of the organisation that the server belongs to.
    organisation_id: &'a OrganisationId,
    /// Name for people.
    #[cfg_attr(feature = "schema", schemars(with = "trustplane_domain::request::Label<255>"))]
    customer_friendly_name: &'a str,
    /// Description for people; empty without one.
    #[cfg_attr(feature = "schema", schemars(length(max = 2_000)))]
    customer_friendly_description: &'a str,
    /// URL of a logo; empty without one.
    #[cfg_attr(feature = "schema", schemars(length(max = 255)))]
    customer_friendly_logo_uri: &'a str,
    /// Always `false`: clients are registered by hand.
    auto_registration_supported: bool,
    /// Issuer identifier of the OpenID provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<&'a HttpsUrl>,
    /// URL of the discovery document of the OpenID provider.
    #[serde(rename = "OpenIDDiscoveryDocument", skip_serializing_if = "Option::is_none")]
    openid_discovery_document: Option<&'a HttpsUrl>,
    /// Status of the server. Its configurations serve addresses only while it is `Active`.
    status: ServerStatus,
    /// Time of its creation.
    created_at: Timestamp,
    /// Time of the last change.
    updated_at: Timestamp,
}

/// An authorisation server as policies and the audit log see it.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "AuthorisationServerImage"))]
pub(crate) struct View<'a> {
    organisation_id: &'a OrganisationId,
    customer_friendly_name: &'a str,
    customer_friendly_description: Option<&'a str>,
    customer_friendly_logo_uri: Option<&'a HttpsUrl>,
    issuer: Option<&'a HttpsUrl>,
    openid_discovery_document: Option<&'a HttpsUrl>,
    status: ServerStatus,
}

/// POST: creates an authorisation server.
pub async fn create(call: Call) -> Result<Response, Failure> {
    let id = AuthorisationServerId::new(call.now, call.random()?);
    let created = |organisation: &OrganisationId, request: &ServerRequest, cx: &Context<'_>| {
        AuthorisationServer::new(organisation.clone(), id, request.clone(), cx.now)
    };
    call.input(path::organisation)
        .body(|request| request.fields().and_then(ServerRequest::parse))
        .reads(|id, keys| (keys.organisation(id), keys.authorisation_server_count(id).optional()))
        .subject(|(organisation, request), _, cx| subject(id).after(image(&created(organisation, request, cx))))
        .plan(|(organisation, request), (above, count), cx| {
            unobstructed(&below_organisation(&above.value))?;
            Ok(Planned::new((count, created(organisation, request, cx))))
        })
        .further(|(count, after), keys| level(&after.organisation_id, keys).uncounted(count))
        .decide(|(count, after), children, cx| {
            let rule = || format!("an organisation has at most {MAX} authorisation servers");
            let key = cx.keys.authorisation_server(&after.organisation_id, id);
            let writes = Writes::new()
                .create(&key, &after)
                .and(one_more(&count, children.as_ref(), MAX, rule)?)
                .and(scheduled(&after, cx));
            Ok(Decision::write(writes, Response::created(&body(&after)).etag(1)))
        })
        .await
}

/// GET: a page of authorisation servers, the oldest first unless another order is asked for.
pub async fn list(call: Call) -> Result<Response, Failure> {
    call.input(|request| {
        let filter = listing::filter(request, |word| ServerStatus::parse(word).map(ServerStatus::as_str));
        both(path::organisation(request), both(listing::page(request, AuthorisationServer::SORTABLE), filter))
    })
    .reads(|(organisation, (page, filter)), keys| {
        (keys.organisation(organisation), level(organisation, keys).page(page, !filter.is_empty()))
    })
    .subject(|((organisation, _), ()), _, _| Subject::new(Kind::Organisation, organisation.as_str()))
    .plan(|((_, (_, filter)), ()), (above, found), _| Ok(Planned::new((above, found.plan(), filter.clone()))))
    .further(|(_, plan, _), _| plan.again())
    .decide(|(above, plan, filter), again, _| {
        let is_listed = |server: &AuthorisationServer| filter.matches(filtered(&server.id.to_string(), server));
        let page = plan.page(again, is_listed, AuthorisationServer::sort_key);
        let response = Response::ok(&page.map(|server| serde_json::json!(body(&server))));
        Ok(warned(response, &below_organisation(&above.value)))
    })
    .await
}

/// GET `/{AuthorisationServerId}`.
pub async fn show(call: Call) -> Result<Response, Failure> {
    call.input(path::server)
        .reads(ServerPath::reads)
        .subject(|(path, ()), read, _| subject(path.server).stored(read.map(|(_, server)| server), image))
        .decide(|_, (above, server), _| {
            let response = Response::ok(&body(&server.value)).etag(server.version);
            Ok(warned(response, &below_organisation(&above.value)))
        })
        .await
}

/// PUT `/{AuthorisationServerId}`: replaces its facts, takes it out of use and into use again.
pub async fn put(call: Call) -> Result<Response, Failure> {
    call.input(path::server)
        .body(|request| request.fields().and_then(ServerRequest::parse))
        .reads(ServerPath::reads)
        .subject(|(path, request), read, cx| {
            let after = read.map(|(_, server)| image(&server.value.updated(request.clone(), cx.now)));
            subject(path.server).stored(read.map(|(_, server)| server), image).after(after)
        })
        .decide(|(_, request), (above, server), cx| {
            unobstructed(&below_organisation(&above.value))?;
            let after = server.value.updated(request.clone(), cx.now);
            let decision = Decision::update(&server, &after, image, Response::ok(&body(&after)));
            // A report is one of the description that was tested.
            let tested = |server: &AuthorisationServer| {
                (server.facts.issuer.clone(), server.facts.openid_discovery_document.clone())
            };
            Ok(if tested(&after) == tested(&server.value) { decision } else { decision.and(scheduled(&after, cx)) })
        })
        .await
}

fn level(organisation: &OrganisationId, keys: TenantKeys) -> Level<AuthorisationServer> {
    let count = keys.authorisation_server_count(organisation);
    Level::new(keys.authorisation_servers(organisation), count, "AuthorisationServerId")
}

/// The facts of a server that filters look at.
fn filtered<'a>(id: &'a str, server: &'a AuthorisationServer) -> Filtered<'a> {
    Filtered {
        status: server.status.as_str(),
        texts: [id, &server.facts.customer_friendly_name],
        has_discovery_document: Some(server.facts.openid_discovery_document.is_some()),
    }
}

/// Has the server tested daily, without a report yet.
fn scheduled(server: &AuthorisationServer, cx: &Context<'_>) -> Writes {
    let key = cx.keys.authorisation_server_health(&server.organisation_id, server.id);
    match server.facts.openid_discovery_document {
        Some(_) => Writes::new().put(&key, &untested(server, cx.now)),
        None => Writes::new().delete(&key),
    }
}

pub(crate) fn subject(id: AuthorisationServerId) -> Subject {
    Subject::new(Kind::AuthorisationServer, id.to_string())
}

pub(crate) fn image(server: &AuthorisationServer) -> Image {
    Image::of(&View {
        organisation_id: &server.organisation_id,
        customer_friendly_name: &server.facts.customer_friendly_name,
        customer_friendly_description: server.facts.customer_friendly_description.as_deref(),
        customer_friendly_logo_uri: server.facts.customer_friendly_logo_uri.as_ref(),
        issuer: server.facts.issuer.as_ref(),
        openid_discovery_document: server.facts.openid_discovery_document.as_ref(),
        status: server.status,
    })
}

fn body(server: &AuthorisationServer) -> Body<'_> {
    Body {
        authorisation_server_id: server.id,
        organisation_id: &server.organisation_id,
        customer_friendly_name: &server.facts.customer_friendly_name,
        customer_friendly_description: server.facts.customer_friendly_description.as_deref().unwrap_or_default(),
        customer_friendly_logo_uri: server.facts.customer_friendly_logo_uri.as_ref().map_or("", HttpsUrl::as_str),
        auto_registration_supported: false,
        issuer: server.facts.issuer.as_ref(),
        openid_discovery_document: server.facts.openid_discovery_document.as_ref(),
        status: server.status,
        created_at: server.created_at,
        updated_at: server.updated_at,
    }
}
