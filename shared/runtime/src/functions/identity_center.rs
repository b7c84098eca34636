//! The integration API: the connection to IAM Identity Center.

use trustplane_policy::{Group, Kind};

use super::Use::{AssumeRole, List, Read, Write};
use super::{Function, http};
use crate::Dialect::Integration;

pub(super) const FUNCTIONS: &[Function] = &[
    http(
        "identity-center",
        "put-identity-center-config",
        ("PUT", "/v1/integrations/aws-identity-center/config"),
        (Integration, Group::Write, Kind::Integration),
        (Some("SaveIntegration"), 200, Some("Integration")),
        &[Read, Write],
        "Saves the connection to IAM Identity Center",
    ),
    http(
        "identity-center",
        "get-identity-center-config",
        ("GET", "/v1/integrations/aws-identity-center/config"),
        (Integration, Group::Read, Kind::Integration),
        (None, 200, Some("Integration")),
        &[Read],
        "Shows the saved connection",
    ),
    http(
        "identity-center",
        "delete-identity-center-config",
        ("DELETE", "/v1/integrations/aws-identity-center/config"),
        (Integration, Group::Write, Kind::Integration),
        (None, 204, None),
        &[Read, Write],
        "Removes the connection; its ExternalId and history stay",
    ),
    http(
        "identity-center",
        "list-identity-center-config-versions",
        ("GET", "/v1/integrations/aws-identity-center/config/versions"),
        (Integration, Group::Read, Kind::Integration),
        (None, 200, Some("IntegrationVersions")),
        &[Read, List],
        "Lists every configuration that was saved",
    ),
    http(
        "identity-center",
        "restore-identity-center-config-version",
        ("POST", "/v1/integrations/aws-identity-center/config/versions/{n}/restore"),
        (Integration, Group::Write, Kind::Integration),
        (None, 200, Some("Integration")),
        &[Read, Write],
        "Saves an earlier configuration again",
    ),
    http(
        "identity-center",
        "test-identity-center-connection",
        ("POST", "/v1/integrations/aws-identity-center/test"),
        (Integration, Group::Write, Kind::Integration),
        (None, 200, Some("TestReport")),
        &[Read, Write, AssumeRole],
        "Tests the connection, check by check",
    ),
    http(
        "identity-center",
        "get-identity-center-test",
        ("GET", "/v1/integrations/aws-identity-center/test"),
        (Integration, Group::Read, Kind::Integration),
        (None, 200, Some("TestReport")),
        &[Read],
        "Shows the last test report",
    ),
    http(
        "identity-center",
        "get-external-id",
        ("GET", "/v1/integrations/aws-identity-center/external-id"),
        (Integration, Group::Read, Kind::ExternalId),
        (None, 200, Some("ExternalIds")),
        &[Read],
        "Shows the ExternalId that the role must trust",
    ),
    http(
        "identity-center",
        "rotate-external-id",
        ("POST", "/v1/integrations/aws-identity-center/external-id/rotate"),
        (Integration, Group::Write, Kind::ExternalId),
        (None, 200, Some("ExternalIds")),
        &[Read, Write],
        "Makes a second ExternalId, pending",
    ),
    http(
        "identity-center",
        "commit-external-id-rotation",
        ("POST", "/v1/integrations/aws-identity-center/external-id/commit"),
        (Integration, Group::Write, Kind::ExternalId),
        (None, 200, Some("ExternalIds")),
        &[Read, Write, AssumeRole],
        "Makes the pending ExternalId the current one, once the role trusts it",
    ),
    http(
        "identity-center",
        "cancel-external-id-rotation",
        ("POST", "/v1/integrations/aws-identity-center/external-id/cancel"),
        (Integration, Group::Write, Kind::ExternalId),
        (None, 200, Some("ExternalIds")),
        &[Read, Write],
        "Gives the pending ExternalId up",
    ),
];
