//! `/v1/integrations/aws-identity-center/config/versions`: all saved configurations, and the return to one.

use serde::Serialize;
use trustplane_domain::connection::SavedVersion;
use trustplane_domain::{Failure, Timestamp};
use trustplane_runtime::{Call, Page, Response};

use crate::config::{self, subject};

/// A saved version of the connection's configuration.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "IntegrationVersion"))]
pub(crate) struct Version<'a> {
    /// Number of the version, from 1.
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    version: u64,
    #[serde(flatten)]
    config: config::Body<'a>,
    /// It is the current configuration.
    current: bool,
    /// Time at which it was saved.
    saved_at: Timestamp,
    /// Id of the credential that saved it.
    saved_by: &'a str,
    /// Number of the version that it restored; null if it is not a restoration.
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    restored_from: Option<u64>,
}

/// GET: all versions, the newest first.
pub async fn list(call: Call) -> Result<Response, Failure> {
    call.input(Page::of)
        .reads(|page, keys| (keys.connection().expected(), page.rows(keys.connection_versions().newest_first())))
        .subject(|_, loaded, _| subject(loaded.map(|(connection, _)| connection)))
        .decide(|_, (connection, versions), _| {
            let current = connection.value;
            Ok(Response::ok(&versions.listed(|version| {
                let is_current = version.number == current.config_version && version.settings == current.settings;
                Some(shown(version, is_current))
            })))
        })
        .await
}

/// POST `/{n}/restore`: saves the configuration of version n, as the next version.
pub async fn restore(call: Call) -> Result<Response, Failure> {
    call.input(|request| Ok(number(request.parameter("n"))))
        .reads(|number, keys| {
            let version = number.map(|number| keys.connection_version(number).optional());
            (keys.connection().expected(), version, keys.aws_sync().optional())
        })
        .subject(|_, loaded, _| subject(loaded.map(|(connection, ..)| connection)))
        .decide(|_, (connection, version, sync), cx| {
            let version = version.and_then(|slot| slot.item).ok_or(Failure::NotFound("version"))?.value;
            Ok(config::save(cx, &connection, &sync, version.settings, Some(version.number)))
        })
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

/// Parses a version's number. It has one spelling: `01` and `+1` are numbers of no version.
fn number(text: &str) -> Option<u64> {
    text.parse().ok().filter(|number: &u64| number.to_string() == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_one_spelling() {
        assert_eq!((number("1"), number("20"), number("18446744073709551615")), (Some(1), Some(20), Some(u64::MAX)));
        for text in ["01", "+1", "", " 1", "1.0", "18446744073709551616"] {
            assert_eq!(number(text), None, "{text:?}");
        }
    }
}
