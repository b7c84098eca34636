//! `/organisations/{OrganisationId}/authorisationservers`: the OpenID providers of an organisation.

use serde::Serialize;
use trustplane_domain::directory::authorisation_server::{
    AuthorisationServer, MOST_SERVERS, ServerRequest, ServerStatus,
};
use trustplane_domain::directory::https_url::HttpsUrl;
use trustplane_domain::directory::ids::{AuthorisationServerId, OrganisationId};
use trustplane_domain::directory::organisation::Organisation;
use trustplane_domain::directory::page::PageRequest;
use trustplane_domain::directory::standing::{below_organisation, refusal};
use trustplane_domain::{Conflict, Failure, Timestamp};
use trustplane_policy::{Change, Image, Kind, Resource};
use trustplane_runtime::{Answer, Call, Reply};
use trustplane_store::{Count, Query, Writes, keys};

use crate::path::both;
use crate::standing::warned;
use crate::{listing, path};

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
struct View<'a> {
    organisation_id: &'a OrganisationId,
    customer_friendly_name: &'a str,
    customer_friendly_logo_uri: Option<&'a HttpsUrl>,
    issuer: Option<&'a HttpsUrl>,
    openid_discovery_document: Option<&'a HttpsUrl>,
    status: ServerStatus,
}

/// POST: makes one.
pub async fn create(call: Call) -> Result<Reply, Failure> {
    let wanted = both(path::organisation(&call.request), call.request.fields().and_then(ServerRequest::parse));
    let id = AuthorisationServerId::new(call.now, call.random()?);
    let most = u64::try_from(MOST_SERVERS).unwrap_or(u64::MAX);
    call.change(
        |tenant, (organisation, _)| {
            let organisation = organisation.as_str();
            vec![tenant.organisation(organisation), tenant.authorisation_server_count(organisation)]
        },
        wanted,
        |read, (organisation, request), tenant| {
            let count_key = tenant.authorisation_server_count(organisation.as_str());
            let Some(above) = read.take::<Organisation>(&tenant.organisation(organisation.as_str()))? else {
                return Ok(Change::new(resource(id), Err(Failure::NotFound("organisation"))));
            };
            let count = read.take::<Count>(&count_key)?.map_or(0, |count| count.value.children);
            let after = AuthorisationServer::new(organisation.clone(), id, request.clone(), call.now);
            let change = |outcome| Change::new(resource(id), outcome).after(Some(image(&after)));
            if let Some(refusal) = refusal(&below_organisation(&above.value)) {
                return Ok(change(Err(refusal)));
            }
            if count >= most {
                let message = format!("an organisation has at most {most} authorisation servers");
                return Ok(change(Err(Failure::conflict(Conflict::Limit, message))));
            }
            let key = tenant.authorisation_server(organisation.as_str(), &id.to_string());
            let writes = Writes::new().create(&key, &after)?.one_more(&count_key, most);
            Ok(change(Ok(Answer::new(writes, Reply::created(&body(&after)).etag(1)))))
        },
    )
    .await
}

/// GET: a page of them, the oldest first unless another order is asked for.
pub async fn list(call: Call) -> Result<Reply, Failure> {
    let wanted = both(path::organisation(&call.request), listing::page(&call.request, AuthorisationServer::SORTABLE));
    call.view(
        |tenant, (organisation, _)| vec![tenant.organisation(organisation.as_str())],
        Some(&|tenant, (organisation, _): &(OrganisationId, PageRequest)| {
            Query::prefix(tenant, keys::authorisation_servers(organisation.as_str()))
        }),
        wanted,
        |read, (organisation, page), tenant| {
            let resource = Resource::new(Kind::Organisation, organisation.as_str());
            let Some(above) = read.take::<Organisation>(&tenant.organisation(organisation.as_str()))? else {
                return Ok(Change::new(resource, Err(Failure::NotFound("organisation"))));
            };
            let servers = read.listing::<AuthorisationServer>(tenant)?.rows.into_iter().map(|row| row.value).collect();
            let page = page.page(servers, AuthorisationServer::sort_key);
            let reply = Reply::ok(&page.map(|server| serde_json::json!(body(&server))));
            Ok(Change::new(resource, Ok(warned(reply, &below_organisation(&above.value)))))
        },
    )
    .await
}

/// GET `/{AuthorisationServerId}`.
pub async fn show(call: Call) -> Result<Reply, Failure> {
    call.view(
        |tenant, path| path.keys(tenant),
        None,
        path::server(&call.request),
        |read, path, tenant| {
            let (above, found) = match path.find(read, tenant)? {
                Ok(found) => found,
                Err(failure) => return Ok(Change::new(resource(path.server), Err(failure))),
            };
            let reply = Reply::ok(&body(&found.value)).etag(found.version);
            let reply = warned(reply, &below_organisation(&above.value));
            Ok(Change::new(resource(path.server), Ok(reply)).before(Some(image(&found.value))))
        },
    )
    .await
}

/// PUT `/{AuthorisationServerId}`: replaces what its owner says of it, takes it out of use and into use again.
pub async fn put(call: Call) -> Result<Reply, Failure> {
    let wanted = both(path::server(&call.request), call.request.fields().and_then(ServerRequest::parse));
    call.change(
        |tenant, (path, _)| path.keys(tenant),
        wanted,
        |read, (path, request), tenant| {
            let (above, before) = match path.find(read, tenant)? {
                Ok(found) => found,
                Err(failure) => return Ok(Change::new(resource(path.server), Err(failure))),
            };
            let after = before.value.updated(request.clone(), call.now);
            let outcome = match refusal(&below_organisation(&above.value)) {
                Some(refusal) => Err(refusal),
                None if after == before.value => {
                    Ok(Answer::new(Writes::new(), Reply::ok(&body(&after)).etag(before.version)))
                }
                None => {
                    let reply = Reply::ok(&body(&after)).etag(before.version + 1);
                    Ok(Answer::new(Writes::new().replace(&before, &after)?, reply))
                }
            };
            Ok(Change::new(resource(path.server), outcome)
                .before(Some(image(&before.value)))
                .after(Some(image(&after)))
                .etag(Some(before.version)))
        },
    )
    .await
}

fn resource(id: AuthorisationServerId) -> Resource {
    Resource::new(Kind::AuthorisationServer, id.to_string())
}

fn image(server: &AuthorisationServer) -> Image {
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
