//! `/v1/integrations/aws-identity-center/config`: which instance a tenant has, and the role to reach it.

use serde::Serialize;
use trustplane_domain::connection::{Connection, Report, SavedVersion, Settings};
use trustplane_domain::{Failure, Faults};
use trustplane_policy::{Change, Image, Kind, Resource};
use trustplane_runtime::{Answer, Call, Reply};
use trustplane_store::{Read, StoreError, Stored, Writes, keys};

use crate::inventory;

/// The saved configuration on the wire: exactly these four fields, an absent value as null.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Integration"))]
pub(crate) struct Body<'a> {
    sso_instance_arn: Option<&'a str>,
    role_arn: Option<&'a str>,
    region: Option<&'a str>,
    configured: bool,
}

/// GET: shows it; nulls before anything was saved.
pub async fn show(call: Call) -> Result<Reply, Failure> {
    call.view(
        |tenant, ()| vec![tenant.connection()],
        None,
        Ok(()),
        |read, (), tenant| {
            let stored = connection(read, tenant)?;
            let reply = Reply::ok(&body(&stored.value.settings)).etag(stored.value.config_version);
            Ok(Change::new(resource(), Ok(reply)).before(Some(image(&stored.value.settings))))
        },
    )
    .await
}

/// PUT: saves it, as the next version.
pub async fn put(call: Call) -> Result<Reply, Failure> {
    let wanted = wanted(&call);
    call.change(
        |tenant, _| vec![tenant.connection(), tenant.aws_sync()],
        wanted,
        |read, wanted, tenant| {
            let before = connection(read, tenant)?;
            saving(&call, read, tenant, &before, (wanted.clone(), None))
        },
    )
    .await
}

/// DELETE: removes it, with what was seen and tested through it. The ExternalIds and the history stay.
pub async fn delete(call: Call) -> Result<Reply, Failure> {
    call.change(
        |tenant, ()| vec![tenant.connection(), tenant.connection_report(), tenant.aws_sync()],
        Ok(()),
        |read, (), tenant| {
            let before = connection(read, tenant)?;
            let report: Option<Stored<Report>> = read.take(&tenant.connection_report())?;
            let sync = inventory::kept(read, tenant)?;
            let mut writes = Writes::new();
            if let Some(after) = before.value.removed() {
                writes = released(writes.replace(&before, &after)?, tenant, &before.value, &after);
                writes = inventory::forgetting(writes, sync.as_ref(), &before.value, &after, call.now)?;
                if let Some(report) = &report {
                    writes = writes.remove(report);
                }
            }
            Ok(Change::new(resource(), Ok(Answer::new(writes, Reply::no_content())))
                .before(Some(image(&before.value.settings)))
                .etag(Some(before.value.config_version)))
        },
    )
    .await
}

/// What saves settings, new ones or those of an earlier version: the next version, and history has it.
pub(crate) fn saving(
    call: &Call,
    read: &mut Read,
    tenant: keys::Tenant,
    before: &Stored<Connection>,
    (settings, restored_from): (Settings, Option<u64>),
) -> Result<Change<Answer>, StoreError> {
    let after = before.value.saved(settings);
    let saved_by = call.presented().map(|id| id.to_string()).unwrap_or_default();
    let version = SavedVersion {
        number: after.config_version,
        settings: after.settings.clone(),
        saved_at: call.now,
        saved_by,
        restored_from,
    };
    let reply = Reply::ok(&body(&after.settings)).etag(after.config_version);
    let writes = Writes::new().replace(before, &after)?.create(&tenant.connection_version(version.number), &version)?;
    let writes = released(writes, tenant, &before.value, &after);
    let sync = inventory::kept(read, tenant)?;
    let writes = inventory::forgetting(writes, sync.as_ref(), &before.value, &after, call.now)?;
    Ok(Change::new(resource(), Ok(Answer::new(writes, reply)))
        .before(Some(image(&before.value.settings)))
        .after(Some(image(&after.settings)))
        .etag(Some(before.value.config_version)))
}

/// With the claim of a role given up that is the connection's no more.
fn released(writes: Writes, tenant: keys::Tenant, before: &Connection, after: &Connection) -> Writes {
    match before.released_by(after) {
        Some(role) => writes.release(&tenant.role_claim(role)),
        None => writes,
    }
}

/// The three fields, each a string that has to be there and may be empty.
fn wanted(call: &Call) -> Result<Settings, Failure> {
    let mut fields = call.request.fields()?;
    let mut text = |field| fields.string(field).unwrap_or_default();
    let (instance, role, region) = (text("sso_instance_arn"), text("role_arn"), text("region"));
    let (settings, faults) = match Settings::parse(&instance, &role, &region, &call.platform.account) {
        Ok(settings) => (settings, Faults::default()),
        Err(faults) => (Settings::default(), faults),
    };
    fields.finish(faults)?;
    Ok(settings)
}

pub(crate) fn connection(read: &mut Read, tenant: keys::Tenant) -> Result<Stored<Connection>, StoreError> {
    // A tenant is made in one transaction with its connection.
    read.take(&tenant.connection())?.ok_or_else(|| StoreError::missing("connection"))
}

pub(crate) fn resource() -> Resource {
    Resource::new(Kind::Integration, "aws-identity-center")
}

pub(crate) fn image(settings: &Settings) -> Image {
    Image::of(&body(settings))
}

pub(crate) fn body(settings: &Settings) -> Body<'_> {
    Body {
        sso_instance_arn: settings.sso_instance_arn.as_ref().map(|arn| arn.as_str()),
        role_arn: settings.role_arn.as_ref().map(|arn| arn.as_str()),
        region: settings.region.as_ref().map(|region| region.as_str()),
        configured: settings.configured(),
    }
}
