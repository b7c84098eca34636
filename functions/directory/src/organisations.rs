//! `/organisations`: whose authorisation servers these are.

use serde::Serialize;
use trustplane_domain::directory::ids::OrganisationId;
use trustplane_domain::directory::organisation::{
    MOST_ORGANISATIONS, NewOrganisation, Organisation, OrganisationStatus, OrganisationUpdate,
};
use trustplane_domain::{Conflict, Failure, Timestamp};
use trustplane_policy::{Change, Image, Kind, Resource};
use trustplane_runtime::{Answer, Call, Reply};
use trustplane_store::{Count, Query, Stored, Writes, keys};

use crate::{listing, path};

/// An organisation on the wire.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Organisation"))]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Body<'a> {
    organisation_id: &'a OrganisationId,
    #[cfg_attr(feature = "schema", schemars(with = "trustplane_domain::request::Label<255>"))]
    organisation_name: &'a str,
    status: OrganisationStatus,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// An organisation as policies and the audit log see it.
#[derive(Debug, Serialize)]
struct View<'a> {
    organisation_name: &'a str,
    status: OrganisationStatus,
}

/// POST `/organisations`: makes one. Its id is the caller's choice, and final.
pub async fn create(call: Call) -> Result<Reply, Failure> {
    let wanted = call.request.fields().and_then(NewOrganisation::parse);
    let most = u64::try_from(MOST_ORGANISATIONS).unwrap_or(u64::MAX);
    call.change(
        |tenant, wanted| vec![tenant.organisation(wanted.id.as_str()), tenant.organisation_count()],
        wanted,
        |read, wanted, tenant| {
            let (key, count_key) = (tenant.organisation(wanted.id.as_str()), tenant.organisation_count());
            let standing: Option<Stored<Organisation>> = read.take(&key)?;
            let count = read.take::<Count>(&count_key)?.map_or(0, |count| count.value.children);
            let after = Organisation::new(wanted.clone(), call.now);
            let change = |outcome| Change::new(resource(&wanted.id), outcome).after(Some(image(&after)));
            if let Some(standing) = standing {
                let refusal =
                    Failure::conflict(Conflict::Exists, format!("there is an organisation `{}` already", wanted.id));
                return Ok(change(Err(refusal)).before(Some(image(&standing.value))).etag(Some(standing.version)));
            }
            if count >= most {
                let refusal = Failure::conflict(Conflict::Limit, format!("a tenant has at most {most} organisations"));
                return Ok(change(Err(refusal)));
            }
            let writes = Writes::new().create(&key, &after)?.one_more(&count_key, most);
            Ok(change(Ok(Answer::new(writes, Reply::created(&body(&after)).etag(1)))))
        },
    )
    .await
}

/// GET `/organisations`: a page of them, by id unless another order is asked for.
pub async fn list(call: Call) -> Result<Reply, Failure> {
    let page = listing::page(&call.request, Organisation::SORTABLE);
    call.view(
        |_, _| Vec::new(),
        Some(&|tenant, _| Query::prefix(tenant, keys::ORGANISATIONS)),
        page,
        |read, page, tenant| {
            let organisations = read.listing::<Organisation>(tenant)?.rows.into_iter().map(|row| row.value).collect();
            let page = page.page(organisations, Organisation::sort_key);
            let reply = Reply::ok(&page.map(|organisation| serde_json::json!(body(&organisation))));
            Ok(Change::new(Resource::new(Kind::Tenant, tenant.id().to_string()), Ok(reply)))
        },
    )
    .await
}

/// GET `/organisations/{OrganisationId}`.
pub async fn show(call: Call) -> Result<Reply, Failure> {
    let id = path::organisation(&call.request);
    call.view(
        |tenant, id| vec![tenant.organisation(id.as_str())],
        None,
        id,
        |read, id, tenant| {
            let Some(found) = read.take::<Organisation>(&tenant.organisation(id.as_str()))? else {
                return Ok(Change::new(resource(id), Err(Failure::NotFound("organisation"))));
            };
            let reply = Reply::ok(&body(&found.value)).etag(found.version);
            Ok(Change::new(resource(id), Ok(reply)).before(Some(image(&found.value))))
        },
    )
    .await
}

/// PUT `/organisations/{OrganisationId}`: renames it, withdraws it, brings it back.
pub async fn put(call: Call) -> Result<Reply, Failure> {
    let update = call
        .request
        .fields()
        .and_then(|fields| OrganisationUpdate::parse(fields, call.request.parameter("OrganisationId")));
    let wanted = path::both(path::organisation(&call.request), update);
    call.change(
        |tenant, (id, _)| vec![tenant.organisation(id.as_str())],
        wanted,
        |read, (id, update), tenant| {
            let Some(before) = read.take::<Organisation>(&tenant.organisation(id.as_str()))? else {
                return Ok(Change::new(resource(id), Err(Failure::NotFound("organisation"))));
            };
            let after = before.value.updated(update.clone(), call.now);
            let answer = if after == before.value {
                Answer::new(Writes::new(), Reply::ok(&body(&after)).etag(before.version))
            } else {
                let reply = Reply::ok(&body(&after)).etag(before.version + 1);
                Answer::new(Writes::new().replace(&before, &after)?, reply)
            };
            Ok(Change::new(resource(id), Ok(answer))
                .before(Some(image(&before.value)))
                .after(Some(image(&after)))
                .etag(Some(before.version)))
        },
    )
    .await
}

fn resource(id: &OrganisationId) -> Resource {
    Resource::new(Kind::Organisation, id.as_str())
}

fn image(organisation: &Organisation) -> Image {
    Image::of(&View { organisation_name: &organisation.name, status: organisation.status })
}

fn body(organisation: &Organisation) -> Body<'_> {
    Body {
        organisation_id: &organisation.id,
        organisation_name: &organisation.name,
        status: organisation.status,
        created_at: organisation.created_at,
        updated_at: organisation.updated_at,
    }
}
