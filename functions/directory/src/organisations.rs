//! `/organisations`: the owners of authorisation servers.

use serde::Serialize;
use trustplane_domain::directory::filter::Filtered;
use trustplane_domain::directory::ids::OrganisationId;
use trustplane_domain::directory::organisation::{
    MAX_ORGANISATIONS, NewOrganisation, Organisation, OrganisationStatus, OrganisationUpdate,
};
use trustplane_domain::{Conflict, Failure, Timestamp};
use trustplane_policy::{Image, Kind};
use trustplane_runtime::{Call, Decision, Planned, Response, Subject, both};
use trustplane_store::{TenantKeys, Writes};

use crate::level::{Level, one_more};
use crate::{listing, path};

const MAX: u64 = MAX_ORGANISATIONS as u64;

/// An organisation.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Organisation"))]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Body<'a> {
    /// Id of the organisation, which its creator chose.
    organisation_id: &'a OrganisationId,
    /// Name for people.
    #[cfg_attr(feature = "schema", schemars(with = "trustplane_domain::request::Label<255>"))]
    organisation_name: &'a str,
    /// Status of the organisation. Its configurations serve addresses only while it is `Active`.
    status: OrganisationStatus,
    /// Time of its creation.
    created_at: Timestamp,
    /// Time of the last change.
    updated_at: Timestamp,
}

/// An organisation as policies and the audit log see it.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "OrganisationImage"))]
pub(crate) struct View<'a> {
    organisation_name: &'a str,
    status: OrganisationStatus,
}

/// POST `/organisations`: creates an organisation. Its id is the caller's choice, and final.
pub async fn create(call: Call) -> Result<Response, Failure> {
    call.input(|request| request.fields().and_then(NewOrganisation::parse))
        .reads(|new, keys| (keys.organisation(&new.id).optional(), keys.organisation_count().optional()))
        .subject(|(new, ()), read, cx| {
            let after = Organisation::new(new.clone(), cx.now);
            subject(&new.id).stored(read.and_then(|(slot, _)| slot.item.as_ref()), image).after(image(&after))
        })
        .plan(|(new, ()), (slot, count), cx| {
            if slot.item.is_some() {
                let message = format!("there is an organisation `{}` already", new.id);
                return Err(Failure::conflict(Conflict::Exists, message));
            }
            Ok(Planned::new((slot.key, count, Organisation::new(new.clone(), cx.now))))
        })
        .further(|(_, count, _), keys| level(keys).uncounted(count))
        .decide(|(key, count, after), children, _| {
            let rule = || format!("a tenant has at most {MAX} organisations");
            let writes = Writes::new().create(&key, &after).and(one_more(&count, children.as_ref(), MAX, rule)?);
            Ok(Decision::write(writes, Response::created(&body(&after)).etag(1)))
        })
        .await
}

/// GET `/organisations`: a page of organisations, by id unless another order is asked for.
pub async fn list(call: Call) -> Result<Response, Failure> {
    call.input(|request| {
        let filter = listing::filter(request, |word| OrganisationStatus::parse(word).map(OrganisationStatus::as_str));
        both(listing::page(request, Organisation::SORTABLE), filter)
    })
    .reads(|(page, filter), keys| level(keys).page(page, !filter.is_empty()))
    .subject(|_, _, cx| Subject::new(Kind::Tenant, cx.keys.id().to_string()))
    .plan(|((_, filter), ()), found, _| Ok(Planned::new((found.plan(), filter.clone()))))
    .further(|(plan, _), _| plan.again())
    .decide(|(plan, filter), again, _| {
        let page = plan.page(again, |organisation| filter.matches(filtered(organisation)), Organisation::sort_key);
        Ok(Response::ok(&page.map(|organisation| serde_json::json!(body(&organisation)))))
    })
    .await
}

/// GET `/organisations/{OrganisationId}`.
pub async fn show(call: Call) -> Result<Response, Failure> {
    call.input(path::organisation)
        .reads(|id, keys| keys.organisation(id))
        .subject(|(id, ()), organisation, _| subject(id).stored(organisation, image))
        .decide(|_, organisation, _| Ok(Response::ok(&body(&organisation.value)).etag(organisation.version)))
        .await
}

/// PUT `/organisations/{OrganisationId}`: renames an organisation, withdraws it, brings it back.
pub async fn put(call: Call) -> Result<Response, Failure> {
    call.input(path::organisation)
        .body(|request| OrganisationUpdate::parse(request.fields()?, request.parameter("OrganisationId")))
        .reads(|id, keys| keys.organisation(id))
        .subject(|(id, _), organisation, _| subject(id).stored(organisation, image))
        .decide(|(_, update), organisation, cx| {
            let after = organisation.value.updated(update.clone(), cx.now);
            Ok(Decision::update(&organisation, &after, image, Response::ok(&body(&after))))
        })
        .await
}

/// The facts of an organisation that filters look at.
fn filtered(organisation: &Organisation) -> Filtered<'_> {
    Filtered {
        status: organisation.status.as_str(),
        texts: [organisation.id.as_str(), &organisation.name],
        has_discovery_document: None,
    }
}

fn level(keys: TenantKeys) -> Level<Organisation> {
    Level::new(keys.organisations(), keys.organisation_count(), "OrganisationId")
}

fn subject(id: &OrganisationId) -> Subject {
    Subject::new(Kind::Organisation, id.as_str())
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
