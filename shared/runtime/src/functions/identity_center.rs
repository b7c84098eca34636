//! The integration API: the connection to IAM Identity Center.

use trustplane_policy::{Group, Kind};

use super::Use::{Read, Write};
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
];
