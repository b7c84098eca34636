//! `/v1/integrations/aws-identity-center/config/versions`: every configuration that was saved, and going back to one.

use serde::Serialize;
use trustplane_domain::connection::SavedVersion;
use trustplane_domain::{Failure, Timestamp};
use trustplane_policy::Change;
use trustplane_runtime::{Call, Page, Reply};
use trustplane_store::{Query, Stored, keys};

use crate::config::{self, connection, image, resource};

/// A version on the wire: the configuration as it was saved, and how that came about.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "IntegrationVersion"))]
pub(crate) struct Version<'a> {
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    version: u64,
    #[serde(flatten)]
    config: config::Body<'a>,
    /// Whether it is the one that stands.
    current: bool,
    saved_at: Timestamp,
    saved_by: &'a str,
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    restored_from: Option<u64>,
}

/// GET: the newest first.
pub async fn list(call: Call) -> Result<Reply, Failure> {
    let page = Page::of(&call.request, keys::CONNECTION_VERSIONS);
    call.view(
        |tenant, _| vec![tenant.connection()],
        Some(&|tenant, page: &Page| page.query(Query::prefix(tenant, keys::CONNECTION_VERSIONS).newest_first())),
        page,
        |read, page, tenant| {
            let stands = connection(read, tenant)?.value;
            let listing = read.listing::<SavedVersion>(tenant)?;
            let current =
                |version: &SavedVersion| version.number == stands.config_version && version.settings == stands.settings;
            let rows = listing.rows.iter().map(|row| shown(&row.value, current(&row.value))).collect();
            let reply = Reply::ok(&page.listed(rows, listing.next.as_deref()));
            Ok(Change::new(resource(), Ok(reply)).before(Some(image(&stands.settings))))
        },
    )
    .await
}

/// POST `/{n}/restore`: saves what version n had, as the next version.
pub async fn restore(call: Call) -> Result<Reply, Failure> {
    let number = call.request.parameter("n").parse::<u64>().ok();
    call.change(
        |tenant, number| {
            let version = number.map(|number| tenant.connection_version(number));
            [tenant.connection(), tenant.aws_sync()].into_iter().chain(version).collect()
        },
        Ok(number),
        |read, number, tenant| {
            let before = connection(read, tenant)?;
            let key = number.map(|number| tenant.connection_version(number));
            let version: Option<Stored<SavedVersion>> = key.map(|key| read.take(&key)).transpose()?.flatten();
            match version {
                Some(Stored { value: version, .. }) => {
                    config::saving(&call, read, tenant, &before, (version.settings, Some(version.number)))
                }
                None => Ok(Change::new(resource(), Err(Failure::NotFound("version")))
                    .before(Some(image(&before.value.settings)))
                    .etag(Some(before.value.config_version))),
            }
        },
    )
    .await
}

fn shown(version: &SavedVersion, current: bool) -> Version<'_> {
    Version {
        version: version.number,
        config: config::body(&version.settings),
        current,
        saved_at: version.saved_at,
        saved_by: &version.saved_by,
        restored_from: version.restored_from,
    }
}
