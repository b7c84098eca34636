//! `/v1/integrations/aws-identity-center/config`: the instance of a tenant, and the role to reach it through.

use serde::Serialize;
use trustplane_domain::arn::{InstanceArn, RoleArn};
use trustplane_domain::connection::{Connection, SavedVersion, Settings};
use trustplane_domain::inventory::Sync;
use trustplane_domain::region::{AccountId, Region};
use trustplane_domain::request::Unparsed;
use trustplane_domain::{Failure, Faults, request};
use trustplane_policy::{Image, Kind, Resource};
use trustplane_runtime::{Call, Context, Decision, Request, Response, Subject};
use trustplane_store::{Slot, Stored, Writes};

use crate::inventory;

/// The saved configuration of the connection.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Integration"))]
pub(crate) struct Body<'a> {
    /// ARN of the IAM Identity Center instance; null if none is saved.
    sso_instance_arn: Option<&'a str>,
    /// ARN of the role in the customer's account; null if none is saved.
    role_arn: Option<&'a str>,
    /// Region of the instance; null if none is saved.
    region: Option<&'a str>,
    /// True if a configuration is saved.
    configured: bool,
}

/// GET: the configuration; nulls before the first is saved.
pub async fn show(call: Call) -> Result<Response, Failure> {
    call.no_input()
        .reads(|(), keys| keys.connection().expected())
        .subject(|_, connection, _| subject(connection))
        .decide(|_, Stored { value: connection, .. }, _| {
            Ok(Response::ok(&body(&connection.settings)).etag(connection.config_version))
        })
        .await
}

/// PUT: saves a configuration, as the next version.
pub async fn put(call: Call) -> Result<Response, Failure> {
    call.no_input()
        .body(|request| settings(request, &call.platform.account))
        .reads(|(), keys| (keys.connection().expected(), keys.aws_sync().optional()))
        .subject(|(_, settings), loaded, cx| {
            let connection = loaded.map(|(connection, _)| connection);
            let changed = connection.filter(|connection| connection.value.settings != *settings);
            let worked = cx.worked_before(|at| changed.is_some_and(|changed| changed.value.passed_before(at)));
            subject(connection).worked_before(worked)
        })
        .decide(|(_, settings), (connection, sync), cx| Ok(save(cx, &connection, &sync, settings.clone(), None)))
        .await
}

/// DELETE: removes the configuration, the report of its test and what was read through it. The ExternalIds and the history
/// stay.
pub async fn delete(call: Call) -> Result<Response, Failure> {
    call.no_input()
        .reads(|(), keys| {
            (keys.connection().expected(), keys.connection_report().optional(), keys.aws_sync().optional())
        })
        .subject(|_, loaded, _| subject(loaded.map(|(connection, ..)| connection)))
        .decide(|_, (before, report, sync), cx| {
            let Some(after) = before.value.removed() else { return Ok(Decision::respond(Response::no_content())) };
            let writes = report.item.iter().fold(replace(cx, &before, &after, &sync), Writes::remove);
            Ok(Decision::write(writes, Response::no_content()))
        })
        .await
}

/// Saves settings, new ones or those of an earlier version, as the next version. The current settings are not saved again.
pub(crate) fn save(
    cx: &Context<'_>,
    before: &Stored<Connection>,
    sync: &Slot<Sync>,
    settings: Settings,
    restored_from: Option<u64>,
) -> Decision {
    if before.value.config_version > 0 && before.value.settings == settings {
        let response = Response::ok(&body(&settings)).etag(before.value.config_version);
        return Decision::respond(response);
    }
    let after = Connection { saved_at: Some(cx.now), ..before.value.saved(settings) };
    let version = SavedVersion {
        number: after.config_version,
        settings: after.settings.clone(),
        saved_at: cx.now,
        saved_by: cx.credential.value.id.to_string(),
        restored_from,
    };
    let writes = replace(cx, before, &after, sync).create(&cx.keys.connection_version(version.number), &version);
    let response = Response::ok(&body(&after.settings)).etag(after.config_version);
    Decision::write(writes, response).after(image(&after.settings))
}

/// Replaces the connection: a role that is no longer its own is released, and what was read through other settings is
/// forgotten.
fn replace(cx: &Context<'_>, before: &Stored<Connection>, after: &Connection, sync: &Slot<Sync>) -> Writes {
    let writes = Writes::new().replace(before, after).and(inventory::forget(sync, &before.value, after, cx.now));
    before.value.released_by(after).map(|role| cx.keys.role_claim(role)).iter().fold(writes, Writes::release)
}

request! {
    /// A configuration to save. An empty string is an absent value.
    pub(crate) struct SaveIntegration {
        /// ARN of the IAM Identity Center instance.
        required instance: Unparsed<InstanceArn> = "sso_instance_arn",
        /// ARN of the role in the customer's account.
        required role: Unparsed<RoleArn> = "role_arn",
        /// Primary region of the instance.
        required region: Unparsed<Region> = "region",
    }
}

fn settings(request: &Request, platform: &AccountId) -> Result<Settings, Failure> {
    let mut fields = request.fields()?;
    let SaveIntegration { instance, role, region } = SaveIntegration::read(&mut fields);
    let (instance, role, region) = (instance.unwrap_or_default(), role.unwrap_or_default(), region.unwrap_or_default());
    let (settings, faults) = match Settings::parse(&instance, &role, &region, platform) {
        Ok(settings) => (settings, Faults::default()),
        Err(faults) => (Settings::default(), faults),
    };
    fields.finish(faults)?;
    Ok(settings)
}

/// The subject of a request about the configuration.
pub(crate) fn subject(connection: Option<&Stored<Connection>>) -> Subject {
    Subject::from(resource())
        .before(connection.map(|connection| image(&connection.value.settings)))
        .version(connection.map(|connection| connection.value.config_version))
}

fn resource() -> Resource {
    Resource::new(Kind::Integration, "aws-identity-center")
}

fn image(settings: &Settings) -> Image {
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
