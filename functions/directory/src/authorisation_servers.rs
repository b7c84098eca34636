//! `/organisations/{OrganisationId}/authorisationservers`: the OpenID providers of an organisation.

use serde::Serialize;
use trustplane_domain::directory::authorisation_server::{
    AuthorisationServer, MAX_SERVERS, ServerRequest, ServerStatus,
};
use trustplane_domain::directory::https_url::HttpsUrl;
use trustplane_domain::directory::ids::{AuthorisationServerId, OrganisationId};
use trustplane_domain::directory::obstacle::below_organisation;
use trustplane_domain::{Failure, Timestamp};
use trustplane_policy::{Image, Kind};
use trustplane_runtime::{Call, Context, Decision, Response, Subject, both};
use trustplane_store::Writes;

use crate::obstacles::{unobstructed, warned};
use crate::path::ServerPath;
use crate::server_tests::untested;
use crate::{listing, path};

const MAX: u64 = MAX_SERVERS as u64;

/// An authorisation server on the wire. What the owner has not said is left out.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "AuthorisationServer"))]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Body<'a> {
    authorisation_server_id: AuthorisationServerId,
    organisation_id: &'a OrganisationId,
    #[cfg_attr(feature = "schema", schemars(with = "trustplane_domain::request::Label<255>"))]
    customer_friendly_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_friendly_logo_uri: Option<&'a HttpsUrl>,
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<&'a HttpsUrl>,
    #[serde(rename = "OpenIDDiscoveryDocument", skip_serializing_if = "Option::is_none")]
    openid_discovery_document: Option<&'a HttpsUrl>,
    status: ServerStatus,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// An authorisation server as policies and the audit log see it.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "AuthorisationServerImage"))]
pub(crate) struct View<'a> {
    organisation_id: &'a OrganisationId,
    customer_friendly_name: &'a str,
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
        .decide(|(organisation, request), (above, count), cx| {
            unobstructed(&below_organisation(&above.value))?;
            listing::room(&count, MAX, || format!("an organisation has at most {MAX} authorisation servers"))?;
            let after = created(organisation, request, cx);
            let key = cx.keys.authorisation_server(organisation, id);
            let writes = Writes::new().create(&key, &after).one_more(&count.key, MAX).and(scheduled(&after, cx));
            Ok(Decision::write(writes, Response::created(&body(&after)).etag(1)))
        })
        .await
}

/// GET: a page of authorisation servers, the oldest first unless another order is asked for.
pub async fn list(call: Call) -> Result<Response, Failure> {
    call.input(|request| both(path::organisation(request), listing::page(request, AuthorisationServer::SORTABLE)))
        .reads(|(organisation, _), keys| (keys.organisation(organisation), keys.authorisation_servers(organisation)))
        .subject(|((organisation, _), ()), _, _| Subject::new(Kind::Organisation, organisation.as_str()))
        .decide(|((_, page), ()), (above, servers), _| {
            let servers = servers.rows.into_iter().map(|row| row.value).collect();
            let page = page.page(servers, AuthorisationServer::sort_key);
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
        customer_friendly_logo_uri: server.facts.customer_friendly_logo_uri.as_ref(),
        issuer: server.facts.issuer.as_ref(),
        openid_discovery_document: server.facts.openid_discovery_document.as_ref(),
        status: server.status,
        created_at: server.created_at,
        updated_at: server.updated_at,
    }
}
